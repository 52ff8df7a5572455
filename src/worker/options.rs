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
}

impl Default for Options {
    fn default() -> Self {
        Self { first_try_ms: 2_000, lease_seconds: 30, poll_ms: 500 }
    }
}
