//! Floor 1: how many of what in which time (D1, D2), as a table and as arithmetic.
//!
//! A counter is a row: its marks (when each counted thing happened, within the window) and a lock. This module reads and
//! judges such a row; it does not know where the row lives. Whoever writes a judged row back does it with the version it
//! was read at in the `WHERE`, so that two judgements of one row cannot both stand. Budgets that many draw on at once
//! are kept as slots instead, one row for each thing that fits, judged by [`free_slot`].
//!
//! Clocks get set. A mark or a slot that lies in the future counts like any other, so that a step back frees no place;
//! and every wait is counted from its mark, so that a step lengthens it by its own length at most. A code is good at no
//! time but its own: one that was issued further ahead than [`SKEW`] is refused like one that is over.
//!
//! Adding a limit: a row in [`Limit`] and in [`Options::rule`], its setting in `Options`, in the configuration and in
//! `docs/limits.md`, and the outcome that answers it.

mod network;
mod options;
mod pace;
mod quota;
mod table;

use jiff::{SignedDuration, Timestamp};

pub use network::{host, network};
pub use options::Options;
pub use pace::Pace;
pub use quota::Quotas;
pub use table::{Limit, Rule};

/// How far the clocks of two nodes may be apart.
pub const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// A counter's content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counter {
    /// When each counted thing happened, oldest first.
    pub marks: Vec<Timestamp>,
    /// Until when the counter is locked.
    pub locked_until: Option<Timestamp>,
}

/// What a rule says of one more.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may happen; this is the counter once it has, and how many more may follow.
    Allowed {
        /// The counter to store.
        counter: Counter,
        /// How many more fit after this one.
        left: u32,
    },
    /// It may not, until then.
    Refused {
        /// When the next one fits.
        until: Timestamp,
        /// Whether a lock, rather than the count, stands in the way.
        locked: bool,
    },
}

impl Counter {
    /// Reads the stored form; what is not a mark makes the whole row unreadable rather than a limit lenient.
    pub fn parse(marks: &str, locked_until: Option<Timestamp>) -> Option<Self> {
        let marks = (marks.split(',').filter(|m| !m.is_empty()))
            .map(|m| m.parse().ok().and_then(|micros| Timestamp::from_microsecond(micros).ok()))
            .collect::<Option<Vec<_>>>()?;
        Some(Self { marks, locked_until })
    }

    /// The stored form of the marks.
    pub fn marks_text(&self) -> String {
        let marks: Vec<String> = self.marks.iter().map(|m| m.as_microsecond().to_string()).collect();
        marks.join(",")
    }

    /// Until when it is locked, at `now`.
    pub fn lock(&self, now: Timestamp) -> Option<Timestamp> {
        self.locked_until.filter(|&until| until > now)
    }

    /// How many marks are within the rule's window.
    pub fn count(&self, rule: &Rule, now: Timestamp) -> usize {
        self.marks.iter().filter(|&&mark| mark > now - rule.window).count()
    }

    /// Judges one more at `now`. An ended lock forgets the marks that led to it.
    pub fn judge(&self, rule: &Rule, now: Timestamp) -> Verdict {
        if let Some(until) = self.locked_until.filter(|&until| until > now) {
            return Verdict::Refused { until, locked: true };
        }
        let since = self.locked_until.unwrap_or(Timestamp::MIN).max(now - rule.window);
        let mut marks: Vec<Timestamp> = self.marks.iter().copied().filter(|&m| m > since).collect();
        // A mark from further ahead was made before the clock was set back; it counts, and nobody waits for its time.
        let near = |last: Timestamp| last - rule.apart < now && now < last + rule.apart;
        if let Some(last) = marks.iter().copied().filter(|&mark| near(mark)).max() {
            return Verdict::Refused { until: last + rule.apart, locked: false };
        }
        let most = rule.most as usize;
        if marks.len() >= most {
            let until = marks.get(marks.len() - most).map_or(now, |&m| m + rule.window);
            return Verdict::Refused { until, locked: false };
        }
        marks.push(now);
        marks.sort_unstable();
        let left = u32::try_from(most - marks.len()).unwrap_or(0);
        let locked_until = (left == 0 && rule.lock > SignedDuration::ZERO).then(|| now + rule.lock);
        Verdict::Allowed { counter: Self { marks, locked_until }, left }
    }
}

