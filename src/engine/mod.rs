//! Floor 5: the turn: classify → decide → commit → deliver.
//!
//! A turn is one message and its answer. Nothing is written before the commit but the charge of a code's try; the commit
//! is one transaction with the state, the messages, the answer, the audit events and the effects; effects leave after
//! it. A turn runs in a task of its own, so a client that hangs up changes nothing, and turns of one conversation queue
//! in the order they came. The engine does not know HTTP, nor how effects leave.
//!
//! Adding to what a turn commits: a write in `commit.rs`, in the order its keys need. Adding a way to be told who calls:
//! `access.rs`, and nowhere else. Adding an act on a session or a device: `sessions.rs`, over a tool. Adding a form's field:
//! `said.rs`. Adding a channel whose network says who writes: `channel.rs`, over `inbound.rs`.

mod access;
mod account;
mod changes;
mod channel;
mod checkpoint;
mod commit;
mod deliver;
mod desk;
mod desk_words;
mod device_data;
mod error;
mod excuse;
mod fields;
mod hearing;
mod inbound;
mod internal;
mod meanwhile;
mod observer;
mod outside;
mod parked;
mod pipeline;
mod queue;
mod repeat;
mod request;
mod run;
mod said;
mod sessions;
mod shadow;
mod silence;
mod stored;
mod told;
mod tools;
mod traced;
mod turn;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};

use tokio_util::task::TaskTracker;

pub use crate::tool::device::NewDevice;
pub use access::{Credentials, OpenChallenge, Profile as Me};
pub use desk::{LONGEST_QUIET, handed_off};
pub use desk_words::Spoken;
pub use error::Error;
pub use hearing::Chunks;
pub use inbound::{Inbound, OptOut};
pub use observer::{Observer, Occasion, Passed};
pub use outside::{Due, KIND as OUTSIDE, shown};
pub use pipeline::{PipelineState, user_management};
pub use request::{Answer, Caller, Request, SessionGrant};
pub use run::Step;
pub use said::Said;
pub use sessions::SessionTokens;
pub use shadow::{Elsewhere, Shadow};
pub use silence::KIND as TIMER;
pub use stored::{Cause, Standing, Waits, standings};
pub use told::Told;

use crate::agent::Registered;
use crate::bus::{Boundaries, Deliveries};
use crate::classify::Classifier;
use crate::crypto::Keys;
use crate::graph::GraphSet;
use crate::limit::Pace;
use crate::limit::Quotas;
use crate::model::{Clock, Randomness};
use crate::prompt::Replies;
use crate::store::Store;
use crate::{handoff, limit, llm, sms, tool};

/// Calls with a bad signature that are noted in a minute for one network.
const FORGERIES_PER_MINUTE: u32 = 5;

/// The conversation: what leads where, what is said, what messages mean. It is whole, proved, and changed as a whole.
#[derive(Debug, Clone)]
pub struct Talk {
    /// The graphs.
    pub graphs: Arc<GraphSet>,
    /// What messages mean.
    pub classifier: Arc<Classifier>,
    /// What is said.
    pub replies: Arc<Replies>,
}

/// What an engine is made of. Every part is an argument; `app` is where production's are chosen.
#[derive(Debug)]
pub struct Parts {
    /// Where everything is kept.
    pub store: Store,
    /// Keys.
    pub keys: Arc<Keys>,
    /// The conversation, as it stands at first.
    pub talk: Talk,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub randomness: Randomness,
    /// Where a turn waits for the first try of its message.
    pub deliveries: Arc<Deliveries>,
    /// Where a process may die.
    pub boundaries: Boundaries,
    /// Limits.
    pub limits: limit::Options,
    /// The countries that codes are sent to.
    pub served: sms::Served,
    /// Settings of sessions.
    pub options: tool::Options,
    /// How long language models may take in a turn, and what they cost.
    pub models: llm::Options,
    /// The operator's desk, where there is one.
    pub handoff: handoff::Options,
    /// Text messages of one number that are answered in a minute.
    pub texts_per_minute: u32,
    /// How long an answer waits for the first try of its message, in milliseconds.
    pub first_try_ms: u64,
    /// How long a question waits before it speaks up whose graph leaves that to the configuration; `None` is for ever.
    pub silence: Option<jiff::SignedDuration>,
    /// How often a language model is asked for one owner.
    pub quotas: Quotas,
    /// Is told of every edge a turn passes.
    pub observer: Option<Observer>,
    /// Hears every message too.
    pub shadow: Option<Shadow>,
}

/// The engine. Cheap to share behind an `Arc`.
///
/// A turn keeps the conversation that it began with: each begins with `Engine::present`, an engine over the same parts that
/// no change reaches any more.
#[derive(Debug, Clone)]
pub struct Engine {
    parts: Arc<Parts>,
    /// The conversation of the turns that this one runs.
    talk: Talk,
    /// The conversation of the next turn.
    next: Arc<RwLock<Talk>>,
    handlers: Arc<[Registered]>,
    queue: Arc<queue::Queue>,
    waiters: Arc<meanwhile::Waiters>,
    texts: Arc<Pace>,
    forgeries: Arc<Pace>,
    tasks: TaskTracker,
    unnamed: Arc<AtomicU64>,
}

impl Engine {
    /// Puts an engine together.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self {
            texts: Arc::new(Pace::per_minute(parts.texts_per_minute, &parts.clock)),
            forgeries: Arc::new(Pace::per_minute(FORGERIES_PER_MINUTE, &parts.clock)),
            talk: parts.talk.clone(),
            next: Arc::new(RwLock::new(parts.talk.clone())),
            parts: Arc::new(parts),
            handlers: crate::agent::handlers().into(),
            queue: Arc::default(),
            waiters: Arc::default(),
            tasks: TaskTracker::new(),
            unnamed: Arc::default(),
        })
    }

    /// Changes the conversation, for every turn that begins from now on.
    pub fn change(&self, talk: Talk) {
        *self.next.write().unwrap_or_else(PoisonError::into_inner) = talk;
    }

    /// The conversation as it is now.
    pub fn talk(&self) -> Talk {
        self.next.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An engine for one turn, with the conversation as it is now.
    fn present(&self) -> Arc<Self> {
        Arc::new(Self { talk: self.talk(), ..self.clone() })
    }

    /// The store, for reads with a caller's actor.
    pub fn store(&self) -> &Store {
        &self.parts.store
    }

    /// The present moment.
    pub fn now(&self) -> jiff::Timestamp {
        self.parts.clock.now()
    }

    /// The public signing keys.
    pub fn jwks(&self) -> serde_json::Value {
        self.parts.keys.access_tokens().jwks()
    }

    /// Waits until every turn under way has ended; new ones are still taken, so stop asking first.
    pub async fn drain(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
