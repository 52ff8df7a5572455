//! Counters and slots as the tools use them: read together, judged by the table of limits, written back with a guard.

use jiff::Timestamp;
use rand::RngExt;

use super::{Error, Toolbox};
use crate::limit::{self, Counter, Limit, Rule};
use crate::model::Actor;
use crate::store::slots::{self, Take, Taken, Window};
use crate::store::{Write, counters};

/// A limit and whom it is asked about.
pub(super) type Asked<'a> = (Limit, &'a [u8]);

/// A counter as read, and the version to write it back at.
#[derive(Debug, Clone, Default)]
pub(super) struct Read {
    pub(super) counter: Counter,
    version: Option<i64>,
}

/// Counters that were read together.
#[derive(Debug)]
pub(super) struct Counts {
    now: Timestamp,
    options: limit::Options,
    read: Vec<(Limit, Vec<u8>, Read)>,
}

impl Counts {
    pub(super) async fn read(tools: &Toolbox, asked: &[Asked<'_>]) -> Result<Self, Error> {
        let rule = |limit| tools.limits.rule(limit);
        let keys: Vec<(&str, &[u8])> = asked.iter().map(|&(l, subject)| (rule(l).name, subject)).collect();
        let rows = tools.store.counters(&Actor::System, &keys).await?;
        let mut read = Vec::with_capacity(asked.len());
        for &(limit, subject) in asked {
            let name = rule(limit).name;
            let row = rows.iter().find(|row| row.name == name && row.subject == subject);
            let found = match row {
                None => Read::default(),
                Some(row) => Read {
                    counter: Counter::parse(&row.marks, row.locked_until).ok_or(Error::Counter(name))?,
                    version: Some(row.version),
                },
            };
            read.push((limit, subject.to_vec(), found));
        }
        Ok(Self { now: tools.now, options: tools.limits.clone(), read })
    }

    /// One that was asked for; one that was not is empty.
    pub(super) fn of(&self, limit: Limit) -> Counter {
        let found = self.read.iter().find(|(l, ..)| *l == limit);
        found.map(|(_, _, read)| read.counter.clone()).unwrap_or_default()
    }

    pub(super) fn rule(&self, limit: Limit) -> Rule {
        self.options.rule(limit)
    }

    /// Writes one back; stale if it changed since it was read.
    pub(super) fn save(&self, limit: Limit, counter: &Counter) -> Option<Write> {
        let (_, subject, read) = self.read.iter().find(|(l, ..)| *l == limit)?;
        let row = counters::Counter {
            name: self.rule(limit).name.to_owned(),
            subject: subject.clone(),
            marks: counter.marks_text(),
            locked_until: counter.locked_until,
            version: 0,
        };
        Some(counters::save(&row, read.version, self.now))
    }
}

/// Slots of several budgets, read together.
#[derive(Debug)]
pub(super) struct Slots {
    asked: Vec<(Limit, Vec<u8>)>,
    taken: Vec<Taken>,
}

impl Slots {
    /// Budgets that are switched off are left out.
    pub(super) async fn read(tools: &Toolbox, asked: Vec<(Limit, Vec<u8>)>) -> Result<Self, Error> {
        let asked: Vec<_> = asked.into_iter().filter(|(l, _)| tools.limits.rule(*l).most > 0).collect();
        let windows: Vec<Window<'_>> = asked
            .iter()
            .map(|(limit, subject)| {
                let rule = tools.limits.rule(*limit);
                Window { name: rule.name, subject, since: tools.now - rule.window }
            })
            .collect();
        let taken = tools.store.slots(&Actor::System, &windows).await?;
        Ok(Self { asked, taken })
    }

    /// Takes one slot of each budget; else which of them is used up, and until when.
    pub(super) fn take(&self, tools: &mut Toolbox) -> Result<Vec<Write>, (Limit, Timestamp)> {
        let mut writes = Vec::new();
        for (limit, subject) in &self.asked {
            let rule = tools.limits.rule(*limit);
            let taken: Vec<(i64, Timestamp)> =
                self.taken.iter().filter(|t| t.name == rule.name).map(|t| (t.slot, t.at)).collect();
            let slot =
                limit::free_slot(&rule, &taken, tools.rng.random()).map_err(|until| (*limit, until))?;
            let free_since = tools.now - rule.window;
            writes.push(slots::take(Take { name: rule.name, subject, slot, at: tools.now, free_since }));
        }
        Ok(writes)
    }
}
