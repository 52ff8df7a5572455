//! Devices and the hashes of their tokens.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, sql};
use crate::model::{Actor, DeviceId, UserId};

/// One device.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Who is signed in on it, or last was.
    pub user: Option<UserId>,
    /// The name its owner gave it.
    pub name: Option<String>,
    /// The hash of its token.
    pub token_hash: Vec<u8>,
    /// The hash of the token before.
    pub old_token_hash: Option<Vec<u8>>,
    /// The one message id that the token before may still repeat.
    pub old_token_message: Option<String>,
    /// When the token was exchanged.
    pub rotated_at: Option<Timestamp>,
    /// When the device was first here.
    pub created_at: Timestamp,
    /// When it was last here.
    pub last_seen_at: Timestamp,
}

/// The exchange of a device's token at a sign-in.
#[derive(Debug, Clone, Copy)]
pub struct Rotation<'a> {
    /// The device.
    pub device: &'a DeviceId,
    /// The hash of the token that was presented.
    pub seen_hash: &'a [u8],
    /// The hash of its successor.
    pub new_hash: &'a [u8],
    /// The message the sign-in came with.
    pub message: &'a str,
    /// Who signed in.
    pub user: &'a UserId,
    /// When.
    pub at: Timestamp,
}

macro_rules! columns {
    () => {
        "id, user_id, name, token_hash, old_token_hash, old_token_message, rotated_at, created_at, last_seen_at"
    };
}

sql! {
    BY_ID = concat!(
        "SELECT ", columns!(), " FROM devices WHERE id = $1 AND ($2 = 'system' OR id = $2 OR user_id = $2)"
    );
    BY_TOKEN = concat!(
        "SELECT ", columns!(), " FROM devices \
         WHERE (token_hash = $1 OR old_token_hash = $1) AND $2 = 'system'"
    );
    OF_USER = concat!(
        "SELECT ", columns!(), " FROM devices WHERE (user_id = $1 OR id IN (SELECT device_id FROM trusts \
         WHERE trusts.user_id = $1 AND ended_at IS NULL)) AND ($2 = 'system' OR $2 = $1) \
         ORDER BY last_seen_at DESC, id"
    );
    INSERT = concat!("INSERT INTO devices (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    ROTATE = "UPDATE devices SET token_hash = $3, old_token_hash = $2, old_token_message = $4, user_id = $5, \
              rotated_at = $6, last_seen_at = $6 WHERE id = $1 AND token_hash = $2";
    DISOWN = "UPDATE devices SET user_id = NULL WHERE id = $1 AND user_id = $2";
    OWN = "UPDATE devices SET user_id = $2 WHERE id = $1 AND (user_id IS NULL OR user_id = $2)";
    RENAME = "UPDATE devices SET name = $3 WHERE id = $1 AND user_id = $2";
    SEEN = "UPDATE devices SET last_seen_at = $3 WHERE id = $1 AND token_hash = $2";
}

fn read(row: &Row) -> Result<Device, Error> {
    Ok(Device {
        id: row.id(0)?,
        user: row.maybe_id(1)?,
        name: row.maybe_text(2)?,
        token_hash: row.bytes(3)?,
        old_token_hash: row.maybe_bytes(4)?,
        old_token_message: row.maybe_text(5)?,
        rotated_at: row.maybe_time(6)?,
        created_at: row.time(7)?,
        last_seen_at: row.time(8)?,
    })
}

impl Store {
    /// A device, if it is the actor itself or one of the account's.
    pub async fn device(&self, actor: &Actor, id: &DeviceId) -> Result<Option<Device>, Error> {
        self.record(actor, (BY_ID, args![id, actor.as_str()]), read).await
    }

    /// The devices an account last signed in on or trusts, the one seen last first.
    pub async fn devices_of(&self, actor: &Actor, user: &UserId) -> Result<Vec<Device>, Error> {
        self.records(actor, (OF_USER, args![user, actor.as_str()]), read).await
    }

    /// The device a token belongs to, and whether it is the token before the last exchange. For the look-up before
    /// there is an actor; nobody but the system gets an answer.
    pub async fn device_by_token(&self, actor: &Actor, hash: &[u8]) -> Result<Option<(Device, bool)>, Error> {
        let found = self.record(actor, (BY_TOKEN, args![hash, actor.as_str()]), read).await?;
        Ok(found.map(|device| {
            let old = device.token_hash != hash;
            (device, old)
        }))
    }
}

/// Adds a device. A token hash that is taken breaks a rule of the tables.
pub fn insert(new: &Device) -> Write {
    Write::one(
        INSERT,
        args![
            &new.id,
            &new.user,
            &new.name,
            &new.token_hash,
            &new.old_token_hash,
            &new.old_token_message,
            new.rotated_at,
            new.created_at,
            new.last_seen_at,
        ],
    )
}

/// Exchanges the token; stale unless the stored hash is the one seen.
pub fn rotate(exchange: Rotation<'_>) -> Write {
    let Rotation { device, seen_hash, new_hash, message, user, at } = exchange;
    Write::one(ROTATE, args![device, seen_hash, new_hash, message, user, at])
}

/// The device is the account's no more, if it was.
pub fn disown(id: &DeviceId, user: &UserId) -> Write {
    Write::any(DISOWN, args![id, user])
}

/// The device is the account's; stale if it is another's.
pub fn own(id: &DeviceId, user: &UserId) -> Write {
    Write::one(OWN, args![id, user])
}

/// The device gets a name; stale unless it is the account's.
pub fn rename(id: &DeviceId, user: &UserId, name: &str) -> Write {
    Write::one(RENAME, args![id, user, name])
}

/// The device was here; stale if its token is no longer the one seen.
pub fn seen(id: &DeviceId, seen_hash: &[u8], at: Timestamp) -> Write {
    Write::one(SEEN, args![id, seen_hash, at])
}
