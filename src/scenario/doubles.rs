//! What stands in for the world outside.

use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::watch;

use super::format::Channel;
use crate::bus::{Boundary, Halt};
use crate::engine::Due;
use crate::handoff::{Desk, Judged, Notice};
use crate::mail::{self, Mail};
use crate::model::{EffectId, Secret, Verdict};
use crate::sms::{self, Sms};
use crate::worker::{Outside, Reached};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A message as it was handed over.
#[derive(Debug, Clone)]
pub(super) struct Handed {
    pub(super) effect: EffectId,
    pub(super) channel: Channel,
    pub(super) to: String,
    pub(super) subject: Option<String>,
    pub(super) text: Secret,
    pub(super) verdict: Verdict,
}

/// A provider of text messages and of e-mails that keeps what it is given. It outlives the processes that use it, as a real one does.
#[derive(Debug, Default)]
pub(super) struct Provider {
    handed: Mutex<Vec<Handed>>,
    next: Mutex<Option<Verdict>>,
}

impl Provider {
    /// What it says of the next message, instead of taking it.
    pub(super) fn will_say(&self, verdict: Verdict) {
        *lock(&self.next) = Some(verdict);
    }

    /// Takes back what it would say of the next message.
    pub(super) fn forget(&self) -> Option<Verdict> {
        lock(&self.next).take()
    }

    /// Everything it was given, in order.
    pub(super) fn handed(&self) -> Vec<Handed> {
        lock(&self.handed).clone()
    }

    /// An effect that it was given again although it had not said that it may be.
    pub(super) fn doubled(&self) -> Option<EffectId> {
        let handed = lock(&self.handed);
        let is_over = |h: &&Handed| !matches!(h.verdict, Verdict::Later { .. });
        let earlier = |(at, one): (usize, &Handed)| {
            let mut before = handed.iter().take(at).filter(is_over);
            before.any(|h| h.effect == one.effect).then(|| one.effect.clone())
        };
        handed.iter().enumerate().find_map(earlier)
    }
}

impl Provider {
    fn take(&self, handed: impl FnOnce(Verdict) -> Handed, effect: &EffectId) -> BoxFuture<'static, Verdict> {
        let taken = || Verdict::Accepted { provider_id: format!("scenario/{effect}") };
        let verdict = lock(&self.next).take().unwrap_or_else(taken);
        lock(&self.handed).push(handed(verdict.clone()));
        Box::pin(std::future::ready(verdict))
    }
}

impl Sms for Provider {
    fn send<'a>(&'a self, message: &'a sms::Message) -> BoxFuture<'a, Verdict> {
        let handed = |verdict| Handed {
            effect: message.effect.clone(),
            channel: Channel::Sms,
            to: message.to.e164().to_owned(),
            subject: None,
            text: message.text.clone(),
            verdict,
        };
        self.take(handed, &message.effect)
    }
}

impl Mail for Provider {
    fn send<'a>(&'a self, message: &'a mail::Message) -> BoxFuture<'a, Verdict> {
        let handed = |verdict| Handed {
            effect: message.effect.clone(),
            channel: Channel::Mail,
            to: message.to.as_str().to_owned(),
            subject: Some(message.subject.clone()),
            text: message.text.clone(),
            verdict,
        };
        self.take(handed, &message.effect)
    }
}

/// Outside agents, which all answer the same. They outlive the processes that call them.
#[derive(Debug, Default)]
pub(super) struct Backend(Mutex<Option<(u16, String)>>);

impl Backend {
    /// What they answer from now on; nothing where they are down, as they are at first.
    pub(super) fn answers(&self, answer: Option<(u16, String)>) {
        *lock(&self.0) = answer;
    }
}

impl Outside for Backend {
    fn call<'a>(&'a self, _: &'a EffectId, _: &'a Due) -> BoxFuture<'a, Reached> {
        let answer = lock(&self.0).clone();
        let reached = answer.map_or(Reached::Silent("unreachable"), |(status, body)| Reached::Answered {
            status,
            body: body.into_bytes(),
        });
        Box::pin(std::future::ready(reached))
    }
}

/// The operator's desk. It outlives the processes that tell it something.
#[derive(Debug)]
pub(super) struct People {
    answers: Mutex<Option<u16>>,
    told: Mutex<Vec<(EffectId, Value)>>,
}

impl Default for People {
    fn default() -> Self {
        Self { answers: Mutex::new(Some(204)), told: Mutex::default() }
    }
}

