//! How many statements one piece of work asks for, whatever else goes on at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::Either;

tokio::task_local! {
    static METER: Meter;
}

/// Counts the statements of one piece of work: those that its own task asks for, and the tasks that inherit its meter.
/// A worker that is only told of the work has none, so what it asks for is never among them.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    /// Does the work and counts its statements.
    pub fn over<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        METER.scope(self.clone(), work)
    }

    /// What a new task is to do, counted with what its maker does, where that is counted.
    pub fn inherited<F: Future>(work: F) -> impl Future<Output = F::Output> + use<F> {
        match METER.try_with(Self::clone) {
            Ok(meter) => Either::Left(METER.scope(meter, work)),
            Err(_) => Either::Right(work),
        }
    }

    /// Statements so far, as [`super::Store::statements`] counts them.
    pub fn statements(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn count(statements: usize) {
        // Most work is not counted.
        let _ = METER.try_with(|meter| meter.0.fetch_add(statements as u64, Ordering::Relaxed));
    }
}
