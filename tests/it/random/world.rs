//! The production app with doubles, on a database that is watched.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;
use vestibule::app::{self, App, Doubles};
use vestibule::classify::Classifier;
use vestibule::config::Config;
use vestibule::engine::Due;
use vestibule::graph;
use vestibule::mail::{self, Mail};
use vestibule::model::{Actor, Clock, EffectId, Randomness, Sleep};
use vestibule::sms::{self, Sms, Verdict};
use vestibule::store::outbox::Lane;
use vestibule::telemetry::{self, Lines};
use vestibule::worker::{Outside, Reached};

use super::rows::{Change, Fields, Rows, Watch, number, text};
use crate::support::app::config;
use crate::support::db::TestDb;
use crate::support::log::Log;
use crate::support::samples::at;

/// Longest patience with an answer, or with the worker.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

static CLASSIFIER: LazyLock<Arc<Classifier>> =
    LazyLock::new(|| app::classifier(&Config { graph: graphs(), ..Config::default() }).unwrap());

/// Stands still until it is moved, and counts who sleeps beyond the present.
#[derive(Debug)]
pub(super) struct Hands {
    now: watch::Sender<Timestamp>,
    sleeps: watch::Sender<u64>,
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep<'_> {
        if deadline > self.now() {
            self.sleeps.send_modify(|sleeps| *sleeps += 1);
        }
        Box::pin(async move {
            // The sender is `self`, so the wait ends only by a move.
            let _ = self.now.subscribe().wait_for(|now| *now >= deadline).await;
        })
    }
}

/// A message as it left.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) effect: String,
    pub(super) to: String,
    pub(super) text: String,
}

/// Both providers: takes what it is given, unless it was told what to say.
#[derive(Debug, Default)]
pub(super) struct Post {
    sent: Mutex<Vec<Sent>>,
    next: Mutex<VecDeque<Verdict>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Post {
    pub(super) fn says(&self, verdict: Verdict) {
        lock(&self.next).push_back(verdict);
    }

    /// What it was given and took since the last look.
    pub(super) fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut *lock(&self.sent))
    }

    fn hand_over(&self, sent: Sent) -> BoxFuture<'static, Verdict> {
        let accepted = Verdict::Accepted { provider_id: format!("walk/{}", sent.effect) };
        let verdict = lock(&self.next).pop_front().unwrap_or(accepted);
        if matches!(verdict, Verdict::Accepted { .. }) {
            lock(&self.sent).push(sent);
        }
        Box::pin(std::future::ready(verdict))
    }
}

impl Sms for Post {
    fn send<'a>(&'a self, message: &'a sms::Message) -> BoxFuture<'a, Verdict> {
        let (to, text) = (message.to.e164().to_owned(), message.text.expose().to_owned());
        self.hand_over(Sent { effect: message.effect.to_string(), to, text })
    }
}

impl Mail for Post {
    fn send<'a>(&'a self, message: &'a mail::Message) -> BoxFuture<'a, Verdict> {
        let (to, text) = (message.to.as_str().to_owned(), message.text.expose().to_owned());
        self.hand_over(Sent { effect: message.effect.to_string(), to, text })
    }
}

/// Outside agents: what they know of an order, unless they were told what to say.
#[derive(Debug, Default)]
pub(super) struct Backend(Mutex<VecDeque<Reached>>);

impl Backend {
    pub(super) fn answers(&self, kind: u8) {
        let answered = |status, body: &str| Reached::Answered { status, body: body.to_owned().into_bytes() };
        lock(&self.0).push_back(match kind {
            0 => answered(404, "{}"),
            1 => answered(403, "{}"),
            2 => answered(200, "<html>"),
            3 => answered(200, r#"{"status": "{{ phone }}", "eta": ["x"], "user_id": "usr_1"}"#),
            4 => answered(200, r#"{"status": "delivered"}"#),
            _ => Reached::Silent("late"),
        });
    }
}

impl Outside for Backend {
    fn call<'a>(&'a self, _: &'a EffectId, _: &'a Due) -> BoxFuture<'a, Reached> {
        let shipped =
            || Reached::Answered { status: 200, body: br#"{"status": "shipped", "eta": "Friday"}"#.to_vec() };
        let reached = lock(&self.0).pop_front().unwrap_or_else(shipped);
        Box::pin(std::future::ready(reached))
    }
}

/// The app, and what is around it.
pub(super) struct World {
    pub(super) app: App,
    pub(super) clock: Arc<Hands>,
    pub(super) post: Arc<Post>,
    pub(super) backend: Arc<Backend>,
    pub(super) rows: Rows,
    pub(super) watch: Watch,
    log: Log,
    _logging: DefaultGuard,
}

impl World {
    pub(super) async fn start(db: &TestDb, seed: u64) -> Self {
        let store = db.open().await;
        let watch = Watch::begin(db).await;
        store.close().await;
        let clock = Arc::new(Hands { now: watch::Sender::new(at(0)), sleeps: watch::Sender::new(0) });
        let (post, backend) = (Arc::new(Post::default()), Arc::new(Backend::default()));
        let log = Log::default();
        let sink = log.clone();
        let lines = Lines::new(move || sink.clone(), Arc::clone(&clock) as _, str::to_owned);
        let filter = telemetry::filter("off,vestibule=error").unwrap();
        let logging =
            tracing::subscriber::set_default(tracing_subscriber::registry().with(filter).with(lines));
        let doubles = Doubles {
            clock: Some(Arc::clone(&clock) as Arc<dyn Clock>),
            randomness: Some(Randomness::seeded(seed)),
            sms: Some(Arc::clone(&post) as _),
            mail: Some(Arc::clone(&post) as _),
            outside: Some(Arc::clone(&backend) as _),
            classifier: Some(Arc::clone(&CLASSIFIER)),
            ..Doubles::default()
        };
        let app = App::build(settings(db), doubles).await.unwrap();
        let mut world =
            Self { app, clock, post, backend, rows: Rows::default(), watch, log, _logging: logging };
        world.rest_from(0).await;
        world.changes().await;
        world
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_microsecond()
    }

