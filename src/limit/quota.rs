//! How often somebody may have a model asked: a budget for each owner and each network, in this process.
//!
//! It bounds what strangers can spend and how many places they can hold; past it the other tiers answer, and nobody is
//! refused. It runs on the engine's clock.

use std::sync::Arc;

use super::Pace;
use crate::model::Clock;

/// The budgets.
#[derive(Debug)]
pub struct Quotas {
    owners: Pace,
    networks: Pace,
}

impl Quotas {
    /// Full budgets of so many a minute for an owner and for a network; those of 0 are none.
    pub fn per_minute((owner, network): (u32, u32), clock: &Arc<dyn Clock>) -> Self {
        Self { owners: Pace::per_minute(owner, clock), networks: Pace::per_minute(network, clock) }
    }

    /// Takes one from the budgets of an owner and a network; false where one of them is empty.
    pub fn take(&self, owner: &str, network: Option<&str>) -> bool {
        self.owners.take(owner) && network.is_none_or(|network| self.networks.take(network))
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
        let shared: Arc<dyn Clock> = clock.clone();
        let quotas = Quotas::per_minute((2, 3), &shared);
        assert!(quotas.take("a", Some("n")) && quotas.take("a", Some("n")) && !quotas.take("a", Some("n")));
        assert!(quotas.take("b", Some("n")) && !quotas.take("b", Some("n")), "the network's is used up");
        assert!(quotas.take("c", None));
        clock.advance(jiff::SignedDuration::from_secs(60));
        assert!(quotas.take("a", Some("n")));
        let none = Quotas::per_minute((0, 0), &shared);
        assert!((0..1_000).all(|_| none.take("a", Some("n"))));
    }
}
