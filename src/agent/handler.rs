//! What a handler is.

use std::fmt::Debug;

use futures::future::BoxFuture;

use super::{Error, Turn};
use crate::graph::{HandlerSpec, OutcomeSpec};
use crate::model::Assurance;

/// A closed set of ways a handler can end, made with `outcomes!`.
pub trait Outcome: Debug + Copy + Send + 'static {
    /// Every outcome, and what it grants.
    const ALL: &'static [OutcomeSpec];
    /// The name in graph files.
    fn name(self) -> &'static str;
}

/// The outcome of a handler that ends the graph: there is none.
#[derive(Debug, Clone, Copy)]
pub struct Ended;

impl Outcome for Ended {
    const ALL: &'static [OutcomeSpec] = &[];
    fn name(self) -> &'static str {
        ""
    }
}

macro_rules! outcomes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal $(grants $level:ident)?),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $crate::agent::Outcome for $name {
            const ALL: &'static [$crate::graph::OutcomeSpec] = &[
                $($crate::graph::OutcomeSpec {
                    name: $text,
                    grants: $crate::agent::handler::outcomes!(@grants $($level)?),
                }),+
            ];
            fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
    (@grants) => { None };
    (@grants $level:ident) => { Some($crate::model::Assurance::$level) };
}
pub(super) use outcomes;

/// A handler.
pub trait Handler: 'static {
    /// The name in graph files.
    const NAME: &'static str;
    /// What must be proved before it may run.
    const NEEDS: Assurance = Assurance::Anonymous;
    /// How it can end.
    type Outcome: Outcome;

    /// Does the work.
    fn run(turn: &mut Turn) -> impl Future<Output = Result<Self::Outcome, Error>> + Send;
}

/// What a running handler gives: its outcome, by name and with what it grants.
pub type Running<'a> = BoxFuture<'a, Result<OutcomeSpec, Error>>;

/// A handler with its type erased.
#[derive(Clone, Copy)]
pub struct Registered {
    /// What the graph's proofs know of it.
    pub spec: HandlerSpec,
    /// Runs it.
    pub run: for<'a> fn(&'a mut Turn) -> Running<'a>,
}

impl Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registered({})", self.spec.name)
    }
}

impl Registered {
    /// Registers a handler.
    pub fn of<H: Handler>() -> Self {
        fn run<H: Handler>(turn: &mut Turn) -> Running<'_> {
            Box::pin(async move {
                let outcome = H::run(turn).await?;
                let name = outcome.name();
                let grants = H::Outcome::ALL.iter().find(|o| o.name == name).and_then(|o| o.grants);
                Ok(OutcomeSpec { name, grants })
            })
        }
        Self {
            spec: HandlerSpec { name: H::NAME, needs: H::NEEDS, outcomes: H::Outcome::ALL },
            run: run::<H>,
        }
    }
}
