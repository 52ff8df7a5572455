//! Floor 1: how parts of one process hear of each other without knowing each other.
//!
//! [`Deliveries`] is where a turn waits for the first try of the effect it queued. It knows neither: both name the
//! effect. What is said while nobody waits is not kept; the outbox's row is the truth.
//!
//! [`Boundaries`] names the points between two effects at which a process may die, so that crash runs can stop it there.
//!
//! Adding a kind of news: a type of its own beside `Deliveries`; no general event enum. Adding a boundary: a variant,
//! and a call where the effect before it is done; every scenario is run with a stop there from then on.

mod boundary;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

pub use boundary::{Boundaries, Boundary, Halt};

use crate::model::EffectId;

/// How the first try of an effect ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The provider took it: the answer stands.
    Stands,
    /// No provider takes it now, and it is tried again.
    Delayed,
    /// The provider did not answer: nobody can tell whether it left.
    Uncertain,
    /// Refused for good; the code says why.
    Refused(String),
    /// An outside agent answered, or never will.
    Answered(Answered),
}

/// What a call to an outside agent came to.
#[derive(Clone, PartialEq, Eq)]
pub struct Answered {
    /// The outcome of the node that called.
    pub outcome: &'static str,
    /// The fields that the answer fills.
    pub fields: Vec<(String, String)>,
    /// The worker whose claim on the effect ends with it.
    pub by: String,
    /// How often the effect was claimed by then, that claim counted.
    pub nth: i64,
}

/// What was answered may be about somebody.
impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answered").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

/// Turns that wait for a delivery, by effect, and the worker that is told of new effects.
#[derive(Debug)]
pub struct Deliveries {
    waiting: Mutex<HashMap<EffectId, oneshot::Sender<Delivery>>>,
    queued: mpsc::UnboundedSender<EffectId>,
}

impl Deliveries {
    /// The door, and the end at which the worker hears of queued effects.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<EffectId>) {
        let (queued, hear) = mpsc::unbounded_channel();
        (Self { waiting: Mutex::default(), queued }, hear)
    }

    /// Tells the worker that an effect was committed. Where no worker listens any more, the row waits for the next one.
    pub fn queued(&self, effect: &EffectId) {
        let _ = self.queued.send(effect.clone());
    }

    /// Begins to wait. Called before the effect is committed, so that no news is missed.
    pub fn expect(&self, effect: &EffectId) -> oneshot::Receiver<Delivery> {
        let (tell, hear) = oneshot::channel();
        self.lock().insert(effect.clone(), tell);
        hear
    }

    /// Tells the turn that waits; false where none does any more.
    pub fn report(&self, effect: &EffectId, delivery: Delivery) -> bool {
        self.lock().remove(effect).is_some_and(|waiting| waiting.send(delivery).is_ok())
    }

    /// Stops waiting.
    pub fn forget(&self, effect: &EffectId) {
        self.lock().remove(effect);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<EffectId, oneshot::Sender<Delivery>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
