//! What can be told of the desk.

use jiff::SignedDuration;

use crate::model::Secret;

/// Where the desk is, and how long it is waited for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the desk is told. Without it there is none.
    pub url: Option<Secret>,
    /// What requests are signed with, in both directions.
    pub secret: Option<Secret>,
    /// How long it is tried to tell the desk something, in minutes.
    pub try_minutes: u32,
    /// After how long without a word of the desk the engine answers again, in minutes.
    pub quiet_minutes: u32,
    /// Longest wait for the desk's answer, in milliseconds.
    pub timeout_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { url: None, secret: None, try_minutes: 10, quiet_minutes: 30, timeout_ms: 10_000 }
    }
}

impl Options {
    /// For how long the engine stays quiet without a word of the desk; none where there is no desk.
    pub fn quiet(&self) -> Option<SignedDuration> {
        self.url.as_ref().map(|_| SignedDuration::from_mins(i64::from(self.quiet_minutes)))
    }

    /// For how long it is worth telling the desk something.
    pub fn worth(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.try_minutes))
    }
}
