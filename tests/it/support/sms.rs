//! A sender of text messages and e-mails that keeps what it was given and answers as it was told.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use jiff::SignedDuration;
use tokio::sync::oneshot;
use vestibule::mail::{self, Mail};
use vestibule::model::{EffectId, Verdict};
use vestibule::sms::{self, Sms};

/// What happens with the next message.
#[derive(Debug)]
enum Plan {
    Answer(Verdict),
    Hold(oneshot::Receiver<Verdict>),
}

/// A message as it left.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) channel: &'static str,
    pub(crate) to: String,
    pub(crate) subject: Option<String>,
    pub(crate) text: String,
}

impl Sent {
    /// The code, as a person reads it; it is longer after many failures.
    pub(crate) fn code(&self) -> String {
        let mut words = self.text.split(|c: char| !c.is_ascii_alphanumeric());
        words.find(|w| [6, 8].contains(&w.len()) && w.bytes().all(|b| b.is_ascii_digit())).unwrap().to_owned()
    }
}

/// Accepts everything unless it was told otherwise.
#[derive(Debug, Default)]
pub(crate) struct TestSms {
    sent: Mutex<Vec<Sent>>,
    plans: Mutex<VecDeque<Plan>>,
    known: Mutex<Option<Vec<sms::Sighting>>>,
    sought: Mutex<Vec<sms::Sought>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TestSms {
    /// Everything handed over, the oldest first.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        lock(&self.sent).clone()
    }

    /// How many were handed over.
    pub(crate) fn count(&self) -> usize {
        lock(&self.sent).len()
    }

    /// The next message is answered so.
    pub(crate) fn answers(&self, verdict: Verdict) {
        lock(&self.plans).push_back(Plan::Answer(verdict));
    }

    /// The next message is answered when the sender says, and how.
    pub(crate) fn hold(&self) -> oneshot::Sender<Verdict> {
        let (tell, hear) = oneshot::channel();
        lock(&self.plans).push_back(Plan::Hold(hear));
        tell
    }

    /// What a look-up finds from now on; `None` is no answer.
    pub(crate) fn knows(&self, sightings: Option<Vec<sms::Sighting>>) {
        *lock(&self.known) = sightings;
    }

    /// What was looked up so far.
    pub(crate) fn sought(&self) -> Vec<sms::Sought> {
        lock(&self.sought).clone()
    }

    /// The provider does not take a message now.
    pub(crate) fn busy(after: Option<SignedDuration>) -> Verdict {
        Verdict::Later { code: "20429".to_owned(), after }
    }

    /// The provider refuses a message for good.
    pub(crate) fn refused() -> Verdict {
        Verdict::Refused { code: "30003".to_owned() }
    }

    /// Nobody can tell what became of a message.
    pub(crate) fn unknown() -> Verdict {
        Verdict::Unknown { code: "timeout".to_owned() }
    }
}

impl TestSms {
    async fn take(&self, sent: Sent, effect: &EffectId) -> Verdict {
        let plan = {
            lock(&self.sent).push(sent);
            lock(&self.plans).pop_front()
        };
        match plan {
            None => Verdict::Accepted { provider_id: format!("test/{effect}") },
            Some(Plan::Answer(verdict)) => verdict,
            // A provider that is dropped never answered.
            Some(Plan::Hold(hear)) => hear.await.unwrap_or_else(|_| Self::unknown()),
        }
    }
}

impl Sms for TestSms {
    fn send<'a>(&'a self, message: &'a sms::Message) -> BoxFuture<'a, Verdict> {
        let (to, text) = (message.to.e164().to_owned(), message.text.expose().to_owned());
        Box::pin(self.take(Sent { channel: "sms", to, subject: None, text }, &message.effect))
    }

    fn look_up<'a>(&'a self, sought: &'a sms::Sought) -> BoxFuture<'a, Option<Vec<sms::Sighting>>> {
        lock(&self.sought).push(sought.clone());
        Box::pin(std::future::ready(lock(&self.known).clone()))
    }
}

impl Mail for TestSms {
    fn send<'a>(&'a self, message: &'a mail::Message) -> BoxFuture<'a, Verdict> {
        let (to, text) = (message.to.as_str().to_owned(), message.text.expose().to_owned());
        let subject = Some(message.subject.clone());
        Box::pin(self.take(Sent { channel: "email", to, subject, text }, &message.effect))
    }
}
