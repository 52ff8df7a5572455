//! Floor 6: the outbox worker.
//!
//! It claims a queued effect with a lease, words the message (`message.rs`; the code is derived there and nowhere kept),
//! hands it to the provider, and marks what became of it (`mark.rs`). What the provider says it did not take waits and is
//! tried again while it is worth sending (`retry.rs`); nothing else is ever handed over twice. An effect whose worker died,
//! or whose provider did not answer, is `uncertain` until the provider tells of it or is asked (`settle.rs`). A row that
//! goes nowhere takes the same steps, so that nothing shows whether there was an address. The worker does not know
//! conversations; what became of a code goes back to the turn that waits for it, or, where none waits any more and the
//! code will never arrive, to the engine.
//!
//! A call to an outside agent (`call.rs`) is an effect that may be made twice: it is tried again whatever became of it, and
//! its answer goes to the conversation that waits for it. Calls wait their turn among themselves, and a claim on one holds for
//! the time of its try longer: what follows the answer has as long as with any other effect.
//! A timer (`timer.rs`) goes nowhere: once it is due, the conversation whose question waits is told.
//! What the operator's desk is told (`desk.rs`) takes the way of a call, and may be made twice too.
//!
//! Adding a kind of effect: its variant of `Outgoing` and its arm in `message.rs`, its sender in [`Parts`] and in
//! `hand_over`, and its kind in the row that queues it.

mod call;
mod desk;
mod mark;
mod message;
mod options;
mod outside;
mod retry;
mod settle;
mod sweep;
mod timer;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

pub use options::Options;
pub use outside::{Outside, OverHttp, Reached};

use self::message::Outgoing;
use crate::bus::{Boundaries, Boundary, Deliveries, Delivery};
use crate::crypto::Keys;
use crate::engine::{Due, Engine, OUTSIDE, TIMER};
use crate::handoff::{self, Desk};
use crate::mail::Mail;
use crate::mask::chain;
use crate::model::{Actor, Clock, EffectId, EventId, Randomness, Verdict};
use crate::sms::Sms;
use crate::store::outbox::{self, Effect, Lane};
use crate::store::{Applied, Store};
use sweep::PURGE_EVERY;

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
    /// The door to outside agents.
    pub outside: Arc<dyn Outside>,
    /// The door to the operator's desk, where there is one.
    pub desk: Option<Arc<dyn Desk>>,
    /// The domain that codes by text message are bound to, where one is known.
    pub domain: Option<String>,
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
    places: Places,
    /// Held while providers are asked about what is uncertain.
    asking: Mutex<()>,
    ask_again: AtomicBool,
}

/// Most timers that are told of at once. Nobody outside is asked for it, so none takes long.
const TIMERS: u32 = 8;

/// How many effects are worked on at once. Each lane has places of its own, so that none holds up another.
#[derive(Debug)]
struct Places {
    messages: Semaphore,
    calls: Semaphore,
    timers: Semaphore,
}

impl Places {
    fn new(options: &Options) -> Self {
        let so_many = |n| Semaphore::new(usize::try_from(n).unwrap_or(Semaphore::MAX_PERMITS));
        Self {
            messages: so_many(options.at_once),
            calls: so_many(options.calls_at_once),
            timers: so_many(TIMERS),
        }
    }

    fn of(&self, lane: Lane) -> &Semaphore {
        match lane {
            Lane::Messages => &self.messages,
            Lane::Calls => &self.calls,
            Lane::Timers => &self.timers,
        }
    }
}

impl Worker {
    /// A worker with a name of its own among all nodes.
    pub fn new(parts: Parts) -> Arc<Self> {
        let mut rng = parts.randomness.stream("worker");
        let name = EventId::new(parts.clock.now(), &mut rng).as_str().replacen("evt_", "wrk_", 1);
        let places = Places::new(&parts.options);
        Arc::new(Self {
            parts,
            name,
            tries: TaskTracker::new(),
            places,
            asking: Mutex::default(),
            ask_again: AtomicBool::default(),
        })
    }

