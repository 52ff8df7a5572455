//! How many of what in a minute, in this process: for what is to be stopped before it costs a write.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::model::Clock;

/// How many askings lie between two sweeps of what is full again.
const SWEEP: u32 = 1_024;

type Limiter = RateLimiter<String, DashMapStateStore<String>, Ticks, NoOpMiddleware<Nanos>>;

/// The engine's clock as the limiter reads it.
#[derive(Debug, Clone)]
struct Ticks(Arc<dyn Clock>);

impl GovernorClock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(u64::try_from(self.0.now().as_nanosecond()).unwrap_or_default())
    }
}

/// A budget for each key, which comes back over a minute.
#[derive(Debug)]
pub struct Pace {
    limiter: Option<Limiter>,
    asked: AtomicU32,
}

impl Pace {
    /// Full budgets of so many; 0 is no limit.
    pub fn per_minute(most: u32, clock: &Arc<dyn Clock>) -> Self {
        let limiter = NonZeroU32::new(most).map(|most| {
            let quota = Quota::per_minute(most);
            RateLimiter::new(quota, DashMapStateStore::default(), Ticks(Arc::clone(clock)))
        });
        Self { limiter, asked: AtomicU32::new(0) }
    }

    /// Takes one from a key's budget; false where it is empty.
    pub fn take(&self, key: &str) -> bool {
        let Some(limiter) = &self.limiter else { return true };
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP) {
            limiter.retain_recent();
        }
        limiter.check_key(&key.to_owned()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    #[derive(Debug)]
    struct Fixed(std::sync::Mutex<Timestamp>);

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }

        fn sleep_until(&self, _: Timestamp) -> futures::future::BoxFuture<'static, ()> {
            Box::pin(std::future::ready(()))
        }
    }

    #[test]
    fn each_key_has_its_own_budget_and_it_comes_back() {
        let clock = Arc::new(Fixed(Timestamp::from_second(1_800_000_000).unwrap().into()));
        let pace = Pace::per_minute(2, &(clock.clone() as Arc<dyn Clock>));
        assert!(pace.take("a") && pace.take("a") && !pace.take("a") && pace.take("b"));
        *clock.0.lock().unwrap() += SignedDuration::from_secs(30);
        assert!(pace.take("a") && !pace.take("a"));
        let none = Pace::per_minute(0, &(clock as Arc<dyn Clock>));
        assert!((0..1_000).all(|_| none.take("a")));
    }
}
