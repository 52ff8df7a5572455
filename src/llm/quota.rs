//! How often somebody may have a model asked: a budget for each owner and each network, in this process.
//!
//! It bounds what strangers can spend and how many places they can hold; past it the other tiers answer, and nobody is
//! refused. It runs on the engine's clock.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::Options;
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
        let since = u64::try_from(self.0.now().as_nanosecond()).unwrap_or_default();
        Nanos::new(since)
    }
}

/// The budgets.
#[derive(Debug)]
pub struct Quotas {
    owners: Option<Limiter>,
    networks: Option<Limiter>,
    asked: AtomicU32,
}

impl Quotas {
    /// Full budgets; those of 0 are none.
    pub fn new(options: &Options, clock: &Arc<dyn Clock>) -> Self {
        let limiter = |per_minute: u32| {
            let quota = Quota::per_minute(NonZeroU32::new(per_minute)?);
            Some(RateLimiter::new(quota, DashMapStateStore::default(), Ticks(Arc::clone(clock))))
        };
        Self {
            owners: limiter(options.owner_per_minute),
            networks: limiter(options.network_per_minute),
            asked: AtomicU32::new(0),
        }
    }

    /// Takes one from the budgets of an owner and a network; false where one of them is empty.
    pub fn take(&self, owner: &str, network: Option<&str>) -> bool {
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP) {
            for limiter in [&self.owners, &self.networks].into_iter().flatten() {
                limiter.retain_recent();
            }
        }
        let has = |limiter: &Option<Limiter>, key: &str| {
            limiter.as_ref().is_none_or(|limiter| limiter.check_key(&key.to_owned()).is_ok())
        };
        has(&self.owners, owner) && network.is_none_or(|network| has(&self.networks, network))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::clock::MovableClock;

    #[test]
    fn a_budget_is_used_up_and_comes_back() {
        let clock = Arc::new(MovableClock::fixed(Timestamp::from_second(1_800_000_000).unwrap()));
        let options = Options { owner_per_minute: 2, network_per_minute: 3, ..Options::default() };
        let shared: Arc<dyn Clock> = clock.clone();
        let quotas = Quotas::new(&options, &shared);
        assert!(quotas.take("a", Some("n")) && quotas.take("a", Some("n")) && !quotas.take("a", Some("n")));
        assert!(quotas.take("b", Some("n")) && !quotas.take("b", Some("n")), "the network's is used up");
        assert!(quotas.take("c", None));
        clock.advance(jiff::SignedDuration::from_secs(60));
        assert!(quotas.take("a", Some("n")));
        let none = Quotas::new(&Options { owner_per_minute: 0, network_per_minute: 0, ..options }, &shared);
        assert!((0..1_000).all(|_| none.take("a", Some("n"))));
    }
}
