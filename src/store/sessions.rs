//! Login sessions and the hashes of their tokens, those that were exchanged too.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, sql};
use crate::model::{Actor, DeviceId, SessionId, UserId};

/// One session.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The device it was made on.
    pub device: DeviceId,
    /// The hash of its token.
    pub token_hash: Vec<u8>,
    /// When the token was last exchanged.
    pub rotated_at: Option<Timestamp>,
    /// The message that made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends unless it is used.
    pub expires_at: Timestamp,
    /// When it ends in any case.
    pub absolute_expires_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Timestamp,
    /// When it was first used; until then its token can be given again.
    pub first_used_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// By whom or what.
    pub revoked_by: Option<String>,
    /// The message of its own that ended it, which may still be repeated.
    pub revoked_message: Option<String>,
}

/// A session, found by one of its tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The session.
    pub session: Session,
    /// When that token was exchanged for its successor; `None` for the one in force.
    pub spent_at: Option<Timestamp>,
}

/// The exchange of a session's token for its successor.
#[derive(Debug, Clone, Copy)]
pub struct TokenExchange<'a> {
    /// The session.
    pub session: &'a SessionId,
    /// The hash of the token that was presented.
    pub seen_hash: &'a [u8],
    /// The hash of its successor.
    pub new_hash: &'a [u8],
    /// When.
    pub at: Timestamp,
    /// When the session now ends unless it is used.
    pub new_expires_at: Timestamp,
}

