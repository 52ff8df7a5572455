//! Floor 1: the door through which an e-mail leaves.
//!
//! It does not know codes, challenges or the outbox: it is given an address, a subject and a text, and says what became
//! of them.
//!
//! Adding a provider: a type that implements [`Mail`], built in `app` from its options. It must never send twice for one
//! call, and must answer [`Verdict::Unknown`] where the provider's answer did not come.

use std::fmt::Debug;

use futures::future::BoxFuture;

pub use crate::model::Verdict;
use crate::model::{EffectId, Email, Secret};

/// One message.
#[derive(Debug, Clone)]
pub struct Message {
    /// The effect it belongs to; the same for every try.
    pub effect: EffectId,
    /// To whom.
    pub to: Email,
    /// What it is about. Mail programs show it on locked screens, so it never carries a code.
    pub subject: String,
    /// What it says. It may carry a code.
    pub text: Secret,
}

/// A sender of e-mails.
pub trait Mail: Debug + Send + Sync + 'static {
    /// Hands one message over, once.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Verdict>;
}
