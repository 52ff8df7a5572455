//! What devices and accounts have gathered, and the ledger of what an account took over (D17).

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, sql};
use crate::model::{Actor, DeviceId, Owner, UserId};

/// One list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataList {
    /// Whose it is.
    pub owner: Owner,
    /// What it holds.
    pub kind: String,
    /// Grows with each change.
    pub version: i64,
    /// Grows each time an account takes the list over.
    pub generation: i64,
    /// The items, as JSON.
    pub items: String,
    /// When it last changed.
    pub updated_at: Timestamp,
}

sql! {
    OF_OWNER = "SELECT owner, kind, version, generation, items, updated_at FROM device_data \
                WHERE owner = $1 AND ($2 = 'system' OR owner = $2) ORDER BY kind";
    FIRST = "INSERT INTO device_data (owner, kind, version, generation, items, updated_at) \
             VALUES ($1, $2, 1, 1, $3, $4) ON CONFLICT DO NOTHING";
    NEXT = "UPDATE device_data SET items = $4, updated_at = $5, version = version + 1 \
            WHERE owner = $1 AND kind = $2 AND version = $3";
    TAKE = "UPDATE device_data SET items = '[]', updated_at = $5, version = version + 1, \
            generation = generation + 1 WHERE owner = $1 AND kind = $2 AND version = $3 AND generation = $4";
    ENTER = "INSERT INTO migrations (device_id, kind, generation, user_id, items, at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
}

fn read(row: &Row) -> Result<DataList, Error> {
    Ok(DataList {
        owner: row.owner(0)?,
        kind: row.text(1)?,
        version: row.int(2)?,
        generation: row.int(3)?,
        items: row.text(4)?,
        updated_at: row.time(5)?,
    })
}

impl Store {
    /// Everything an owner has gathered. Nobody but the owner and the system gets an answer.
    pub async fn data_of(&self, actor: &Actor, owner: &Owner) -> Result<Vec<DataList>, Error> {
        self.records(actor, (OF_OWNER, args![owner, actor.as_str()]), read).await
    }
}

/// Puts items in place of those of the version seen; without one there was no list. Stale if it changed meanwhile.
pub fn put((owner, kind): (&Owner, &str), seen: Option<i64>, items: &str, at: Timestamp) -> Write {
    match seen {
        None => Write::one(FIRST, args![owner, kind, items, at]),
        Some(version) => Write::one(NEXT, args![owner, kind, version, items, at]),
    }
}

/// Empties a list for good and opens its next generation; stale if it changed meanwhile.
pub fn take(list: &DataList, at: Timestamp) -> Write {
    Write::one(TAKE, args![&list.owner, &list.kind, list.version, list.generation, at])
}

/// Notes who took a generation over; stale if somebody did.
pub fn enter(
    device: &DeviceId,
    (kind, generation): (&str, i64),
    user: &UserId,
    (items, at): (u32, Timestamp),
) -> Write {
    Write::one(ENTER, args![device, kind, generation, user, items, at])
}
