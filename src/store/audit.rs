//! The audit log. Rows are added and never changed: there is no statement that would, and triggers refuse it.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, sql};
use crate::model::{Actor, ConversationId, DeviceId, Event, EventId, SessionId, UserId};

/// One row of the log as read back.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened. Text, for a newer program may have written it.
    pub kind: String,
    /// The account concerned.
    pub user: Option<UserId>,
    /// The device that spoke.
    pub device: Option<DeviceId>,
    /// The session concerned.
    pub session: Option<SessionId>,
    /// The conversation it happened in.
    pub conversation: Option<ConversationId>,
    /// The caller's address.
    pub ip: Option<String>,
    /// Counts, reasons and ids, as JSON.
    pub detail: String,
}

sql! {
    // In the order of writing: events of one turn may share their time, and ids of one time have no order.
    OF_CONVERSATION = "SELECT id, at, kind, user_id, device_id, session_id, conversation_id, ip, detail FROM audit \
                       WHERE conversation_id = $1 AND ($2 = 'system' \
                       OR conversation_id IN (SELECT id FROM conversations WHERE owner = $2)) \
                       AND seq > COALESCE((SELECT seq FROM audit WHERE id = $3), 0) ORDER BY seq LIMIT $4";
    INSERT = "INSERT INTO audit (id, at, kind, user_id, device_id, session_id, conversation_id, ip, detail) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
}

fn read(row: &Row) -> Result<StoredEvent, Error> {
    Ok(StoredEvent {
        id: row.id(0)?,
        at: row.time(1)?,
        kind: row.text(2)?,
        user: row.maybe_id(3)?,
        device: row.maybe_id(4)?,
        session: row.maybe_id(5)?,
        conversation: row.maybe_id(6)?,
        ip: row.maybe_text(7)?,
        detail: row.text(8)?,
    })
}

impl Store {
    /// The events of a conversation of the actor's, in the order they were written. `after` is the last of the page
    /// before; an unknown one begins from the start.
    pub async fn events(
        &self,
        actor: &Actor,
        conversation: &ConversationId,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, Error> {
        let after = after.map(EventId::as_str);
        let question = (OF_CONVERSATION, args![conversation, actor.as_str(), after, limit]);
        self.records(actor, question, read).await
    }
}

/// Adds an event.
pub fn insert(event: &Event) -> Write {
    let detail = serde_json::Value::Object(event.detail.clone()).to_string();
    Write::one(
        INSERT,
        args![
            &event.id,
            event.at,
            event.kind.as_str(),
            &event.user,
            &event.device,
            &event.session,
            &event.conversation,
            &event.ip,
            detail,
        ],
    )
}
