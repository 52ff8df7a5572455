//! Floor 6: the outbox worker.
//!
//! It claims a queued effect with a lease, words the message (`message.rs`; the code is derived there and nowhere kept),
//! hands it to the provider once, and marks what became of it (`mark.rs`). A row that goes nowhere takes the same steps,
//! so that nothing shows whether there was an address. An effect whose worker died, or whose provider did not answer, is
//! `uncertain` and never sent again by itself (`sweep.rs`). The worker does not know conversations; a refusal goes back
//! to the turn that waits for it, or to the engine where none waits any more.
//!
//! Adding a kind of effect: its variant of `Outgoing` and its arm in `message.rs`, its sender in [`Parts`] and in
//! `hand_over`, and its kind in the row that queues it.

mod mark;
mod message;
mod options;
mod sweep;

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

pub use options::Options;

use self::message::Outgoing;
use crate::bus::{Boundaries, Boundary, Deliveries, Delivery};
use crate::crypto::Keys;
use crate::engine::Engine;
use crate::mail::Mail;
use crate::model::{Actor, Clock, EffectId, EventId, Randomness, Verdict};
use crate::prompt::Replies;
use crate::sms::Sms;
use crate::store::outbox::{self, Effect};
use crate::store::{Applied, Store};
use sweep::PURGE_EVERY;

/// Most messages handed to the provider at once.
const AT_ONCE: usize = 32;

/// A worker that could not do its work; the effect's row says how far it came.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] crate::store::Error),
    /// A key or a sealed value failed.
    #[error("a key failed")]
    Crypto(#[from] crate::crypto::Error),
    /// A text cannot be worded.
    #[error("a text failed")]
    Text(#[from] crate::prompt::Error),
    /// The engine could not correct a conversation.
    #[error("the conversation could not be corrected")]
    Engine(#[source] Box<crate::engine::Error>),
    /// The row lacks what its kind needs.
    #[error("the effect lacks its {0}")]
    Lacks(&'static str),
}

/// What a worker is made of.
#[derive(Debug)]
pub struct Parts {
    /// The engine, which corrects conversations.
    pub engine: Arc<Engine>,
    /// Where effects are queued.
    pub store: Store,
    /// Keys.
    pub keys: Arc<Keys>,
    /// Texts.
    pub replies: Arc<Replies>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub randomness: Randomness,
    /// Who waits for deliveries.
    pub deliveries: Arc<Deliveries>,
    /// Where a process may die.
    pub boundaries: Boundaries,
    /// The sender of text messages.
    pub sms: Arc<dyn Sms>,
    /// The sender of e-mails.
    pub mail: Arc<dyn Mail>,
    /// Settings.
    pub options: Options,
}

/// The worker.
#[derive(Debug)]
pub struct Worker {
    parts: Parts,
    name: String,
    /// Tries under way; a slow provider must not hold up the others.
    tries: TaskTracker,
    places: Arc<Semaphore>,
}

impl Worker {
    /// A worker with a name of its own among all nodes.
    pub fn new(parts: Parts) -> Arc<Self> {
        let mut rng = parts.randomness.stream("worker");
        let name = EventId::new(parts.clock.now(), &mut rng).as_str().replacen("evt_", "wrk_", 1);
        Arc::new(Self { parts, name, tries: TaskTracker::new(), places: Arc::new(Semaphore::new(AT_ONCE)) })
    }

    /// Its name, under which it claims.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Works until it is stopped: on what is queued here at once, and at intervals on what other nodes left behind. What
    /// is under way when it stops is brought to its end.
    pub async fn run(
        self: Arc<Self>,
        mut queued: mpsc::UnboundedReceiver<EffectId>,
        stop: CancellationToken,
    ) {
        let mut next = self.parts.clock.now();
        let mut next_purge = next;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                effect = queued.recv() => match effect {
                    Some(effect) => self.begin(effect).await,
                    None => break,
                },
                () = self.parts.clock.sleep_until(next) => {
                    // Counted from when the sweep looked: a clock that was moved meanwhile has brought new work.
                    let looked = self.parts.clock.now();
                    self.sweep().await;
                    if looked >= next_purge {
                        self.purge().await;
                        next_purge = looked + PURGE_EVERY;
                    }
                    next = looked + millis(self.parts.options.poll_ms);
                }
            }
        }
        self.tries.close();
        self.tries.wait().await;
    }

    /// Begins a try as soon as there is a place for it.
    async fn begin(self: &Arc<Self>, effect: EffectId) {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
        let worker = Arc::clone(self);
        self.tries.spawn(async move {
            worker.work(&effect).await;
            drop(place);
        });
    }

    /// Makes the first and only try of one effect.
    async fn work(&self, id: &EffectId) {
        match self.first_try(id).await {
            Ok(()) => {}
            // A try that could not begin leaves the row queued or claimed; the sweep takes it up.
            Err(e) => {
                self.parts.deliveries.report(id, Delivery::Stands);
                error!(effectId = %id, error = %crate::mask::line(&chain(&e)), "Effect failed");
            }
        }
    }

    async fn first_try(&self, id: &EffectId) -> Result<(), Error> {
        let Some(effect) = self.parts.store.effect(&Actor::System, id).await? else { return Ok(()) };
        let now = self.parts.clock.now();
        let lease = now + millis(self.parts.options.lease_seconds.saturating_mul(1_000));
        let claim = outbox::claim(id, &self.name, lease, now);
        if self.parts.store.apply(&Actor::System, vec![claim]).await? != Applied::Done {
            return Ok(());
        }
        self.parts.boundaries.pass(Boundary::Claimed).await;
        let refused = |code: &str| Some(Verdict::Refused { code: code.to_owned() });
        let verdict = match self.message(&effect).await? {
            Some(message) if effect.not_after > now => self.hand_over(&message).await,
            Some(_) => refused("expired"),
            None => refused("void"),
        };
        self.parts.boundaries.pass(Boundary::Sent).await;
        self.mark(&effect, verdict.as_ref()).await?;
        self.parts.boundaries.pass(Boundary::Finished).await;
        let Some(Verdict::Refused { code }) = verdict.filter(|_| is_told_of(&effect)) else {
            self.parts.deliveries.report(id, Delivery::Stands);
            return Ok(());
        };
        if !self.parts.deliveries.report(id, Delivery::Refused(code.clone())) {
            let corrected = self.parts.engine.undeliverable(&effect, &code).await;
            corrected.map_err(|e| Error::Engine(Box::new(e)))?;
        }
        Ok(())
    }

    /// Hands a message over, once; `None` where there is nobody to hand it to.
    async fn hand_over(&self, message: &Outgoing) -> Option<Verdict> {
        match message {
            Outgoing::Sms(message) => Some(self.parts.sms.send(message).await),
            Outgoing::Email(message) => Some(self.parts.mail.send(message).await),
            Outgoing::Nowhere => None,
        }
    }
}

/// Whether the conversation hears that a message was refused: of codes by text message alone. That an e-mail was refused
/// would say that there is an address (D5), and no conversation waits for a notice.
fn is_told_of(effect: &Effect) -> bool {
    effect.kind == "sms" && effect.challenge.is_some()
}

fn millis(ms: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
