//! Numbers whose owners asked for no more messages.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Store, Write, sql};
use crate::model::Actor;

sql! {
    FOUND = "SELECT at FROM opt_outs WHERE phone_key = $1 AND $2 = 'system'";
    INSERT = "INSERT INTO opt_outs (phone_key, at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    DELETE = "DELETE FROM opt_outs WHERE phone_key = $1";
}

impl Store {
    /// Since when a number wants no messages. Nobody but the system gets an answer.
    pub async fn opted_out(&self, actor: &Actor, phone_key: &[u8]) -> Result<Option<Timestamp>, Error> {
        self.record(actor, (FOUND, args![phone_key, actor.as_str()]), |row| row.time(0)).await
    }
}

/// The number wants no more messages.
pub fn insert(phone_key: &[u8], at: Timestamp) -> Write {
    Write::any(INSERT, args![phone_key, at])
}

/// The number wants messages again.
pub fn delete(phone_key: &[u8]) -> Write {
    Write::any(DELETE, args![phone_key])
}
