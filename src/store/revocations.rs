//! What was ended, in order, for nodes to follow (D7).

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, named, sql};
use crate::model::Actor;

named! {
    /// What was ended.
    RevocationKind {
        /// One session.
        Session = "session",
        /// What an account had on one device.
        Device = "device",
        /// Everything an account had anywhere.
        User = "user",
    }
}

/// One ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Its place among all.
    pub seq: i64,
    /// What was ended.
    pub kind: RevocationKind,
    /// Its id.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

sql! {
    AFTER = "SELECT seq, kind, subject, reason, at FROM revocations WHERE seq > $1 AND $2 = 'system' \
             ORDER BY seq LIMIT $3";
    INSERT = "INSERT INTO revocations (kind, subject, reason, at) VALUES ($1, $2, $3, $4)";
}

fn read(row: &Row) -> Result<Revocation, Error> {
    Ok(Revocation {
        seq: row.int(0)?,
        kind: row.named(1, RevocationKind::parse)?,
        subject: row.text(2)?,
        reason: row.text(3)?,
        at: row.time(4)?,
    })
}

impl Store {
    /// What was ended after a place, in order; nobody but the system gets an answer. In Postgres a number is given
    /// before its transaction commits, so that a lower one can show up after a higher one: whoever follows asks again
    /// from a little before where it was, and takes what it knows already as said.
    pub async fn revocations_after(
        &self,
        actor: &Actor,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<Revocation>, Error> {
        self.records(actor, (AFTER, args![seq, actor.as_str(), limit]), read).await
    }
}

/// Notes an ending, in the transaction that ends it.
pub fn insert(kind: RevocationKind, subject: &str, (at, reason): (Timestamp, &str)) -> Write {
    Write::one(INSERT, args![kind, subject, reason, at])
}
