//! Pending responses: what became of a client's message, so that the same message sent twice is answered once.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, named, sql};
use crate::model::{Actor, ConversationId, Owner};

named! {
    /// How far a message has come.
    PendingStatus {
        /// Taken in.
        Pending = "pending",
        /// Being worked on.
        Processing = "processing",
        /// Answered.
        Completed = "completed",
        /// Answered, and the client said so.
        Delivered = "delivered",
        /// Given up.
        Failed = "failed",
        /// Too old to be asked for.
        Expired = "expired",
    }
}

/// One message by the client's own id, and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingResponse {
    /// Whose it is.
    pub owner: Owner,
    /// The conversation or project the client's id is unique in.
    pub scope: String,
    /// The client's id.
    pub message_id: String,
    /// The hash of the body: another body under the same id is refused.
    pub body_hash: Vec<u8>,
    /// How far it has come.
    pub status: PendingStatus,
    /// The conversation it went to.
    pub conversation: Option<ConversationId>,
    /// The answer as JSON.
    pub reply: Option<String>,
    /// Until when the answer may yet be corrected.
    pub provisional_until: Option<Timestamp>,
    /// When it came.
    pub created_at: Timestamp,
    /// From when on it may be forgotten.
    pub expires_at: Timestamp,
}

macro_rules! columns {
    () => {
        "owner, scope, message_id, body_hash, status, conversation_id, reply, provisional_until, created_at, \
         expires_at"
    };
}

sql! {
    BY_KEY = concat!(
        "SELECT ", columns!(), " FROM pending_responses WHERE owner = $1 AND scope = $2 AND message_id = $3"
    );
    INSERT = concat!(
        "INSERT INTO pending_responses (", columns!(), ") \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (owner, scope, message_id) DO UPDATE SET body_hash = excluded.body_hash, \
         status = excluded.status, conversation_id = excluded.conversation_id, reply = excluded.reply, \
         provisional_until = excluded.provisional_until, created_at = excluded.created_at, \
         expires_at = excluded.expires_at WHERE pending_responses.expires_at <= excluded.created_at"
    );
    SETTLE = "UPDATE pending_responses SET provisional_until = NULL, reply = COALESCE($4, reply) \
              WHERE owner = $1 AND scope = $2 AND message_id = $3 AND provisional_until IS NOT NULL";
    REPLACE = "UPDATE pending_responses SET provisional_until = $5, reply = $4 \
               WHERE owner = $1 AND scope = $2 AND message_id = $3 AND provisional_until IS NOT NULL";
    PURGE = "DELETE FROM pending_responses WHERE expires_at < $1";
}

fn read(row: &Row) -> Result<PendingResponse, Error> {
    Ok(PendingResponse {
        owner: row.owner(0)?,
        scope: row.text(1)?,
        message_id: row.text(2)?,
        body_hash: row.bytes(3)?,
        status: row.named(4, PendingStatus::parse)?,
        conversation: row.maybe_id(5)?,
        reply: row.maybe_text(6)?,
        provisional_until: row.maybe_time(7)?,
        created_at: row.time(8)?,
        expires_at: row.time(9)?,
    })
}

impl Store {
    /// What became of the actor's own message; reading changes nothing.
    pub async fn pending_response(
        &self,
        actor: &Actor,
        scope: &str,
        message_id: &str,
    ) -> Result<Option<PendingResponse>, Error> {
        self.record(actor, (BY_KEY, args![actor.as_str(), scope, message_id]), read).await
    }
}

/// Takes the client's id; stale if it is taken by a row that has not expired.
pub fn insert(new: &PendingResponse) -> Write {
    Write::one(
        INSERT,
        args![
            &new.owner,
            &new.scope,
            &new.message_id,
            &new.body_hash,
            new.status,
            &new.conversation,
            &new.reply,
            new.provisional_until,
            new.created_at,
            new.expires_at,
        ],
    )
}

/// The answer is final, with another text if one is given; stale if it was final before.
pub fn settle(owner: &Owner, scope: &str, message_id: &str, reply: Option<&str>) -> Write {
    Write::one(SETTLE, args![owner, scope, message_id, reply])
}

/// Another answer stands instead, provisionally or for good; stale if the one before was final.
pub fn replace(
    (owner, scope, message_id): (&Owner, &str, &str),
    reply: &str,
    provisional_until: Option<Timestamp>,
) -> Write {
    Write::one(REPLACE, args![owner, scope, message_id, reply, provisional_until])
}

/// Forgets what expired before the given time.
pub fn purge(before: Timestamp) -> Write {
    Write::any(PURGE, args![before])
}
