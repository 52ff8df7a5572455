//! What the worker can be told.

/// How soon effects are tried, and how long a claim on one holds.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long an answer waits for the first try of its effect, in milliseconds.
    pub first_try_ms: u64,
    /// How long a worker's claim holds before the effect counts as uncertain, in seconds.
    pub lease_seconds: u64,
    /// Pause between two looks at the outbox, in milliseconds.
    pub poll_ms: u64,
    /// Most messages handed to providers at once.
    pub at_once: u32,
    /// Most calls to outside agents made at once, besides.
    pub calls_at_once: u32,
    /// How often a message is tried that no provider takes.
    pub max_tries: u32,
    /// Longest pause before the second try, in milliseconds; it doubles with each further one.
    pub retry_ms: u64,
    /// Longest pause before any try, in seconds.
    pub retry_most_seconds: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            first_try_ms: 2_000,
            lease_seconds: 30,
            poll_ms: 500,
            at_once: 32,
            calls_at_once: 32,
            max_tries: 8,
            retry_ms: 1_000,
            retry_most_seconds: 60,
        }
    }
}
