//! Changes of a phone number or an e-mail address that are not in force yet.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, named, sql};
use crate::model::{Actor, ContactChangeId, ConversationId, SessionId, UserId};

named! {
    /// How far a change has come.
    ChangeStatus {
        /// Its code was sent.
        Pending = "pending",
        /// Its code was given back; it waits for its time.
        Waiting = "waiting",
        /// It is in force.
        Applied = "applied",
        /// It was called off, replaced, or the value belongs to somebody else.
        Cancelled = "cancelled",
    }
}

/// One change. An account has one at a time that is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactChange {
    /// Its id.
    pub id: ContactChangeId,
    /// Whose.
    pub user: UserId,
    /// `phone` or `email`.
    pub field: String,
    /// The new value, sealed under the change's id.
    pub value_sealed: Vec<u8>,
    /// What an account with that value is found by.
    pub value_key: Vec<u8>,
    /// What it came from: `request` or `lost_phone`.
    pub origin: String,
    /// The conversation it was asked for in.
    pub conversation: ConversationId,
    /// The session that asked for it, where one did.
    pub session: Option<SessionId>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When the new value's code was given back.
    pub verified_at: Option<Timestamp>,
    /// When it comes into force.
    pub due_at: Option<Timestamp>,
    /// How far it has come.
    pub status: ChangeStatus,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
}

macro_rules! columns {
    () => {
        "id, user_id, field, value_sealed, value_key, origin, conversation_id, session_id, requested_at, \
         verified_at, due_at, status, settled_at"
    };
}

sql! {
    OPEN = concat!(
        "SELECT ", columns!(), " FROM contact_changes WHERE user_id = $1 AND settled_at IS NULL \
         AND ($2 = 'system' OR user_id = $2)"
    );
    DUE = concat!(
        "SELECT ", columns!(), " FROM contact_changes WHERE status = 'waiting' AND due_at <= $1 \
         AND $2 = 'system' ORDER BY due_at LIMIT $3"
    );
    INSERT = concat!(
        "INSERT INTO contact_changes (", columns!(), ") \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    );
    SETTLE = "UPDATE contact_changes SET status = $2, settled_at = $3 WHERE id = $1 AND settled_at IS NULL";
    CANCEL_OPEN = "UPDATE contact_changes SET status = 'cancelled', settled_at = $2 \
                   WHERE user_id = $1 AND settled_at IS NULL";
}

fn read(row: &Row) -> Result<ContactChange, Error> {
    Ok(ContactChange {
        id: row.id(0)?,
        user: row.id(1)?,
        field: row.text(2)?,
        value_sealed: row.bytes(3)?,
        value_key: row.bytes(4)?,
        origin: row.text(5)?,
        conversation: row.id(6)?,
        session: row.maybe_id(7)?,
        requested_at: row.time(8)?,
        verified_at: row.maybe_time(9)?,
        due_at: row.maybe_time(10)?,
        status: row.named(11, ChangeStatus::parse)?,
        settled_at: row.maybe_time(12)?,
    })
}

impl Store {
    /// The account's change that is not settled. It is found by account and never by value: two accounts may want one
    /// number, and the code of one must not change the other.
    pub async fn open_change(&self, actor: &Actor, user: &UserId) -> Result<Option<ContactChange>, Error> {
        self.record(actor, (OPEN, args![user, actor.as_str()]), read).await
    }

    /// Changes whose time has come, the longest due first; nobody but the system gets an answer.
    pub async fn due_changes(
        &self,
        actor: &Actor,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ContactChange>, Error> {
        self.records(actor, (DUE, args![now, actor.as_str(), limit]), read).await
    }
}

/// Adds a change; a second one that is not settled breaks a rule of the tables.
pub fn insert(new: &ContactChange) -> Write {
    Write::one(
        INSERT,
        args![
            &new.id,
            &new.user,
            &new.field,
            &new.value_sealed,
            &new.value_key,
            &new.origin,
            &new.conversation,
            &new.session,
            new.requested_at,
            new.verified_at,
            new.due_at,
            new.status,
            new.settled_at,
        ],
    )
}

/// Settles a change; stale if it is settled.
pub fn settle(id: &ContactChangeId, status: ChangeStatus, at: Timestamp) -> Write {
    Write::one(SETTLE, args![id, status, at])
}

/// Calls off whatever change of the account is not settled.
pub fn cancel_open(user: &UserId, at: Timestamp) -> Write {
    Write::any(CANCEL_OPEN, args![user, at])
}