/// A slot that one more may take, given those taken within the window (their numbers and when), or until when there is
/// none. `pick` is any number: it decides which of the free ones, so that two who come at once rarely choose the same.
pub fn free_slot(rule: &Rule, taken: &[(i64, Timestamp)], pick: u32) -> Result<u32, Timestamp> {
    // Those beyond the most were taken when it was higher; they count all the same.
    let numbers: std::collections::HashSet<i64> = taken.iter().map(|&(slot, _)| slot).collect();
    let has_room = numbers.len() < rule.most as usize;
    let free: Vec<u32> =
        (0..rule.most).filter(|&slot| has_room && !numbers.contains(&i64::from(slot))).collect();
    match free.get(pick as usize % free.len().max(1)) {
        Some(&slot) => Ok(slot),
        None => Err(taken.iter().map(|&(_, at)| at).min().unwrap_or(Timestamp::MIN) + rule.window),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn allow(counter: &Counter, rule: &Rule, now: Timestamp) -> (Counter, u32) {
        match counter.judge(rule, now) {
            Verdict::Allowed { counter, left } => (counter, left),
            Verdict::Refused { until, .. } => panic!("refused until {until}"),
        }
    }

    // S2-18
    #[test]
    fn the_window_rolls() {
        let rule = Rule { apart: SignedDuration::ZERO, ..Options::default().rule(Limit::Sends) };
        let mut counter = Counter::default();
        for n in 0..10 {
            counter = allow(&counter, &rule, at(n * 3_600)).0;
        }
        let day = 24 * 3_600;
        assert_eq!(counter.judge(&rule, at(day - 1)), Verdict::Refused { until: at(day), locked: false });
        let (counter, left) = allow(&counter, &rule, at(day));
        assert_eq!(left, 0);
        assert_eq!(counter.judge(&rule, at(day)), Verdict::Refused { until: at(day + 3_600), locked: false });
    }

    #[test]
    fn sends_keep_their_distance() {
        let rule = Options::default().rule(Limit::Sends);
        let (counter, _) = allow(&Counter::default(), &rule, at(0));
        assert_eq!(counter.judge(&rule, at(59)), Verdict::Refused { until: at(60), locked: false });
        assert_eq!(allow(&counter, &rule, at(60)).1, 8);
    }

    // SEC-48
    #[test]
    fn a_clock_set_back_locks_nobody() {
        for limit in [Limit::Failures, Limit::Sends] {
            let rule = Options::default().rule(limit);
            let (counter, left) = allow(&Counter::default(), &rule, at(3_600));
            assert_eq!(allow(&counter, &rule, at(0)).1, left - 1, "{}", rule.name);
        }
    }

    // SEC-48
    #[test]
    fn a_clock_set_back_frees_no_place_and_lengthens_a_wait_by_its_step() {
        let step = 3_600;
        let sends = Options::default().rule(Limit::Sends);
        let mut counter = Counter::default();
        for n in 0..10 {
            counter = allow(&counter, &sends, at(n * 60)).0;
        }
        let end = at(24 * 3_600);
        for back in [step, 48 * step] {
            let refused = Verdict::Refused { until: end, locked: false };
            assert_eq!(counter.judge(&sends, at(10 * 60 - back)), refused);
        }
        let hour = Rule { most: 1, ..Options::default().rule(Limit::NetworkHour) };
        assert_eq!(free_slot(&hour, &[(0, at(0))], 0), Err(at(3_600)));
    }

    // S2-19, D2: a lock never extends itself, and ends with a clean slate.
    #[test]
    fn the_last_allowed_failure_locks_and_the_lock_ends_clean() {
        let rule = Options::default().rule(Limit::Failures);
        let mut counter = Counter::default();
        for n in 0..5 {
            counter = allow(&counter, &rule, at(n)).0;
        }
        let end = at(4 + 30 * 60);
        assert_eq!(counter.locked_until, Some(end));
        assert_eq!(counter.judge(&rule, at(1_000)), Verdict::Refused { until: end, locked: true });
        assert_eq!(allow(&counter, &rule, end).1, 4);
    }

    #[test]
    fn a_window_of_slots_fills_and_frees() {
        let rule = Rule { most: 3, ..Options::default().rule(Limit::NetworkHour) };
        let mut taken = Vec::new();
        for n in 0..3 {
            let slot = free_slot(&rule, &taken, 7).unwrap();
            assert!(taken.iter().all(|&(t, _)| t != i64::from(slot)));
            taken.push((i64::from(slot), at(n)));
        }
        assert_eq!(free_slot(&rule, &taken, 7), Err(at(3_600)));
        let first = taken.remove(0);
        assert_eq!(free_slot(&rule, &taken, 7).map(i64::from), Ok(first.0));
    }

    #[test]
    fn every_row_has_a_name_and_a_setting_of_its_own() {
        let rules = Limit::ALL.map(|limit| Options::default().rule(limit));
        for (n, rule) in rules.iter().enumerate() {
            let clash = |r: &Rule| r.name == rule.name || r.setting == rule.setting;
            assert!(!rules[..n].iter().any(clash), "{}", rule.name);
        }
    }

    #[test]
    fn the_stored_form_reads_back_and_a_damaged_one_does_not() {
        let counter = Counter { marks: vec![at(1), at(2)], locked_until: None };
        assert_eq!(Counter::parse(&counter.marks_text(), None), Some(counter));
        assert_eq!(Counter::parse("", None), Some(Counter::default()));
        assert_eq!(Counter::parse("1,x", None), None);
    }
}
