//! What D1, D2 and D3 say about codes and locks, as a list of what happened and questions to that list.
//!
//! It is written from the decisions' text and keeps no counters: every answer is worked out anew from all that ever
//! happened. Times are seconds; numbers, devices and conversations are places in the world of one history.

use super::rules::{DAY, Fate, Rules, Said, Second, Whom};

/// A code that was sent.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) id: String,
    pub(super) digits: String,
    pub(super) length: usize,
    pub(super) most: usize,
    pub(super) tried: usize,
    pub(super) fate: Fate,
    pub(super) phone: usize,
    pub(super) device: usize,
    talk: (usize, u32),
    pub(super) at: Second,
    /// Drawn from what a trusted device has beyond the number's.
    pub(super) extra: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Fact {
    Tried { whom: Whom, at: Second, lock: Second, right: bool },
    Met { whom: Whom },
}

/// One of the places where somebody talks; a new conversation begins there after each sign-in.
#[derive(Debug, Clone, Default)]
pub(super) struct Talk {
    pub(super) turned: u32,
    pub(super) wanted: Option<usize>,
    pub(super) code: Option<usize>,
    pub(super) naming: Option<usize>,
}

/// A try that was charged and not yet compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge {
    pub(super) slot: usize,
    pub(super) code: usize,
    pub(super) fact: usize,
    pub(super) right: bool,
    /// Tries at the code with this one, and the lock that this one set.
    pub(super) tried: usize,
    pub(super) lock: Option<Second>,
}

/// Everything that happened.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) rules: Rules,
    pub(super) facts: Vec<Fact>,
    pub(super) codes: Vec<Code>,
    pub(super) talks: Vec<Talk>,
    pub(super) accounts: Vec<usize>,
    pub(super) trusts: Vec<(usize, usize, Second)>,
}

/// Each device talks in so many places.
pub(super) const TALKS: usize = 2;

impl Reference {
    pub(super) fn new(rules: Rules, slots: usize, accounts: Vec<usize>) -> Self {
        let talks = vec![Talk::default(); slots];
        Self { rules, facts: Vec::new(), codes: Vec::new(), talks, accounts, trusts: Vec::new() }
    }

    /// How often the place has begun again.
    pub(super) fn turned(&self, slot: usize) -> u32 {
        self.talks[slot].turned
    }

    /// The code that was sent last in a place's conversation and not replaced by a refusal for another number.
    pub(super) fn code(&self, slot: usize) -> Option<&Code> {
        self.talks[slot].code.map(|code| &self.codes[code])
    }

    /// Whether the number has an account.
    pub(super) fn has_account(&self, phone: usize) -> bool {
        self.accounts.contains(&phone)
    }

    /// D2: a device is trusted from a sign-in until it was not used for so long.
    pub(super) fn trusted(&self, phone: usize, device: usize, now: Second) -> bool {
        let last = self.trusts.iter().rev().find(|&&(p, d, _)| (p, d) == (phone, device));
        last.is_some_and(|&(_, _, at)| now < at + self.rules.trust)
    }

    pub(super) fn whom(&self, phone: usize, device: usize, now: Second) -> Whom {
        if self.trusted(phone, device, now) { Whom::Pair(phone, device) } else { Whom::Number(phone) }
    }

    /// D1 (b): wrong tries in a rolling day, since the last success or lock end; the last allowed one locks.
    pub(super) fn failing(&self, whom: Whom) -> (Vec<Second>, Option<Second>) {
        let most = match whom {
            Whom::Number(_) => self.rules.failures,
            Whom::Pair(..) => self.rules.trusted_tries,
        };
        let (mut tries, mut locked): (Vec<Second>, Option<Second>) = (Vec::new(), None);
        for fact in &self.facts {
            match *fact {
                Fact::Tried { whom: who, at, lock, .. } if who == whom => {
                    if locked.is_some_and(|end| end <= at) {
                        (tries, locked) = (Vec::new(), None);
                    }
                    tries.retain(|&t| t > at - DAY);
                    tries.push(at);
                    if tries.len() >= most {
                        locked = Some(at + lock);
                    }
                }
                Fact::Met { whom: met } if met == whom => (tries, locked) = (Vec::new(), None),
                _ => {}
            }
        }
        (tries, locked)
    }

    pub(super) fn lock(&self, whom: Whom, now: Second) -> Option<Second> {
        self.failing(whom).1.filter(|&end| end > now)
    }

    /// D1: so many wrong tries from devices that are not trusted in a rolling thirty days.
    pub(super) fn hardened(&self, phone: usize, now: Second) -> bool {
        let counts = |fact: &&Fact| matches!(**fact, Fact::Tried { whom: Whom::Number(p), at, right: false, .. } if p == phone && at > now - 30 * DAY);
        self.facts.iter().filter(counts).count() >= self.rules.hardened_after
    }

    fn is_live(&self, code: &Code, now: Second) -> bool {
        code.fate == Fate::Live && code.tried < code.most && now < code.at + self.rules.life
    }

