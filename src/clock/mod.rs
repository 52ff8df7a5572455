//! Floor 1: the clocks.
//!
//! [`SystemClock`] is production's. [`MovableClock`] is the one of the profile `test` (the system's time and an offset)
//! and of scenarios (a fixed start and an offset); moving it wakes whoever sleeps. Neither knows what is waited for.
//!
//! Adding a clock: a type that implements `model::Clock`; nothing else may ask the system for the time.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::model::{Clock, Sleep};

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the system is asked for the time")]
    fn now(&self) -> Timestamp {
        // Rows hold microseconds; a finer time would compare unequal with itself once it was stored.
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep<'_> {
        Box::pin(async move {
            let left = deadline.as_microsecond().saturating_sub(self.now().as_microsecond());
            tokio::time::sleep(std::time::Duration::from_micros(u64::try_from(left).unwrap_or(0))).await;
        })
    }
}

/// A clock that can be moved forward.
#[derive(Debug)]
pub struct MovableClock {
    start: Option<Timestamp>,
    offset_micros: AtomicI64,
    moved: watch::Sender<()>,
}

impl MovableClock {
    /// Stands still at `start` until it is moved.
    pub fn fixed(start: Timestamp) -> Self {
        Self { start: Some(start), offset_micros: AtomicI64::new(0), moved: watch::Sender::new(()) }
    }

    /// Runs with the system's clock, shifted by what it was moved.
    pub fn running() -> Self {
        Self { start: None, offset_micros: AtomicI64::new(0), moved: watch::Sender::new(()) }
    }

    /// Moves it forward.
    pub fn advance(&self, by: SignedDuration) {
        self.shift_to(self.offset_micros.load(Ordering::SeqCst).saturating_add(micros(by)));
    }

    /// Sets the whole shift, where several nodes share one; it never goes back.
    pub fn set_offset(&self, offset: SignedDuration) {
        if micros(offset) > self.offset_micros.load(Ordering::SeqCst) {
            self.shift_to(micros(offset));
        }
    }

    fn shift_to(&self, micros: i64) {
        self.offset_micros.fetch_max(micros, Ordering::SeqCst);
        self.moved.send_replace(());
    }
}

fn micros(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_micros(self.offset_micros.load(Ordering::SeqCst));
        let base = self.start.unwrap_or_else(|| SystemClock.now());
        base.checked_add(offset).unwrap_or(Timestamp::MAX)
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep<'_> {
        Box::pin(async move {
            let mut moved = self.moved.subscribe();
            while self.now() < deadline {
                if self.start.is_some() {
                    // The sender lives as long as `self`, so this ends only by a move.
                    let _ = moved.changed().await;
                    continue;
                }
                let left = deadline.as_microsecond().saturating_sub(self.now().as_microsecond());
                let left = std::time::Duration::from_micros(u64::try_from(left).unwrap_or(0));
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    _ = moved.changed() => {}
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_when_the_clock_is_moved_past_them() {
        let clock = MovableClock::fixed(Timestamp::from_second(1_000).unwrap());
        let deadline = Timestamp::from_second(1_060).unwrap();
        let mut sleep = clock.sleep_until(deadline);
        assert!(futures::poll!(&mut sleep).is_pending());
        clock.advance(SignedDuration::from_secs(59));
        assert!(futures::poll!(&mut sleep).is_pending());
        clock.advance(SignedDuration::from_secs(1));
        sleep.await;
        assert_eq!(clock.now(), deadline);
    }
}