impl People {
    /// What it answers from now on; nothing where it is down.
    pub(super) fn answers(&self, status: Option<u16>) {
        *lock(&self.answers) = status;
    }

    /// Everything it took, each once: what comes again has the same name.
    pub(super) fn told(&self) -> Vec<Value> {
        lock(&self.told).iter().map(|(_, notice)| notice.clone()).collect()
    }
}

impl Desk for People {
    fn tell<'a>(&'a self, effect: &'a EffectId, notice: &'a Notice) -> BoxFuture<'a, Judged> {
        let judged = match *lock(&self.answers) {
            None => Judged::Later("unreachable".to_owned()),
            Some(200..=299) => {
                let mut told = lock(&self.told);
                if !told.iter().any(|(known, _)| known == effect) {
                    told.push((effect.clone(), serde_json::json!(notice)));
                }
                Judged::Taken
            }
            Some(status) => Judged::Never(format!("desk_http_{status}")),
        };
        Box::pin(std::future::ready(judged))
    }
}

/// Counts boundaries, and may stop at one of them by never coming back.
#[derive(Debug)]
pub(super) struct Halts {
    passed: Mutex<Vec<Boundary>>,
    stop_at: Option<usize>,
    stopped: watch::Sender<bool>,
}

impl Halts {
    pub(super) fn new(stop_at: Option<usize>) -> Self {
        Self { passed: Mutex::default(), stop_at, stopped: watch::Sender::new(false) }
    }

    /// The boundaries passed, in order; the one it stopped at is the last.
    pub(super) fn passed(&self) -> Vec<Boundary> {
        lock(&self.passed).clone()
    }

    /// Whether it has stopped.
    pub(super) fn has_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Whether each message that was claimed was brought to its end.
    pub(super) fn is_between_tries(&self) -> bool {
        let passed = lock(&self.passed);
        let times = |boundary| passed.iter().filter(|b| **b == boundary).count();
        times(Boundary::Claimed) == times(Boundary::Finished)
    }

    /// Resolves when it has stopped.
    pub(super) async fn stopped(&self) {
        // The sender is `self`, so the wait ends only by a stop.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }
}

impl Halt for Halts {
    fn at(&self, boundary: Boundary) -> BoxFuture<'_, ()> {
        let stops = {
            let mut passed = lock(&self.passed);
            // What stopped has stopped: whatever else of that process comes to a boundary stays there too.
            if !*self.stopped.borrow() {
                passed.push(boundary);
            }
            let stops = self.stop_at.is_some_and(|at| passed.len() >= at);
            // Whoever sees the boundary passed must see the stop too.
            if stops {
                self.stopped.send_replace(true);
            }
            stops
        };
        if stops {
            return Box::pin(std::future::pending());
        }
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Email, Phone, Randomness};

    #[tokio::test]
    async fn a_message_handed_over_twice_is_noticed_by_either_door() {
        let mut rng = Randomness::seeded(1).stream("effect");
        let mut effect = || EffectId::new(jiff::Timestamp::UNIX_EPOCH, &mut rng);
        let text = || Secret::new("123456");
        let phone = Phone::parse("+14155552671", None).unwrap();
        let sms = sms::Message {
            effect: effect(),
            to: phone,
            text: text(),
            code: None,
            language: "en".to_owned(),
            not_after: jiff::Timestamp::MAX,
        };
        let to = Email::parse("anna@example.com").unwrap();
        let mail =
            mail::Message { effect: effect(), to, subject: "s".to_owned(), text: text(), html: text() };
        let provider = Provider::default();
        let _ = Sms::send(&provider, &sms).await;
        let _ = Mail::send(&provider, &mail).await;
        assert_eq!(provider.doubled(), None);
        let _ = Mail::send(&provider, &mail).await;
        assert_eq!(provider.doubled(), Some(mail.effect));
        let channels: Vec<Channel> = provider.handed().iter().map(|h| h.channel).collect();
        assert_eq!(channels, [Channel::Sms, Channel::Mail, Channel::Mail]);
    }

    #[tokio::test]
    async fn it_stops_at_the_boundary_asked_for_and_for_good() {
        let halts = Halts::new(Some(2));
        halts.at(Boundary::Decided).await;
        assert!(futures::poll!(halts.at(Boundary::Committed)).is_pending());
        assert!(futures::poll!(halts.at(Boundary::Claimed)).is_pending());
        halts.stopped().await;
        assert_eq!(halts.passed(), [Boundary::Decided, Boundary::Committed]);
    }
}
