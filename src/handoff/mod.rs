//! Floor 1: the operator's desk, where a person answers in the engine's stead.
//!
//! What the desk is told leaves as a signed request to the configured address ([`Webhook`]), which may come more than once
//! under the same `Idempotency-Key`. What the desk says comes in by a request that is signed alike ([`Word`]). Either way
//! there are words and ids: the desk is told no code, no whole number and no token, and nothing that it says is a message of
//! the person's or has a right.
//!
//! It knows neither conversations nor when one is handed over; the engine does (`engine/desk.rs`, `engine/desk_words.rs`).
//!
//! Adding a thing that the desk is told: a variant of [`What`]. Adding a thing that it may say: a variant of [`Said`], which
//! [`Word::parse`] reads, and its arm in `engine/desk_words.rs`.

mod notice;
mod options;
mod webhook;
mod word;

use std::fmt::Debug;

use futures::future::BoxFuture;

pub use notice::{Line, Notice, What};
pub use options::Options;
pub use webhook::Webhook;
pub use word::{LONGEST_WORDS, Said, Unread, Word};

use crate::fetch;
use crate::model::EffectId;

/// The kind of the effect that tells the desk something.
pub const KIND: &str = "handoff";

/// A desk that cannot be told anything.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration lacks something.
    #[error("handing over to people needs `{0}`")]
    Lacks(&'static str),
    /// The address may not be called.
    #[error("handoff.url cannot be called")]
    Address(#[source] fetch::Error),
}

/// What came of telling the desk something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It has it.
    Taken,
    /// Not now; why. It may be told again.
    Later(String),
    /// Never; why.
    Never(String),
}

/// The door to the desk.
pub trait Desk: Debug + Send + Sync {
    /// Tells it something, once. The effect's name goes with it, so that the desk knows a second time.
    fn tell<'a>(&'a self, effect: &'a EffectId, notice: &'a Notice) -> BoxFuture<'a, Judged>;
}
