//! Where a process may die.

use std::fmt::Debug;
use std::sync::Arc;

use futures::future::BoxFuture;

/// A point between two effects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// A try was charged and not yet compared.
    Charged,
    /// A turn is decided and not yet committed.
    Decided,
    /// A turn is committed and its answer not yet given.
    Committed,
    /// An effect is claimed and not yet handed to the provider.
    Claimed,
    /// An effect is with the provider and not yet marked.
    Sent,
    /// An effect is marked.
    Finished,
}

/// Stops a process at a boundary by never coming back.
pub trait Halt: Debug + Send + Sync + 'static {
    /// Called at each boundary; a future that never ends is a crash.
    fn at(&self, boundary: Boundary) -> BoxFuture<'_, ()>;
}

/// The boundaries of a running process; in production nothing halts at them.
#[derive(Debug, Clone, Default)]
pub struct Boundaries(Option<Arc<dyn Halt>>);

impl Boundaries {
    /// Boundaries at which `halt` may stop.
    pub fn with(halt: Arc<dyn Halt>) -> Self {
        Self(Some(halt))
    }

    /// Passes a boundary.
    pub async fn pass(&self, boundary: Boundary) {
        if let Some(halt) = &self.0 {
            halt.at(boundary).await;
        }
    }
}
