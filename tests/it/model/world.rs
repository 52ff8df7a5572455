//! The real engine under a history: apps on one database, and what each of them said, in the reference's words.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Mutex;
use vestibule::app::{App, Doubles};
use vestibule::bus::Boundaries;
use vestibule::classify::Classifier;
use vestibule::engine::{Answer, Credentials, Error, Request};
use vestibule::limit;
use vestibule::model::{Action, Clock, Randomness, Secret};

use super::doubles::{Pause, Post, Steps, since};
use super::rules::Said;
use crate::support::app::config;
use crate::support::db::TestDb;
use crate::support::rows::Eyes;

/// Apps on one database, and the world outside of them.
pub(super) struct World {
    pub(super) db: TestDb,
    pub(super) limits: limit::Options,
    pub(super) clock: Arc<Steps>,
    pub(super) post: Arc<Post>,
    pub(super) pause: Arc<Pause>,
    classifier: Arc<Classifier>,
    pub(super) eyes: Mutex<Eyes>,
    /// How often each kind of answer was given.
    pub(super) tally: BTreeMap<&'static str, usize>,
    nodes: Vec<App>,
    started: u64,
}

/// One message.
pub(super) struct Speech<'a> {
    pub(super) token: &'a Secret,
    pub(super) talk: usize,
    pub(super) id: String,
    pub(super) text: String,
}

impl World {
    pub(super) async fn new(db: TestDb, limits: limit::Options, nodes: usize) -> Self {
        let classifier = Arc::new(Classifier::new(&config(&db).classify).unwrap());
        let (clock, post, pause) = (Arc::new(Steps::new()), Arc::default(), Arc::default());
        // Eyes that read only do not make the file.
        drop(db.open().await);
        let eyes = Mutex::new(Eyes::open(&db).await);
        let nothing = Vec::new();
        let tally = BTreeMap::new();
        let mut world =
            Self { db, limits, clock, post, pause, classifier, eyes, tally, nodes: nothing, started: 0 };
        for _ in 0..nodes {
            let app = world.build().await;
            world.nodes.push(app);
        }
        world
    }

    async fn build(&mut self) -> App {
        self.started += 1;
        let mut config = config(&self.db);
        config.limit = self.limits.clone();
        // Half a year passes in a history; numbers that got another owner are another matter.
        config.tool.recycled_after_days = 3_650;
        let doubles = Doubles {
            clock: Some(Arc::clone(&self.clock) as Arc<dyn Clock>),
            // The ids of two processes must not meet.
            randomness: Some(Randomness::seeded(self.started)),
            sms: Some(Arc::clone(&self.post) as _),
            boundaries: Boundaries::with(Arc::clone(&self.pause) as _),
            classifier: Some(Arc::clone(&self.classifier)),
            ..Doubles::default()
        };
        App::build(config, doubles).await.unwrap()
    }

    pub(super) fn app(&self, node: usize) -> &App {
        &self.nodes[node % self.nodes.len()]
    }

    /// Ends a process as asked, and starts it anew.
    pub(super) async fn restart(&mut self) {
        let fresh = self.build().await;
        std::mem::replace(&mut self.nodes[0], fresh).shutdown().await;
    }

    /// Starts a process in the place of one that stopped in the middle of a turn.
    pub(super) async fn replace(&mut self) {
        let fresh = self.build().await;
        // It would wait for its turn for ever; without its store it can do nothing more.
        std::mem::replace(&mut self.nodes[0], fresh).store().close().await;
    }

    pub(super) async fn end(self) {
        for app in self.nodes {
            app.shutdown().await;
        }
    }

    pub(super) async fn say(&self, node: usize, speech: Speech<'_>) -> Result<Answer, Error> {
        let engine = self.app(node).engine();
        let credentials = Credentials { device_token: Some(speech.token.clone()), ..Credentials::default() };
        let caller = engine.authenticate(credentials).await?.ok_or(Error::Unauthorized)?;
        let request = Request {
            project: format!("talk-{}", speech.talk),
            message_id: Some(speech.id),
            text: speech.text,
            ..Request::default()
        };
        engine.turn(caller, request).await
    }

    /// Ends a session that a sign-in made.
    pub(super) async fn log_out(&self, token: &Secret) -> Result<(), Error> {
        let engine = self.app(0).engine();
        let credentials = Credentials { bearer: Some(token.clone()), ..Credentials::default() };
        let caller = engine.authenticate(credentials).await?.ok_or(Error::Unauthorized)?;
        engine.logout(&caller).await
    }
}

/// An answer in the reference's words.
pub(super) fn said(answer: &Result<Answer, Error>) -> Result<Said, String> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Error::Unauthorized | Error::NotFound) => return Ok(Said::Refused),
        Err(e) => return Err(format!("a fault: {e:?}")),
    };
    let data = &answer.response.data;
    let number = |key: &str| data.get(key).and_then(serde_json::Value::as_i64);
    let wait = || number("retry_after").ok_or("no `retry_after`");
    let reply = answer.reply.as_deref().unwrap_or_default();
    Ok(match (answer.response.action, reply) {
        (Action::OtpSent, _) => Said::Sent,
        (Action::OtpSendLimited, "auth.sends_exhausted") => Said::Exhausted { wait: wait()? },
        (Action::OtpSendLimited, _) => Said::Limited { wait: wait()? },
        (Action::AccountLocked, _) => {
            let until = data.get("locked_until").and_then(|t| t.as_str()).ok_or("no `locked_until`")?;
            let until: Timestamp = until.parse().map_err(|e| format!("{until}: {e}"))?;
            Said::Locked { until: since(until) }
        }
        (Action::OtpInvalid, "auth.bad_code_length") => Said::Malformed,
        (Action::OtpInvalid, _) => {
            let left = number("attempts_left").ok_or("no `attempts_left`")?;
            Said::Rejected { left: usize::try_from(left).map_err(|e| e.to_string())? }
        }
        (Action::OtpAttemptsExceeded, _) => Said::Burnt,
        (Action::OtpExpired, "auth.no_code") => Said::NoCode,
        (Action::OtpExpired, _) => Said::Expired,
        (Action::NameRequested, "auth.ask_name") | (Action::LoginSuccessful, _) => Said::Accepted,
        (Action::InternalError, _) => return Err(format!("a fault: {:?}", answer.response)),
        _ => Said::Aside,
    })
}
