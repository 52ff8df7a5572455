//! Slots: one row for each thing that fits into a rolling window.
//!
//! Where many draw on one budget at once (a network, a number's prefix), a single row would make all but one of them
//! start again. Here each takes a row of its own, and only two that pick the same one meet.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Value, Write, sql};
use crate::model::Actor;

sql! {
    TAKEN = "SELECT name, slot, taken_at FROM slots WHERE $10 = 'system' AND \
             ((name = $1 AND subject = $2 AND taken_at > $3) OR (name = $4 AND subject = $5 AND taken_at > $6) \
             OR (name = $7 AND subject = $8 AND taken_at > $9)) ORDER BY taken_at";
    TAKE = "INSERT INTO slots (name, subject, slot, taken_at) VALUES ($1, $2, $3, $4) \
            ON CONFLICT (name, subject, slot) DO UPDATE SET taken_at = excluded.taken_at \
            WHERE slots.taken_at <= $5";
    PURGE = "DELETE FROM slots WHERE taken_at < $1";
}

/// Most windows that one question asks about.
pub const AT_ONCE: usize = 3;

/// A rolling window of one budget.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    /// The budget.
    pub name: &'a str,
    /// The keyed hash of whom it is for.
    pub subject: &'a [u8],
    /// Slots taken after this.
    pub since: Timestamp,
}

/// A slot that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The budget.
    pub name: String,
    /// The slot's number.
    pub slot: i64,
    /// When it was taken.
    pub at: Timestamp,
}

/// One slot to take.
#[derive(Debug, Clone, Copy)]
pub struct Take<'a> {
    /// The budget.
    pub name: &'a str,
    /// The keyed hash of whom it is for.
    pub subject: &'a [u8],
    /// The slot's number, from 0.
    pub slot: u32,
    /// When.
    pub at: Timestamp,
    /// Taken at this time or before, it is free again.
    pub free_since: Timestamp,
}

impl Store {
    /// The slots taken of the asked windows, the longest ago first; nobody but the system gets an answer.
    pub async fn slots(&self, actor: &Actor, asked: &[Window<'_>]) -> Result<Vec<Taken>, Error> {
        let Some(first) = asked.first() else { return Ok(Vec::new()) };
        let windows = asked.iter().chain(std::iter::repeat(first)).take(AT_ONCE);
        let mut values: Vec<Value> =
            windows.flat_map(|w| [w.name.into(), w.subject.into(), w.since.into()]).collect();
        values.push(actor.as_str().into());
        let read = |row: &Row| Ok(Taken { name: row.text(0)?, slot: row.int(1)?, at: row.time(2)? });
        self.records(actor, (TAKEN, values), read).await
    }
}

/// Takes a slot; stale if somebody else has it by now.
pub fn take(take: Take<'_>) -> Write {
    let Take { name, subject, slot, at, free_since } = take;
    Write::one(TAKE, args![name, subject, slot, at, free_since])
}

/// Drops the slots that were taken before.
pub fn purge(before: Timestamp) -> Write {
    Write::any(PURGE, args![before])
}