    /// Its name, under which it claims.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tries that are under way.
    pub fn tries(&self) -> &TaskTracker {
        &self.tries
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
                    Some(effect) => self.begin(effect),
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

    /// Begins a try as soon as there is a place for it. A provider that takes its time fills the places of its lane; the
    /// worker goes on hearing of new effects meanwhile.
    fn begin(self: &Arc<Self>, effect: EffectId) {
        let worker = Arc::clone(self);
        self.tries.spawn(async move { worker.work(&effect).await });
    }

    /// Makes one try of one effect.
    async fn work(&self, id: &EffectId) {
        match self.try_once(id).await {
            Ok(()) => {}
            // A try that could not begin leaves the row queued or claimed; the sweep takes it up.
            Err(e) => {
                self.parts.deliveries.report(id, Delivery::Stands);
                error!(effectId = %id, error = %chain(&e), "Effect failed");
            }
        }
    }

    async fn try_once(&self, id: &EffectId) -> Result<(), Error> {
        let Some(effect) = self.parts.store.effect(&Actor::System, id).await? else { return Ok(()) };
        // Held until the try is over. The places are never closed.
        let Ok(_place) = self.places.of(effect.lane()).acquire().await else { return Ok(()) };
        let now = self.parts.clock.now();
        let due = (effect.kind == OUTSIDE).then(|| self.due(&effect));
        let longest = due.iter().flatten().map(Due::timeout).max().unwrap_or_default();
        let lease = now + millis(self.parts.options.lease_seconds.saturating_mul(1_000)) + longest;
        let claim = outbox::claim(&effect, &self.name, lease, now);
        if self.parts.store.apply(&Actor::System, vec![claim]).await? != Applied::Done {
            return Ok(());
        }
        self.parts.boundaries.pass(Boundary::Claimed).await;
        if let Some(due) = due {
            return self.call(&effect, due).await;
        }
        if effect.kind == TIMER {
            return self.time_is_up(&effect).await;
        }
        if effect.kind == handoff::KIND {
            return self.tell_desk(&effect).await;
        }
        // What fails before it is handed over has not left: it is tried again like what no provider took.
        let verdict = self.verdict(&effect, now).await.unwrap_or_else(|e| {
            error!(effectId = %id, error = %chain(&e), "Effect failed");
            Some(Verdict::Later { code: "not_worded".to_owned(), after: None })
        });
        self.parts.boundaries.pass(Boundary::Sent).await;
        let news = self.mark(&effect, verdict.as_ref()).await?;
        self.parts.boundaries.pass(Boundary::Finished).await;
        let news = if effect.tells() { news } else { Delivery::Stands };
        if !self.parts.deliveries.report(id, news.clone()) {
            self.tell(&effect, &news).await?;
        }
        Ok(())
    }

    /// What comes of one try; `None` where there was nobody to hand the message to.
    async fn verdict(&self, effect: &Effect, now: Timestamp) -> Result<Option<Verdict>, Error> {
        let refused = |code: &str| Ok(Some(Verdict::Refused { code: code.to_owned() }));
        let Some(message) = self.message(effect).await? else { return refused("void") };
        if effect.not_after <= now {
            return refused("expired");
        }
        if self.has_opted_out(&message).await? {
            return refused("opted_out");
        }
        Ok(self.hand_over(&message).await)
    }

    /// Whether the number's owner asked for no more messages.
    async fn has_opted_out(&self, message: &Outgoing) -> Result<bool, Error> {
        let Outgoing::Sms(message) = message else { return Ok(false) };
        let key = self.parts.keys.lookup("phone", message.to.e164());
        Ok(self.parts.store.opted_out(&Actor::System, &key).await?.is_some())
    }

    /// Tells the conversation what became of its code, now that no turn waits for that any more. That it is late is said
    /// once.
    async fn tell(&self, effect: &Effect, news: &Delivery) -> Result<(), Error> {
        let engine = &self.parts.engine;
        let told = match news {
            Delivery::Refused(code) => engine.undeliverable(effect, code).await,
            Delivery::Uncertain => engine.uncertain(effect).await,
            Delivery::Delayed if effect.tries == 0 => engine.delayed(effect).await,
            Delivery::Answered(answered) => engine.called(effect, answered).await,
            Delivery::Delayed | Delivery::Stands => Ok(()),
        };
        told.map_err(|e| Error::Engine(Box::new(e)))
    }

    /// Tells the conversation that its code will never arrive.
    async fn refused(&self, effect: &Effect, code: &str) -> Result<(), Error> {
        self.tell(effect, &Delivery::Refused(code.to_owned())).await
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

fn millis(ms: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}
