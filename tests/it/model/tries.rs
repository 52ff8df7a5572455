//! The reference's tries, in two halves: charged, then compared and answered. Between the two anything may happen to the
//! others, and a process may die.

use super::reference::{Charge, Fact, Reference, TALKS, Talk};
use super::rules::{Fate, Said, Second, Whom};

impl Reference {
    /// The first half of a try: it is charged, or refused without being compared.
    pub(super) fn charge(&mut self, slot: usize, digits: &str, now: Second) -> Result<Charge, Said> {
        if self.talks[slot].wanted.is_none() || self.talks[slot].naming.is_some() {
            return Err(Said::Aside);
        }
        let Some(number) = self.talks[slot].code else { return Err(Said::NoCode) };
        let code = self.codes[number].clone();
        match code.fate {
            Fate::Used | Fate::Void => return Err(Said::NoCode),
            Fate::Burnt => return Err(Said::Burnt),
            // SEC-48: where the clock was set back, a code from more than a minute ahead is no good either.
            Fate::Live if now >= code.at + self.rules.life || now < code.at - 60 => {
                return Err(Said::Expired);
            }
            Fate::Live if digits.len() != code.length => return Err(Said::Malformed),
            Fate::Live => {}
        }
        let whom = self.whom(code.phone, code.device, now);
        if let Some(until) = self.lock(whom, now) {
            return Err(Said::Locked { until });
        }
        if code.tried >= code.most {
            return Err(Said::Burnt);
        }
        let is_long = whom == Whom::Number(code.phone) && self.hardened(code.phone, now);
        let lock = if is_long { self.rules.hardened_lock } else { self.rules.lock };
        self.facts.push(Fact::Tried { whom, at: now, lock, right: false });
        self.codes[number].tried += 1;
        let (tried, lock) = (code.tried + 1, self.lock(whom, now));
        Ok(Charge {
            slot,
            code: number,
            fact: self.facts.len() - 1,
            right: digits == code.digits,
            tried,
            lock,
        })
    }

    /// What is known of a charged try when it is answered: tries at its code, and the lock.
    pub(super) fn view(&self, charge: &Charge, now: Second) -> (usize, Option<Second>) {
        let Fact::Tried { whom, .. } = self.facts[charge.fact] else { unreachable!("a charge is a try") };
        (self.codes[charge.code].tried, self.lock(whom, now))
    }

    /// Whether the conversation still waits for the code that was charged.
    pub(super) fn stands(&self, charge: &Charge) -> bool {
        self.talks[charge.slot].code == Some(charge.code)
    }

    /// The second half: it is compared and answered, by whoever knows of so many tries and of that lock.
    pub(super) fn settle(
        &mut self,
        charge: Charge,
        (tried, lock): (usize, Option<Second>),
        now: Second,
    ) -> Said {
        let Charge { slot, code, fact, right, .. } = charge;
        match self.codes[code].fate {
            Fate::Live => {}
            Fate::Burnt => return Said::Burnt,
            Fate::Void | Fate::Used => return Said::NoCode,
        }
        if right {
            self.met(slot, (code, fact), now);
            return Said::Accepted;
        }
        let left = self.codes[code].most.saturating_sub(tried);
        if left == 0 {
            self.codes[code].fate = Fate::Burnt;
        }
        match (lock, left) {
            (Some(until), _) => Said::Locked { until },
            (None, 0) => Said::Burnt,
            (None, left) => Said::Rejected { left },
        }
    }

    fn met(&mut self, slot: usize, (code, fact): (usize, usize), now: Second) {
        self.codes[code].fate = Fate::Used;
        let Fact::Tried { whom, right, .. } = &mut self.facts[fact] else {
            unreachable!("a charge is a try")
        };
        *right = true;
        let whom = *whom;
        self.facts.push(Fact::Met { whom });
        self.talks[slot].naming = Some(self.codes[code].phone);
        if self.has_account(self.codes[code].phone) {
            self.named(slot, now);
        }
    }

    /// The sign-in is complete: the account is there, the device is trusted, and a new conversation begins.
    pub(super) fn named(&mut self, slot: usize, now: Second) {
        let Some(phone) = self.talks[slot].naming else { return };
        if !self.has_account(phone) {
            self.accounts.push(phone);
        }
        self.trusts.push((phone, slot / TALKS, now));
        self.talks[slot] = Talk { turned: self.talks[slot].turned + 1, ..Talk::default() };
    }

    /// A try that nothing stands between.
    pub(super) fn guess(&mut self, slot: usize, digits: &str, now: Second) -> Said {
        match self.charge(slot, digits, now) {
            Ok(charge) => {
                let view = self.view(&charge, now);
                self.settle(charge, view, now)
            }
            Err(refused) => refused,
        }
    }
}
