//! Floor 1: the door through which a text message leaves.
//!
//! It does not know codes, challenges or the outbox: it is given a number and a text, and says what became of them.
//!
//! Adding a provider: a type that implements [`Sms`], built in `app` from its options. It must never send twice for one
//! call, and must answer [`Verdict::Unknown`] where the provider's answer did not come.

use std::fmt::Debug;

use futures::future::BoxFuture;

pub use crate::model::Verdict;
use crate::model::{EffectId, Phone, Secret};

/// One message.
#[derive(Debug, Clone)]
pub struct Message {
    /// The effect it belongs to; the same for every try.
    pub effect: EffectId,
    /// To whom.
    pub to: Phone,
    /// What it says. It may carry a code.
    pub text: Secret,
}

/// A sender of text messages.
pub trait Sms: Debug + Send + Sync + 'static {
    /// Hands one message over, once.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Verdict>;
}
