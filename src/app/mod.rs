//! Floor 8: where everything is wired, once, for production and for tests alike.
//!
//! Tests and scenarios build the same app with [`Doubles`] in the places where the world outside begins: time,
//! randomness, the senders of messages, the points at which a process may die.
//!
//! Adding a part: build it in [`App::build`] from its own `Options`, and give it a double only if it reaches outside.

mod agents;
mod reload;
mod senders;
mod serve;
pub mod sources;
pub mod texts;
mod understanding;

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use senders::may_be_called;
pub use serve::Serving;
pub use understanding::{classifier, model};

use reload::Watch;

use crate::bus::{Boundaries, Deliveries};
use crate::classify::Classifier;
use crate::clock::{MovableClock, SystemClock};
use crate::config::Config;
use crate::crypto::{self, Keys};
use crate::dev_outbox::DevOutbox;
use crate::engine::{self, Engine, Observer, Shadow, Talk};
use crate::fetch::Fetch;
use crate::graph;
use crate::handoff::Desk;
use crate::http;
use crate::limit::Quotas;
use crate::llm::Llm;
use crate::mail::Mail;
use crate::model::{Clock, EffectId, Profile, Randomness};
use crate::prompt::Replies;
use crate::sms::{Sender, Served, Sms};
use crate::store::Store;
use crate::worker::{self, Outside, Worker};

/// What stands in for the world outside. Nothing does by default.
#[derive(Debug, Clone, Default)]
pub struct Doubles {
    /// The time.
    pub clock: Option<Arc<dyn Clock>>,
    /// Randomness.
    pub randomness: Option<Randomness>,
    /// The sender of text messages.
    pub sms: Option<Arc<dyn Sms>>,
    /// The sender of e-mails.
    pub mail: Option<Arc<dyn Mail>>,
    /// Where the process may die.
    pub boundaries: Boundaries,
    /// Is told of every edge a turn passes.
    pub observer: Option<Observer>,
    /// A classifier that is trained already, for whoever builds many apps.
    pub classifier: Option<Arc<Classifier>>,
    /// A language model.
    pub llm: Option<Arc<dyn Llm>>,
    /// The way out, for whoever has one already or gives names other addresses.
    pub fetch: Option<Fetch>,
    /// The outside agents.
    pub outside: Option<Arc<dyn Outside>>,
    /// The operator's desk; there is one only where the configuration says so.
    pub desk: Option<Arc<dyn Desk>>,
    /// Hears every message too, and decides nothing.
    pub shadow: Option<Shadow>,
}