    /// Times of the codes that fit.
    fn sent(&self, fits: impl Fn(&Code) -> bool) -> Vec<Second> {
        self.codes.iter().filter(|code| fits(code)).map(|code| code.at).collect()
    }

    /// When one more fits into `most` a day; `None` is now.
    fn full(mut sent: Vec<Second>, most: usize, now: Second) -> Option<Second> {
        sent.retain(|&at| at > now - DAY);
        sent.sort_unstable();
        sent.len().checked_sub(most).map(|surplus| sent[surplus] + DAY)
    }

    /// Codes to a number in a rolling day, without those that trusted devices had beyond it.
    pub(super) fn sent_today(&self, phone: usize, now: Second) -> usize {
        let sent = self.sent(|c| c.phone == phone && !c.extra);
        sent.iter().filter(|&&at| at > now - DAY).count()
    }

    /// Codes a device asked for in a rolling day.
    pub(super) fn sent_from(&self, device: usize, now: Second) -> usize {
        self.sent(|c| c.device == device).iter().filter(|&&at| at > now - DAY).count()
    }

    /// The number that was signed in with last.
    pub(super) fn last_signed_in(&self) -> usize {
        self.trusts.last().map_or(0, |&(phone, ..)| phone)
    }

    /// A code is wanted once more, for the number it was wanted for before.
    pub(super) fn resend(&mut self, slot: usize, now: Second) -> Said {
        match self.talks[slot].wanted {
            Some(phone) => self.ask(slot, phone, now),
            None => Said::Aside,
        }
    }

    /// A code is wanted for a number.
    pub(super) fn ask(&mut self, slot: usize, phone: usize, now: Second) -> Said {
        // Another number: the code of the one before must not sign anybody in any more.
        if let Some(code) = self.talks[slot].code.filter(|&code| self.codes[code].phone != phone) {
            self.void(code);
            self.talks[slot].code = None;
        }
        self.talks[slot].wanted = Some(phone);
        let device = slot / TALKS;
        let talk = (slot, self.talks[slot].turned);
        let extra = match self.admit(talk, phone, now) {
            Ok(extra) => extra,
            Err(refused) => return refused,
        };
        let is_long = self.hardened(phone, now) && !self.trusted(phone, device, now);
        let (length, most) = if is_long { (8, 1) } else { (6, self.rules.tries) };
        // D3: a new code kills the old one of the same conversation.
        if let Some(code) = self.talks[slot].code {
            self.void(code);
        }
        self.talks[slot].code = Some(self.codes.len());
        let (id, digits, fate) = (String::new(), String::new(), Fate::Live);
        self.codes.push(Code {
            id,
            digits,
            length,
            most,
            tried: 0,
            fate,
            phone,
            device,
            talk,
            at: now,
            extra,
        });
        Said::Sent
    }

    fn void(&mut self, code: usize) {
        if self.codes[code].fate == Fate::Live {
            self.codes[code].fate = Fate::Void;
        }
    }

    /// The limits on sending, in the order of D1: lock, conversation, number, device, live codes.
    fn admit(&self, talk: (usize, u32), phone: usize, now: Second) -> Result<bool, Said> {
        let rules = &self.rules;
        let device = talk.0 / TALKS;
        let limited = |until: Second| Said::Limited { wait: until - now };
        let whom = self.whom(phone, device, now);
        let is_trusted = whom != Whom::Number(phone);
        if let Some(until) = self.lock(whom, now) {
            return Err(Said::Locked { until });
        }
        if let Some(until) = Self::full(self.sent(|c| c.talk == talk), rules.talk_sends, now) {
            return Err(Said::Exhausted { wait: until - now });
        }
        // A trusted device waits for its own codes alone; everybody else for those of the number.
        let before =
            self.sent(|c| if is_trusted { c.device == device } else { c.phone == phone && !c.extra });
        // Where the clock was set back, nobody waits for the time it had before.
        let near = |last: &&Second| (now - **last).abs() < rules.apart;
        let rested = before.iter().filter(near).max().map(|last| last + rules.apart);
        if let Some(until) = rested.filter(|_| !is_trusted) {
            return Err(limited(until));
        }
        let shared = Self::full(self.sent(|c| c.phone == phone && !c.extra), rules.day_sends, now);
        let own = self.sent(|c| (c.phone, c.device) == (phone, device) && c.extra);
        let extra = is_trusted && shared.is_some();
        let full = if extra { Self::full(own, rules.trusted_sends, now) } else { shared };
        if let Some(until) = full.or(rested) {
            return Err(limited(until));
        }
        if let Some(until) = Self::full(self.sent(|c| c.device == device), rules.device_sends, now) {
            return Err(limited(until));
        }
        let elsewhere = |c: &&Code| c.phone == phone && c.talk != talk && self.is_live(c, now);
        let mut ends: Vec<Second> =
            self.codes.iter().filter(elsewhere).map(|code| code.at + rules.life).collect();
        ends.sort_unstable();
        match ends.len().checked_sub(rules.live) {
            Some(surplus) if !is_trusted => Err(limited(ends[surplus])),
            _ => Ok(extra),
        }
    }
}
