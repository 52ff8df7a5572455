//! A breaker: whoever fails too often in a row is left alone for a while, and then tried with one request. It is told the
//! time, and keeps nothing else.

use jiff::{SignedDuration, Timestamp};

/// How often somebody failed, and until when they rest.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: u32,
    rests_until: Option<Timestamp>,
}

impl Breaker {
    /// Whether a request may go. After a rest one may; the others wait until it is known how that went.
    pub fn admits(&mut self, now: Timestamp, rest: SignedDuration) -> bool {
        match self.rests_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                self.rests_until = Some(now + rest);
                true
            }
        }
    }

    /// Until when it rests; none where it does not.
    pub fn rests_until(&self) -> Option<Timestamp> {
        self.rests_until
    }

    /// It went well.
    pub fn close(&mut self) {
        *self = Self::default();
    }

    /// It did not; `at_once` where trying again is known to be of no use. Says whether the rest begins with this.
    pub fn fail(&mut self, most: u32, rests_until: Timestamp, at_once: bool) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures < most && !at_once {
            return false;
        }
        let begins = self.rests_until.is_none();
        self.rests_until = Some(rests_until);
        begins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_rests_and_lets_one_try() {
        let mut breaker = Breaker::default();
        let now = Timestamp::UNIX_EPOCH;
        let rest = SignedDuration::from_secs(30);
        assert!(!breaker.fail(2, now + rest, false) && breaker.admits(now, rest));
        assert!(breaker.fail(2, now + rest, false));
        assert!(!breaker.admits(now + SignedDuration::from_secs(29), rest));
        let later = now + rest;
        assert!(breaker.admits(later, rest) && !breaker.admits(later, rest));
        assert!(!breaker.fail(2, later + rest, false), "it rests on, and says so once");
        assert!(breaker.admits(later + rest, rest));
        breaker.close();
        assert!(breaker.admits(later + rest, rest) && breaker.admits(later + rest, rest));
        assert!(breaker.fail(2, now + rest, true), "a wrong key opens it at once");
    }
}
