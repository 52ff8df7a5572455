//! Accounts.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, sql};
use crate::model::{Actor, UserId};

/// One account.
#[derive(Clone, PartialEq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Grows with each change that has to be serialised over several rows of the account.
    pub version: i64,
    /// The verified number, E.164.
    pub phone: Option<String>,
    /// What the account is found by: the keyed hash of the number.
    pub phone_key: Option<Vec<u8>>,
    /// The person's name.
    pub full_name: Option<String>,
    /// The person's e-mail address.
    pub email: Option<String>,
    /// The keyed hash of the address, once it is verified.
    pub email_key: Option<Vec<u8>>,
    /// When the address was verified.
    pub email_verified_at: Option<Timestamp>,
    /// The language last spoken.
    pub locale: Option<String>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the person was last here.
    pub last_seen_at: Timestamp,
    /// When the account was closed: nobody signs in to it any more.
    pub closed_at: Option<Timestamp>,
    /// When its deletion was asked for; a sign-in calls it off until it is carried out.
    pub deactivated_at: Option<Timestamp>,
}

/// The personal columns stay out of logs.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("version", &self.version).finish_non_exhaustive()
    }
}

macro_rules! columns {
    () => {
        "id, version, phone, phone_key, full_name, email, email_key, email_verified_at, locale, created_at, \
         last_seen_at, closed_at, deactivated_at"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM users WHERE id = $1 AND ($2 = 'system' OR id = $2)");
    BY_PHONE = concat!("SELECT ", columns!(), " FROM users WHERE phone_key = $1 AND $2 = 'system'");
    BY_EMAIL = concat!("SELECT ", columns!(), " FROM users WHERE email_key = $1 AND $2 = 'system'");
    SET_PHONE = "UPDATE users SET phone = $3, phone_key = $4, version = version + 1 \
                 WHERE id = $1 AND version = $2 AND closed_at IS NULL";
    SET_EMAIL = "UPDATE users SET email = $3, email_key = $4, email_verified_at = $5, version = version + 1 \
                 WHERE id = $1 AND version = $2 AND closed_at IS NULL";
    DETACH = "UPDATE users SET phone = NULL, phone_key = NULL, closed_at = $3, version = version + 1 \
              WHERE id = $1 AND version = $2 AND closed_at IS NULL";
    INSERT = concat!(
        "INSERT INTO users (", columns!(), ") \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING"
    );
    DEACTIVATE = "UPDATE users SET deactivated_at = $3, version = version + 1 WHERE id = $1 AND version = $2";
    REACTIVATE = "UPDATE users SET deactivated_at = NULL WHERE id = $1 AND deactivated_at IS NOT NULL";
    DUE = concat!(
        "SELECT ", columns!(), " FROM users WHERE deactivated_at <= $1 AND $2 = 'system' \
         ORDER BY deactivated_at LIMIT $3"
    );
    SET_NAME = "UPDATE users SET full_name = $3, version = version + 1 WHERE id = $1 AND version = $2";
    SEEN = "UPDATE users SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $3";
    BUMP = "UPDATE users SET version = version + 1, last_seen_at = $3 WHERE id = $1 AND version = $2";
}

fn read(row: &Row) -> Result<User, Error> {
    Ok(User {
        id: row.id(0)?,
        version: row.int(1)?,
        phone: row.maybe_text(2)?,
        phone_key: row.maybe_bytes(3)?,
        full_name: row.maybe_text(4)?,
        email: row.maybe_text(5)?,
        email_key: row.maybe_bytes(6)?,
        email_verified_at: row.maybe_time(7)?,
        locale: row.maybe_text(8)?,
        created_at: row.time(9)?,
        last_seen_at: row.time(10)?,
        closed_at: row.maybe_time(11)?,
        deactivated_at: row.maybe_time(12)?,
    })
}

impl Store {
    /// The actor's own account; the system may read any.
    pub async fn user(&self, actor: &Actor, id: &UserId) -> Result<Option<User>, Error> {
        self.record(actor, (BY_ID, args![id, actor.as_str()]), read).await
    }

    /// The account of a number, for the look-up before a login; nobody but the system gets an answer.
    pub async fn user_by_phone(&self, actor: &Actor, phone_key: &[u8]) -> Result<Option<User>, Error> {
        self.record(actor, (BY_PHONE, args![phone_key, actor.as_str()]), read).await
    }

    /// Accounts whose deletion was asked for before then, the longest ago first. Nobody but the system gets an answer.
    pub async fn users_to_erase(
        &self,
        actor: &Actor,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<User>, Error> {
        self.records(actor, (DUE, args![before, actor.as_str(), limit]), read).await
    }

    /// The account of a verified e-mail address; nobody but the system gets an answer.
    pub async fn user_by_email(&self, actor: &Actor, email_key: &[u8]) -> Result<Option<User>, Error> {
        self.record(actor, (BY_EMAIL, args![email_key, actor.as_str()]), read).await
    }
}

/// Its deletion is asked for; stale unless the stored version is the one seen.
pub fn deactivate(id: &UserId, seen_version: i64, at: Timestamp) -> Write {
    Write::one(DEACTIVATE, args![id, seen_version, at])
}

/// Its deletion is called off; stale if it was not asked for, or is carried out.
pub fn reactivate(id: &UserId) -> Write {
    Write::one(REACTIVATE, args![id])
}

/// Adds an account; stale if the id or the number is taken.
pub fn insert(new: &User) -> Write {
    Write::one(
        INSERT,
        args![
            &new.id,
            new.version,
            &new.phone,
            &new.phone_key,
            &new.full_name,
            &new.email,
            &new.email_key,
            new.email_verified_at,
            &new.locale,
            new.created_at,
            new.last_seen_at,
            new.closed_at,
            new.deactivated_at,
        ],
    )
}

/// The person was here. Written only where the last time noted is before `noted_before`, so that use does not cost a
/// write each time; the version stays, for nothing that is serialised depends on it.
pub fn seen(id: &UserId, at: Timestamp, noted_before: Timestamp) -> Write {
    Write::any(SEEN, args![id, at, noted_before])
}

/// The guard for rules over several rows of one account: stale unless the stored version is the one seen.
pub fn bump(id: &UserId, seen_version: i64, last_seen_at: Timestamp) -> Write {
    Write::one(BUMP, args![id, seen_version, last_seen_at])
}

/// Gives the account another name; stale unless the stored version is the one seen.
pub fn set_name(id: &UserId, seen_version: i64, name: &str) -> Write {
    Write::one(SET_NAME, args![id, seen_version, name])
}

/// Gives the account another verified number; stale unless the stored version is the one seen. A number that is taken
/// breaks a rule of the tables.
pub fn set_phone(id: &UserId, seen_version: i64, (phone, key): (&str, &[u8])) -> Write {
    Write::one(SET_PHONE, args![id, seen_version, phone, key])
}

/// Gives the account another verified e-mail address, likewise.
pub fn set_email(id: &UserId, seen_version: i64, (email, key, at): (&str, &[u8], Timestamp)) -> Write {
    Write::one(SET_EMAIL, args![id, seen_version, email, key, at])
}

/// Closes the account and gives its number free; stale unless the stored version is the one seen.
pub fn detach(id: &UserId, seen_version: i64, at: Timestamp) -> Write {
    Write::one(DETACH, args![id, seen_version, at])
}
