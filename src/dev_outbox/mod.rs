//! Floor 2: the development outbox, a sender of text messages and e-mails whose messages go into a table, sealed.
//!
//! The chat page, `GET /dev/outbox` and the chat in the terminal read it. Each hand-over adds a row, so a message sent
//! twice would be seen twice. It does not know what a message says or why it is sent.
//!
//! Adding a kind of message: its fields in `Sealed` and in [`DevMessage`], and an implementation of that sender's trait.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::crypto::{self, Keys};
use crate::mail::{self, Mail};
use crate::mask;
use crate::model::{Actor, Clock, EffectId, Randomness, Secret, Verdict};
use crate::sms::{self, Sms};
use crate::store::{self, Applied, Store, dev_outbox};

/// The outbox cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// A key or a sealed value failed.
    #[error("a key failed")]
    Crypto(#[from] crypto::Error),
    /// A message cannot be put into its sealed form.
    #[error("a message cannot be written down")]
    Form(#[from] serde_json::Error),
    /// The row was not taken.
    #[error("the row was not taken")]
    NotTaken,
}

/// Sends into the table.
#[derive(Debug)]
pub struct DevOutbox {
    /// Where the table is.
    pub store: Store,
    /// For sealing.
    pub keys: Arc<Keys>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// For sealing.
    pub randomness: Randomness,
}

/// A message as it was handed over.
#[derive(Debug)]
pub struct DevMessage {
    /// The effect it belongs to.
    pub effect: EffectId,
    /// The channel it took: `sms` or `email`.
    pub channel: String,
    /// To whom.
    pub to: Secret,
    /// What an e-mail is about.
    pub subject: Option<String>,
    /// What it says.
    pub text: Secret,
    /// When.
    pub at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    channel: String,
    to: String,
    subject: Option<String>,
    text: String,
}

fn record(effect: &EffectId) -> String {
    format!("dev_outbox/{effect}")
}

impl Sms for DevOutbox {
    fn send<'a>(&'a self, message: &'a sms::Message) -> BoxFuture<'a, Verdict> {
        let sealed = Sealed {
            channel: "sms".to_owned(),
            to: message.to.e164().to_owned(),
            subject: None,
            text: message.text.expose().to_owned(),
        };
        Box::pin(self.take(&message.effect, sealed))
    }
}

impl Mail for DevOutbox {
    fn send<'a>(&'a self, message: &'a mail::Message) -> BoxFuture<'a, Verdict> {
        let sealed = Sealed {
            channel: "email".to_owned(),
            to: message.to.as_str().to_owned(),
            subject: Some(message.subject.clone()),
            text: message.text.expose().to_owned(),
        };
        Box::pin(self.take(&message.effect, sealed))
    }
}

impl DevOutbox {
    async fn take(&self, effect: &EffectId, sealed: Sealed) -> Verdict {
        match self.keep(effect, &sealed).await {
            Ok(()) => Verdict::Accepted { provider_id: format!("dev/{effect}") },
            Err(e) => {
                tracing::error!(error = %mask::line(&e.to_string()), "Development outbox failed");
                Verdict::Unknown { code: "dev_outbox".to_owned() }
            }
        }
    }

    async fn keep(&self, effect: &EffectId, sealed: &Sealed) -> Result<(), Error> {
        let now = self.clock.now();
        let plain = serde_json::to_vec(sealed)?;
        let mut rng = self.randomness.stream(&record(effect));
        let sealed = self.keys.seal(&mut rng, &record(effect), &plain)?;
        match self.store.apply(&Actor::System, vec![dev_outbox::insert(effect, &sealed, now)]).await? {
            Applied::Done => Ok(()),
            Applied::Stale { .. } => Err(Error::NotTaken),
        }
    }
}

/// What was sent, newest first. A row sealed under another key is left out: it cannot be read any more.
pub async fn messages(store: &Store, keys: &Keys, limit: u32) -> Result<Vec<DevMessage>, Error> {
    let rows = store.dev_messages(&Actor::System, limit).await?;
    let open = |row: dev_outbox::DevMessage| {
        let plain = keys.open(&record(&row.id), &row.sealed).ok()?;
        let sealed: Sealed = serde_json::from_slice(&plain).ok()?;
        Some(DevMessage {
            effect: row.id,
            channel: sealed.channel,
            subject: sealed.subject,
            to: Secret::new(sealed.to),
            text: Secret::new(sealed.text),
            at: row.at,
        })
    };
    Ok(rows.into_iter().filter_map(open).collect())
}
