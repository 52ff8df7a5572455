//! Floor 1: the door through which a text message leaves.
//!
//! It does not know challenges or the outbox: it is given a number and a text, and says what became of them. What a
//! provider says of a message later comes in by its callbacks, or is asked for by [`Sms::look_up`]. Behind the door are
//! Twilio ([`twilio`]) and gateways of one's own ([`Gateway`]), both at the end of a `line.rs`: one request, no second
//! one, and a breaker.
//!
//! Adding a provider: a type that implements [`Sms`] over a line, built in `app/senders.rs` from its options. It must
//! never send twice for one call, must answer [`Verdict::Unknown`] where the provider's answer did not come, and gives
//! its codes a reason in `reason.rs`.

mod error;
mod gateway;
pub mod gsm;
mod line;
mod options;
mod reason;
mod served;
pub mod twilio;

use std::fmt::Debug;

use futures::future::BoxFuture;
use jiff::Timestamp;

pub use error::Error;
pub use gateway::Gateway;
pub use options::{Country, Options, Sender, is_domain};
pub use reason::{Reason, reason};
pub use served::Served;

pub use crate::model::Verdict;
use crate::model::{DeliveryStatus, EffectId, Phone, Secret};

/// One message.
#[derive(Debug, Clone)]
pub struct Message {
    /// The effect it belongs to; the same for every try.
    pub effect: EffectId,
    /// To whom.
    pub to: Phone,
    /// What it says. It may carry a code.
    pub text: Secret,
    /// The code that it carries, for providers that word codes themselves.
    pub code: Option<Coded>,
    /// The language it is in, as `en`.
    pub language: String,
    /// From when on it is worth nothing.
    pub not_after: Timestamp,
}

/// A code, with what it is recognised by.
#[derive(Debug, Clone)]
pub struct Coded {
    /// The digits.
    pub code: Secret,
    /// The two letters that the chat shows too.
    pub reference: String,
}

/// A message whose answer did not come.
#[derive(Debug, Clone)]
pub struct Sought {
    /// To whom it was.
    pub to: Phone,
    /// Not before this it was handed over.
    pub since: Timestamp,
    /// And not after this.
    pub until: Timestamp,
}

/// A message that a provider knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The provider's id for it.
    pub provider_id: String,
    /// How far it came.
    pub status: DeliveryStatus,
    /// The provider's code for why it came no further.
    pub error: Option<String>,
}

/// How a code that a provider worded was used, for providers that want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeOutcome {
    /// It was given back.
    GivenBack,
    /// It is worth nothing any more.
    Void,
}

/// A sender of text messages.
pub trait Sms: Debug + Send + Sync + 'static {
    /// Hands one message over, once.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Verdict>;

    /// The messages that the provider has for that number and time, whoever's they are; `None` where it cannot be asked,
    /// or did not answer.
    fn look_up<'a>(&'a self, sought: &'a Sought) -> BoxFuture<'a, Option<Vec<Sighting>>> {
        let _ = sought;
        Box::pin(std::future::ready(None))
    }

    /// Whether it wants to know how codes were used.
    fn wants_feedback(&self) -> bool {
        false
    }

    /// Tells the provider how one of its codes was used. Nothing depends on it.
    fn feed_back<'a>(&'a self, provider_id: &'a str, outcome: CodeOutcome) -> BoxFuture<'a, ()> {
        let _ = (provider_id, outcome);
        Box::pin(std::future::ready(()))
    }
}