/// A running engine with its worker.
#[derive(Debug)]
pub struct App {
    config: Config,
    engine: Arc<Engine>,
    keys: Arc<Keys>,
    store: Store,
    clock: Arc<dyn Clock>,
    test_clock: Option<Arc<MovableClock>>,
    worker_name: String,
    tries: TaskTracker,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl App {
    /// Builds and starts everything but the HTTP rim.
    pub async fn build(config: Config, doubles: Doubles) -> anyhow::Result<Self> {
        let randomness = doubles.randomness.unwrap_or_else(Randomness::system);
        let (clock, test_clock) = clock(config.profile, doubles.clock);
        let keys = keys(&config, &randomness)?;
        let (replies, graphs) = sources::load(&config.prompt, &config.graph)?;
        let domain = domain(&config, &replies)?;
        let (replies, graphs) = (Arc::new(replies), Arc::new(graphs));
        let given = (doubles.classifier, doubles.llm);
        let fetch = doubles.fetch.map_or_else(|| Fetch::new(&config.fetch), Ok)?;
        let (classifier, llm) = understanding::build(&config, &graphs, (&fetch, &clock, &randomness), given)?;
        let store = Store::open(&config.store).await?;
        let (deliveries, queued) = deliveries();
        let engine = Engine::new(engine::Parts {
            store: store.clone(),
            keys: Arc::clone(&keys),
            talk: Talk { graphs, classifier, replies },
            clock: Arc::clone(&clock),
            randomness: randomness.clone(),
            deliveries: Arc::clone(&deliveries),
            boundaries: doubles.boundaries.clone(),
            limits: config.limit.clone(),
            served: served(&config),
            options: config.tool.clone(),
            models: config.llm.clone(),
            quotas: Quotas::per_minute((config.llm.owner_per_minute, config.llm.network_per_minute), &clock),
            handoff: config.handoff.clone(),
            texts_per_minute: config.sms.texts_per_minute,
            first_try_ms: config.worker.first_try_ms,
            silence: silence(&config.graph),
            observer: doubles.observer,
            shadow: doubles.shadow,
        });
        let local = || local_sender(config.profile, &store, (&keys, &clock, &randomness));
        let sms = doubles.sms.map_or_else(|| senders::sms(&config, (&fetch, &clock), local), Ok)?;
        let mail = doubles.mail.map_or_else(|| senders::mail(&config, &clock, local), Ok)?;
        let worker = Worker::new(worker::Parts {
            engine: Arc::clone(&engine),
            store: store.clone(),
            keys: Arc::clone(&keys),
            clock: Arc::clone(&clock),
            randomness,
            deliveries,
            boundaries: doubles.boundaries,
            sms,
            mail,
            outside: doubles.outside.map_or_else(|| senders::outside(&config, &fetch), Ok)?,
            desk: senders::desk(&config, (&fetch, &clock), doubles.desk)?,
            domain,
            options: config.worker.clone(),
        });
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (worker_name, tries) = (worker.name().to_owned(), worker.tries().clone());
        tasks.spawn(worker.run(queued, stop.clone()));
        if let Some(watch) = Watch::of(&config, &engine, llm) {
            tasks.spawn(watch.run(stop.clone()));
        }
        Ok(Self { config, engine, keys, store, clock, test_clock, worker_name, tries, stop, tasks })
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The store, for tests that look at rows.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The keys, for the development outbox.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The keys, for whoever outlives a borrow of the app.
    pub fn shared_keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// The name under which this process's worker claims, to tell its claims from those of one that died.
    pub fn worker_name(&self) -> &str {
        &self.worker_name
    }

    /// How many tries of messages and calls this process's worker is at, for tests that wait until it rests: what comes of
    /// a try for its conversation comes after the effect's row is done.
    pub fn tries(&self) -> usize {
        self.tries.len()
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The HTTP routes.
    pub fn router(&self) -> axum::Router {
        http::router(http::Parts {
            engine: Arc::clone(&self.engine),
            keys: Arc::clone(&self.keys),
            profile: self.config.profile,
            options: self.config.http.clone(),
            twilio: http::Twilio {
                account_sid: self.config.sms.account_sid.clone(),
                auth_token: self.config.sms.auth_token.clone(),
            },
            desk_secret: self.config.handoff.secret.clone().filter(|_| self.config.handoff.url.is_some()),
            test_clock: self.test_clock.clone(),
        })
    }

    /// Ends: turns under way are answered, messages under way are sent and marked, the store is closed.
    pub async fn shutdown(self) {
        self.engine.drain().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.store.close().await;
    }
}

fn clock(profile: Profile, double: Option<Arc<dyn Clock>>) -> (Arc<dyn Clock>, Option<Arc<MovableClock>>) {
    match (double, profile) {
        (Some(double), _) => (double, None),
        (None, Profile::Test) => {
            let clock = Arc::new(MovableClock::running());
            (Arc::clone(&clock) as Arc<dyn Clock>, Some(clock))
        }
        (None, Profile::Dev | Profile::Prod) => (Arc::new(SystemClock), None),
    }
}

fn keys(config: &Config, randomness: &Randomness) -> anyhow::Result<Arc<Keys>> {
    let mut rng = randomness.stream("instance key");
    let key = crypto::instance_key(&config.crypto, config.profile, &mut rng)?;
    Ok(Arc::new(Keys::derive(&key, &config.crypto.code_peppers)?))
}

fn deliveries() -> (Arc<Deliveries>, UnboundedReceiver<EffectId>) {
    let (deliveries, queued) = Deliveries::new();
    (Arc::new(deliveries), queued)
}

/// How long a question waits whose graph does not say it.
fn silence(options: &graph::Options) -> Option<SignedDuration> {
    let seconds = i64::from(options.silence_seconds);
    (seconds > 0).then(|| SignedDuration::from_secs(seconds))
}

/// The countries that codes are sent to. Somebody who pays for a sender and serves nobody has forgotten something.
fn served(config: &Config) -> Served {
    let served = Served::of(&config.sms, config.classify.region);
    if served.is_nobody() && config.sms.sender() != Sender::Development {
        tracing::warn!(
            "No code is sent by text message: neither sms.countries nor classify.region names a country"
        );
    }
    served
}

/// The domain that codes are bound to. Texts of one's own that make more than one message with it are told.
fn domain(config: &Config, replies: &Replies) -> anyhow::Result<Option<String>> {
    let domain = config.sms.domain(config.http.public_url.as_deref());
    for what in texts::unfit(replies, domain.as_deref())? {
        tracing::warn!(what, "A text message comes in parts");
    }
    Ok(domain)
}

/// The sender of messages where there is no other; none in `prod`, where nobody would read them.
fn local_sender(
    profile: Profile,
    store: &Store,
    (keys, clock, randomness): (&Arc<Keys>, &Arc<dyn Clock>, &Randomness),
) -> Option<Arc<DevOutbox>> {
    (profile != Profile::Prod).then(|| {
        Arc::new(DevOutbox {
            store: store.clone(),
            keys: Arc::clone(keys),
            clock: Arc::clone(clock),
            randomness: randomness.clone(),
        })
    })
}
