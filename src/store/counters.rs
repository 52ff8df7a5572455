//! Counters: marks in time for one limit and one subject, and a lock.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Value, Write, sql};
use crate::model::Actor;

/// One counter.
#[derive(Debug, Clone, PartialEq)]
pub struct Counter {
    /// The limit it belongs to.
    pub name: String,
    /// The keyed hash of what is counted for.
    pub subject: Vec<u8>,
    /// The marks, as the limits write them.
    pub marks: String,
    /// Until when the subject is locked.
    pub locked_until: Option<Timestamp>,
    /// Grows by one with each save.
    pub version: i64,
}

/// Most counters that one question asks for.
pub const AT_ONCE: usize = 8;

sql! {
    BY_KEYS = "SELECT name, subject, marks, locked_until, version FROM counters WHERE $17 = 'system' AND \
               ((name = $1 AND subject = $2) OR (name = $3 AND subject = $4) OR (name = $5 AND subject = $6) \
               OR (name = $7 AND subject = $8) OR (name = $9 AND subject = $10) \
               OR (name = $11 AND subject = $12) OR (name = $13 AND subject = $14) \
               OR (name = $15 AND subject = $16))";
    INSERT = "INSERT INTO counters (name, subject, marks, locked_until, version, updated_at) \
              VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT DO NOTHING";
    UPDATE = "UPDATE counters SET marks = $3, locked_until = $4, version = version + 1, updated_at = $5 \
              WHERE name = $1 AND subject = $2 AND version = $6";
    CLEAR = "UPDATE counters SET marks = '', locked_until = NULL, version = version + 1 \
             WHERE name = $1 AND subject = $2";
    PURGE = "DELETE FROM counters WHERE updated_at < $1 AND (locked_until IS NULL OR locked_until < $1)";
}

fn read(row: &Row) -> Result<Counter, Error> {
    Ok(Counter {
        name: row.text(0)?,
        subject: row.bytes(1)?,
        marks: row.text(2)?,
        locked_until: row.maybe_time(3)?,
        version: row.int(4)?,
    })
}

impl Store {
    /// Those of the named counters that there are, at most [`AT_ONCE`] of them; nobody but the system gets an answer.
    pub async fn counters(&self, actor: &Actor, keys: &[(&str, &[u8])]) -> Result<Vec<Counter>, Error> {
        let Some(first) = keys.first() else { return Ok(Vec::new()) };
        let asked = keys.iter().chain(std::iter::repeat(first)).take(AT_ONCE);
        let mut values: Vec<Value> =
            asked.flat_map(|(name, subject)| [Value::from(*name), Value::from(*subject)]).collect();
        values.push(actor.as_str().into());
        self.records(actor, (BY_KEYS, values), read).await
    }

    /// A counter; nobody but the system gets an answer.
    pub async fn counter(&self, actor: &Actor, name: &str, subject: &[u8]) -> Result<Option<Counter>, Error> {
        Ok(self.counters(actor, &[(name, subject)]).await?.into_iter().next())
    }
}

/// Writes marks and lock under the next version; stale unless the stored version is the one seen, or, with `None`, if
/// there is such a counter. The record's own version is not read.
pub fn save(new: &Counter, seen_version: Option<i64>, now: Timestamp) -> Write {
    let Counter { name, subject, marks, locked_until, version: _ } = new;
    match seen_version {
        None => Write::one(INSERT, args![name, subject, marks, *locked_until, now]),
        Some(seen) => Write::one(UPDATE, args![name, subject, marks, *locked_until, now, seen]),
    }
}

/// Forgets marks and lock. The version goes on, so that nobody who read the old marks can write them back.
pub fn clear(name: &str, subject: &[u8]) -> Write {
    Write::any(CLEAR, args![name, subject])
}

/// Drops the counters that were last written before, unless a lock outlasts that.
pub fn purge(before: Timestamp) -> Write {
    Write::any(PURGE, args![before])
}
