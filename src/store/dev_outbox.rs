//! Where messages go that are not really sent: the development sender writes them here, sealed.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, sql};
use crate::model::{Actor, EffectId};

/// One message that would have been sent.
#[derive(Debug, Clone, PartialEq)]
pub struct DevMessage {
    /// The effect it comes from. One sent twice is here twice.
    pub id: EffectId,
    /// Its place in the order of sending.
    pub seq: i64,
    /// The message, sealed.
    pub sealed: Vec<u8>,
    /// When it was sent.
    pub at: Timestamp,
}

sql! {
    NEWEST = "SELECT id, seq, sealed, at FROM dev_outbox WHERE $1 = 'system' ORDER BY seq DESC LIMIT $2";
    INSERT = "INSERT INTO dev_outbox (id, sealed, at) VALUES ($1, $2, $3)";
}

fn read(row: &Row) -> Result<DevMessage, Error> {
    Ok(DevMessage { id: row.id(0)?, seq: row.int(1)?, sealed: row.bytes(2)?, at: row.time(3)? })
}

impl Store {
    /// The messages sent, the newest first; nobody but the system gets an answer.
    pub async fn dev_messages(&self, actor: &Actor, limit: u32) -> Result<Vec<DevMessage>, Error> {
        self.records(actor, (NEWEST, args![actor.as_str(), limit]), read).await
    }
}

/// Notes a message as sent; its place is given by the database.
pub fn insert(effect: &EffectId, sealed: &[u8], at: Timestamp) -> Write {
    Write::one(INSERT, args![effect, sealed, at])
}