    /// Lets time pass, and the sweep that comes with it.
    pub(super) async fn pass(&mut self, seconds: i64) {
        let before = *self.clock.sleeps.borrow();
        // A later try that fails is told by the worker after its row is done, which nothing here could wait for.
        lock(&self.post.next).clear();
        lock(&self.backend.0).clear();
        self.clock.now.send_modify(|now| *now += SignedDuration::from_secs(seconds));
        self.rest_from(before).await;
    }

    /// The worker goes to sleep when its sweep is over.
    async fn rest_from(&self, sleeps: u64) {
        let mut sleeping = self.clock.sleeps.subscribe();
        let woken = tokio::time::timeout(PATIENCE, sleeping.wait_for(|now| *now > sleeps)).await;
        woken.expect("the worker comes to the end of its sweep").unwrap();
        tokio::time::timeout(PATIENCE, self.settle()).await.expect("the worker comes to rest");
    }

    /// Waits until everything that was queued by now has left or was refused.
    async fn settle(&self) {
        let (store, system, now) = (self.app.store(), Actor::System, self.clock.now());
        loop {
            // In the order of a message's way: asked the other way round, one that is claimed in between is missed.
            let mut due = Vec::new();
            for lane in Lane::ALL {
                due.extend(store.due_effects(&system, *lane, (now, now), 1).await.unwrap());
            }
            let claimed = store.stale_claims(&system, Timestamp::MAX, 1).await.unwrap();
            let untold = store.untold_effects(&system, (Timestamp::MAX, now), 1).await.unwrap();
            let unknown = store.uncertain_effects(&system, now, 1).await.unwrap();
            if self.app.tries() == 0
                && due.is_empty()
                && claimed.is_empty()
                && untold.is_empty()
                && unknown.is_empty()
            {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// What changed since the last look, once every message that was queued has left or was refused; the rows are as
    /// after it.
    pub(super) async fn changes(&mut self) -> Vec<Change> {
        let mut all = Vec::new();
        let leave = async {
            loop {
                let rests = self.app.tries() == 0;
                let changes = self.watch.changes().await;
                self.rows.apply_all(&changes);
                all.extend(changes);
                if rests && !self.is_sending() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, leave).await.expect("the messages leave");
        all
    }

    fn is_sending(&self) -> bool {
        let now = Some(self.now());
        let is_due = |row: &Fields| number(row, "due_at").is_none_or(|at| Some(at) <= now);
        self.rows.of("outbox").any(|row| match text(row, "status") {
            Some("queued") => is_due(row),
            status => status == Some("claimed"),
        })
    }

    /// What was logged of faults since the last look.
    pub(super) fn faults(&self) -> Option<String> {
        let mut log = self.log.0.lock().unwrap();
        log.flush().unwrap();
        (!log.is_empty()).then(|| String::from_utf8(std::mem::take(&mut *log)).unwrap())
    }

    pub(super) async fn end(self) {
        self.app.shutdown().await;
    }
}

/// With the agents that folders add.
pub(super) fn graphs() -> graph::Options {
    graph::Options {
        agents: ["order_status", "opening_hours"]
            .map(|name| format!("fixtures/agents/{name}").into())
            .to_vec(),
        addresses: vec!["orders_url=http://127.0.0.1:8099".parse().unwrap()],
        ..graph::Options::default()
    }
}

fn settings(db: &TestDb) -> Config {
    let mut config = config(db);
    config.graph = graphs();
    // All numbers are of one prefix, and a walk has few devices; with these it would come to nothing else.
    config.limit.prefix_sends_per_hour = 0;
    config.limit.prefix_conversion_percent = 0;
    config.limit.device_sends_per_day = 60;
    config.limit.otp_send_limit_per_day = 20;
    config.limit.max_login_attempts = 4;
    config.limit.hardened_after = 12;
    config
}
