//! Trust (D2): which devices gave back a code of which account.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, sql};
use crate::model::{Actor, DeviceId, UserId};

/// A device that an account trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The account.
    pub user: UserId,
    /// The device.
    pub device: DeviceId,
    /// Since when.
    pub made_at: Timestamp,
    /// When it last signed in.
    pub last_used_at: Timestamp,
}

sql! {
    OF_PHONE = "SELECT t.user_id, t.device_id, t.made_at, t.last_used_at FROM trusts t \
                JOIN users u ON u.id = t.user_id \
                WHERE u.phone_key = $1 AND t.device_id = $2 AND t.ended_at IS NULL AND $3 = 'system'";
    OF_DEVICE = "SELECT user_id, device_id, made_at, last_used_at FROM trusts \
                 WHERE user_id = $1 AND device_id = $2 AND ended_at IS NULL AND ($3 = 'system' OR user_id = $3)";
    OF_USER = "SELECT user_id, device_id, made_at, last_used_at FROM trusts \
               WHERE user_id = $1 AND ended_at IS NULL AND ($2 = 'system' OR user_id = $2) ORDER BY made_at, device_id";
    MAKE = "INSERT INTO trusts (user_id, device_id, made_at, last_used_at, ended_at, ended_by) \
            VALUES ($1, $2, $3, $3, NULL, NULL) ON CONFLICT (user_id, device_id) DO UPDATE SET \
            made_at = CASE WHEN trusts.ended_at IS NULL THEN trusts.made_at ELSE excluded.made_at END, \
            last_used_at = excluded.last_used_at, ended_at = NULL, ended_by = NULL";
    END = "UPDATE trusts SET ended_at = $3, ended_by = $4 \
           WHERE user_id = $1 AND device_id = $2 AND ended_at IS NULL";
    END_ALL = "UPDATE trusts SET ended_at = $2, ended_by = $3 WHERE user_id = $1 AND ended_at IS NULL";
}

fn read(row: &Row) -> Result<Trust, Error> {
    Ok(Trust { user: row.id(0)?, device: row.id(1)?, made_at: row.time(2)?, last_used_at: row.time(3)? })
}

impl Store {
    /// The trust between a device and whatever account has the number: one question whether there is one or not. Nobody
    /// but the system gets an answer.
    pub async fn trust_of_phone(
        &self,
        actor: &Actor,
        phone_key: &[u8],
        device: &DeviceId,
    ) -> Result<Option<Trust>, Error> {
        self.record(actor, (OF_PHONE, args![phone_key, device, actor.as_str()]), read).await
    }

    /// The trust between an account and a device.
    pub async fn trust(
        &self,
        actor: &Actor,
        user: &UserId,
        device: &DeviceId,
    ) -> Result<Option<Trust>, Error> {
        self.record(actor, (OF_DEVICE, args![user, device, actor.as_str()]), read).await
    }

    /// Every device the account trusts, the first trusted first.
    pub async fn trusts_of(&self, actor: &Actor, user: &UserId) -> Result<Vec<Trust>, Error> {
        self.records(actor, (OF_USER, args![user, actor.as_str()]), read).await
    }
}

/// The device gave back a code of the account: it is trusted from now on, or still.
pub fn make(user: &UserId, device: &DeviceId, at: Timestamp) -> Write {
    Write::one(MAKE, args![user, device, at])
}

/// The account trusts the device no more, if it did.
pub fn end(user: &UserId, device: &DeviceId, (at, by): (Timestamp, &str)) -> Write {
    Write::any(END, args![user, device, at, by])
}

/// The account trusts no device any more.
pub fn end_all(user: &UserId, (at, by): (Timestamp, &str)) -> Write {
    Write::any(END_ALL, args![user, at, by])
}
