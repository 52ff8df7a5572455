//! The world outside, for histories: a clock that steps both ways, a provider that keeps what it is given, and a place
//! where a process may stop between a try's charge and its comparison.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use vestibule::bus::{Boundary, Halt};
use vestibule::model::{Clock, Sleep};
use vestibule::sms::{Message, Sms, Verdict};

use super::rules::Second;
use crate::support::samples::at;

/// Stands still until it is set, to an earlier time too.
#[derive(Debug)]
pub(super) struct Steps(watch::Sender<Timestamp>);

impl Steps {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(at(0)))
    }

    pub(super) fn second(&self) -> Second {
        since(self.now())
    }

    pub(super) fn step(&self, by: Second) {
        self.0.send_modify(|now| *now += SignedDuration::from_secs(by));
    }
}

/// Seconds since the beginning of time.
pub(super) fn since(time: Timestamp) -> Second {
    (time.as_microsecond() - at(0).as_microsecond()) / 1_000_000
}

impl Clock for Steps {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep<'_> {
        Box::pin(async move {
            // The sender is `self`, so the wait ends only by a step.
            let _ = self.0.subscribe().wait_for(|now| *now >= deadline).await;
        })
    }
}

/// What was sent, by the effect it was sent for.
#[derive(Debug, Default)]
pub(super) struct Post(Mutex<HashMap<String, String>>);

impl Post {
    /// The code of a message, as a person reads it.
    pub(super) fn code(&self, effect: &str, length: usize) -> Option<String> {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = sent.get(effect)?;
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.find(|w| w.len() == length && w.bytes().all(|b| b.is_ascii_digit())).map(str::to_owned)
    }
}

impl Sms for Post {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Verdict> {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = sent.insert(message.effect.to_string(), message.text.expose().to_owned());
        assert!(before.is_none(), "{} was sent twice", message.effect);
        let provider_id = format!("model/{}", message.effect);
        Box::pin(std::future::ready(Verdict::Accepted { provider_id }))
    }
}

/// Stops the next try that was charged, for good, once it is told to.
#[derive(Debug, Default)]
pub(super) struct Pause {
    armed: Mutex<bool>,
    stopped: watch::Sender<u32>,
}

impl Pause {
    pub(super) fn arm(&self, armed: bool) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = armed;
    }

    /// Resolves at the next stop.
    pub(super) async fn stopped(&self) {
        let mut stops = self.stopped.subscribe();
        let _ = stops.changed().await;
    }
}

impl Halt for Pause {
    fn at(&self, boundary: Boundary) -> BoxFuture<'_, ()> {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        if boundary == Boundary::Charged && *armed {
            *armed = false;
            self.stopped.send_modify(|stops| *stops += 1);
            return Box::pin(std::future::pending());
        }
        Box::pin(std::future::ready(()))
    }
}
