//! Floor 1: the door through which an e-mail leaves, and the way to a mail server behind it.
//!
//! [`Smtp`] hands each message over in two halves. Until the server has asked for its words, nothing was handed over and
//! the message may come again; from the first word on it may have been taken, and where the server's answer does not come
//! nobody can tell. That line is drawn by hand (`smtp.rs`, `link.rs`) over lettre's single connections: its pooled
//! transport does not say which half failed, waits for answers without end, and takes a connection that was given up in
//! the middle back for the next message.
//!
//! It does not know codes, challenges or the outbox: it is given an address, a subject and what to say, and says what
//! became of them. No log line here has an address, a subject, a server's words or a password.
//!
//! Adding a provider: a type that implements [`Mail`], built in `app` from its options. It must never send twice for one
//! call, and must answer [`Verdict::Unknown`] where the provider's answer did not come.

mod compose;
mod link;
mod options;
mod plain;
mod server;
mod smtp;

use std::fmt::Debug;

use futures::future::BoxFuture;

pub use crate::model::Verdict;
use crate::model::{EffectId, Email, Secret};
pub use options::{Options, Sender, SenderError};
pub use server::{Credentials, Server, ServerError, Tls};
pub use smtp::{Error, Smtp};

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
    /// The same words as a page of HTML.
    pub html: Secret,
}

/// A sender of e-mails.
pub trait Mail: Debug + Send + Sync + 'static {
    /// Hands one message over, once.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Verdict>;
}