macro_rules! columns {
    () => {
        "id, user_id, device_id, token_hash, rotated_at, created_by, created_at, expires_at, \
         absolute_expires_at, last_used_at, first_used_at, revoked_at, revoked_by, revoked_message"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM sessions WHERE id = $1 AND ($2 = 'system' OR user_id = $2)");
    BY_TOKEN = concat!(
        "SELECT ", columns!(), ", spent_at FROM sessions \
         LEFT JOIN spent_tokens ON spent_tokens.session_id = sessions.id AND spent_tokens.hash = $1 \
         WHERE sessions.id = COALESCE((SELECT s.id FROM sessions s WHERE s.token_hash = $1), \
         (SELECT t.session_id FROM spent_tokens t WHERE t.hash = $1)) AND $2 = 'system'"
    );
    LIVE = concat!(
        "SELECT ", columns!(), " FROM sessions WHERE user_id = $1 AND ($2 = 'system' OR user_id = $2) \
         AND revoked_at IS NULL AND expires_at > $3 AND absolute_expires_at > $3 ORDER BY last_used_at, id"
    );
    HELD = concat!(
        "SELECT ", columns!(), " FROM sessions WHERE user_id = $1 AND ($2 = 'system' OR user_id = $2) \
         AND revoked_at IS NULL AND expires_at > $3 AND absolute_expires_at > $3 AND device_id NOT IN \
         (SELECT c.device_id FROM channel_devices c) ORDER BY last_used_at, id"
    );
    LIVE_ON = concat!(
        "SELECT ", columns!(), " FROM sessions WHERE device_id = $1 AND ($2 = 'system' OR user_id = $2) \
         AND revoked_at IS NULL AND expires_at > $3 AND absolute_expires_at > $3 ORDER BY last_used_at, id"
    );
    INSERT = concat!(
        "INSERT INTO sessions (", columns!(), ") \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    );
    ROTATE = "UPDATE sessions SET token_hash = $3, rotated_at = $4, expires_at = $5 \
              WHERE id = $1 AND token_hash = $2 AND revoked_at IS NULL";
    SPEND = "INSERT INTO spent_tokens (hash, session_id, spent_at) VALUES ($1, $2, $3)";
    // Driven by the age of the tokens: of those that old hardly any belong to a session that still lives.
    PURGE_SPENT = "DELETE FROM spent_tokens WHERE spent_at < $1 AND (SELECT COALESCE(s.revoked_at, s.expires_at) \
                   FROM sessions s WHERE s.id = spent_tokens.session_id) < $1";
    REVOKE = "UPDATE sessions SET revoked_at = $3, revoked_by = $2, revoked_message = $4 \
              WHERE id = $1 AND revoked_at IS NULL";
    CLOSE = "UPDATE sessions SET revoked_at = $3, revoked_by = $2 WHERE id = $1 AND revoked_at IS NULL";
    TOUCH = "UPDATE sessions SET last_used_at = $2, first_used_at = COALESCE(first_used_at, $2) \
             WHERE id = $1 AND revoked_at IS NULL";
    LIVES = "UPDATE sessions SET last_used_at = $2 WHERE id = $1 AND revoked_at IS NULL";
}

fn read(row: &Row) -> Result<Session, Error> {
    Ok(Session {
        id: row.id(0)?,
        user: row.id(1)?,
        device: row.id(2)?,
        token_hash: row.bytes(3)?,
        rotated_at: row.maybe_time(4)?,
        created_by: row.text(5)?,
        created_at: row.time(6)?,
        expires_at: row.time(7)?,
        absolute_expires_at: row.time(8)?,
        last_used_at: row.time(9)?,
        first_used_at: row.maybe_time(10)?,
        revoked_at: row.maybe_time(11)?,
        revoked_by: row.maybe_text(12)?,
        revoked_message: row.maybe_text(13)?,
    })
}

fn read_found(row: &Row) -> Result<Found, Error> {
    Ok(Found { session: read(row)?, spent_at: row.maybe_time(14)? })
}

impl Store {
    /// The session a token belongs to, be it the token in force or one that was exchanged, however long ago; ended and
    /// expired sessions too. For the look-up before there is an actor; nobody but the system gets an answer.
    pub async fn session_by_token(&self, actor: &Actor, hash: &[u8]) -> Result<Option<Found>, Error> {
        self.record(actor, (BY_TOKEN, args![hash, actor.as_str()]), read_found).await
    }

    /// A session, if it is the actor's.
    pub async fn session(&self, actor: &Actor, id: &SessionId) -> Result<Option<Session>, Error> {
        self.record(actor, (BY_ID, args![id, actor.as_str()]), read).await
    }

    /// The account's sessions that are neither ended nor expired, the least recently used first.
    pub async fn live_sessions(
        &self,
        actor: &Actor,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, Error> {
        self.records(actor, (LIVE, args![user, actor.as_str(), now]), read).await
    }

    /// Those of them that somebody holds the token of: all but what one text message asked for is done under.
    pub async fn held_sessions(
        &self,
        actor: &Actor,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, Error> {
        self.records(actor, (HELD, args![user, actor.as_str(), now]), read).await
    }

    /// The sessions on a device that are neither ended nor expired: the actor's own, and for the system whoever's they are.
    pub async fn live_sessions_on(
        &self,
        actor: &Actor,
        device: &DeviceId,
        now: Timestamp,
    ) -> Result<Vec<Session>, Error> {
        self.records(actor, (LIVE_ON, args![device, actor.as_str(), now]), read).await
    }
}

/// Adds a session. A token hash that is taken breaks a rule of the tables.
pub fn insert(new: &Session) -> Write {
    Write::one(
        INSERT,
        args![
            &new.id,
            &new.user,
            &new.device,
            &new.token_hash,
            new.rotated_at,
            &new.created_by,
            new.created_at,
            new.expires_at,
            new.absolute_expires_at,
            new.last_used_at,
            new.first_used_at,
            new.revoked_at,
            &new.revoked_by,
            &new.revoked_message,
        ],
    )
}

/// Exchanges the token and keeps the one seen as spent; stale unless the stored hash is the one seen and the session was
/// not ended.
pub fn rotate(exchange: TokenExchange<'_>) -> [Write; 2] {
    let TokenExchange { session, seen_hash, new_hash, at, new_expires_at } = exchange;
    [
        Write::one(ROTATE, args![session, seen_hash, new_hash, at, new_expires_at]),
        Write::one(SPEND, args![seen_hash, session, at]),
    ]
}

/// Forgets the exchanged tokens of sessions that ended before.
pub fn purge_spent(before: Timestamp) -> Write {
    Write::any(PURGE_SPENT, args![before])
}

/// Ends a session, by a message of its own where one is given; stale if it was ended before.
pub fn revoke(id: &SessionId, (by, message): (&str, Option<&str>), at: Timestamp) -> Write {
    Write::one(REVOKE, args![id, by, at, message])
}

/// Ends a session if it has not ended yet.
pub fn close(id: &SessionId, by: &str, at: Timestamp) -> Write {
    Write::any(CLOSE, args![id, by, at])
}

/// The session was used; stale if it was ended.
pub fn touch(id: &SessionId, at: Timestamp) -> Write {
    Write::one(TOUCH, args![id, at])
}

/// The session lives, although nobody has presented it yet; stale if it has ended.
pub fn lives(id: &SessionId, at: Timestamp) -> Write {
    Write::one(LIVES, args![id, at])
}
