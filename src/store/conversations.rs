//! Conversations: who owns one, its state as text, and its version.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, sql};
use crate::model::{Actor, ConversationId, Owner};

/// One conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Whose it is.
    pub owner: Owner,
    /// The project it belongs to.
    pub project: String,
    /// Grows by one with each save.
    pub version: i64,
    /// The checkpoint, as the engine writes it.
    pub state: String,
    /// The language last spoken.
    pub locale: Option<String>,
    /// A name for lists.
    pub title: Option<String>,
    /// Whether messages without a conversation id go here; one at most for each owner and project.
    pub current: bool,
    /// Whether it stands on top of lists.
    pub pinned: bool,
    /// Whether it is put away.
    pub archived: bool,
    /// How many messages it has.
    pub message_count: i64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When the last message came.
    pub last_message_at: Timestamp,
}

macro_rules! columns {
    () => {
        "id, owner, project, version, state, locale, title, is_current, pinned, archived, message_count, \
         created_at, last_message_at"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM conversations WHERE id = $1 AND ($2 = 'system' OR owner = $2)");
    CURRENT = concat!(
        "SELECT ", columns!(), " FROM conversations WHERE owner = $1 AND project = $2 AND is_current = 1"
    );
    RECENT = concat!(
        "SELECT ", columns!(), " FROM conversations WHERE owner = $1 AND archived = $2 \
         ORDER BY last_message_at DESC, id DESC LIMIT $3"
    );
    RECENT_AFTER = concat!(
        "SELECT ", columns!(), " FROM conversations WHERE owner = $1 AND archived = $2 \
         AND (last_message_at, id) < ($3, $4) ORDER BY last_message_at DESC, id DESC LIMIT $5"
    );
    ALL_AFTER = concat!(
        "SELECT ", columns!(), " FROM conversations WHERE $1 = 'system' AND id > $2 ORDER BY id LIMIT $3"
    );
    TOLD_TO_DESK = concat!(
        "SELECT ", columns!(), " FROM conversations WHERE $1 = 'system' AND last_message_at >= $2 \
         AND id IN (SELECT conversation_id FROM outbox WHERE kind = 'handoff') ORDER BY last_message_at DESC, id DESC"
    );
    INSERT = concat!(
        "INSERT INTO conversations (", columns!(), ") \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING"
    );
    SAVE = "UPDATE conversations SET owner = $3, state = $4, locale = $5, title = $6, is_current = $7, \
            message_count = $8, last_message_at = $9, version = version + 1 WHERE id = $1 AND version = $2";
    RETIRE_CURRENT = "UPDATE conversations SET is_current = 0 \
                      WHERE owner = $1 AND project = $2 AND is_current = 1 AND id <> $3";
}

fn read(row: &Row) -> Result<Conversation, Error> {
    Ok(Conversation {
        id: row.id(0)?,
        owner: row.owner(1)?,
        project: row.text(2)?,
        version: row.int(3)?,
        state: row.text(4)?,
        locale: row.maybe_text(5)?,
        title: row.maybe_text(6)?,
        current: row.flag(7)?,
        pinned: row.flag(8)?,
        archived: row.flag(9)?,
        message_count: row.int(10)?,
        created_at: row.time(11)?,
        last_message_at: row.time(12)?,
    })
}

impl Store {
    /// One conversation, if it is the actor's.
    pub async fn conversation(
        &self,
        actor: &Actor,
        id: &ConversationId,
    ) -> Result<Option<Conversation>, Error> {
        self.record(actor, (BY_ID, args![id, actor.as_str()]), read).await
    }

    /// The actor's current conversation in a project.
    pub async fn current_conversation(
        &self,
        actor: &Actor,
        project: &str,
    ) -> Result<Option<Conversation>, Error> {
        self.record(actor, (CURRENT, args![actor.as_str(), project]), read).await
    }

    /// The actor's conversations, the last spoken in first. `cursor` is the last row of the page before.
    pub async fn conversations(
        &self,
        actor: &Actor,
        archived: bool,
        cursor: Option<(Timestamp, ConversationId)>,
        limit: u32,
    ) -> Result<Vec<Conversation>, Error> {
        let question = match cursor {
            None => (RECENT, args![actor.as_str(), archived, limit]),
            Some((at, id)) => (RECENT_AFTER, args![actor.as_str(), archived, at, &id, limit]),
        };
        self.records(actor, question, read).await
    }

    /// Conversations of which the operator's desk was told something at any time, and in which something was said since
    /// then, the last spoken in first. Nobody but the system gets an answer.
    pub async fn told_to_desk(&self, actor: &Actor, since: Timestamp) -> Result<Vec<Conversation>, Error> {
        self.records(actor, (TOLD_TO_DESK, args![actor.as_str(), since]), read).await
    }
}

impl Store {
    /// Everybody's conversations by their ids, from the one after `after` on; for the system alone.
    pub async fn every_conversation(
        &self,
        actor: &Actor,
        after: Option<&ConversationId>,
        limit: u32,
    ) -> Result<Vec<Conversation>, Error> {
        let after = after.map_or("", ConversationId::as_str);
        self.records(actor, (ALL_AFTER, args![actor.as_str(), after, limit]), read).await
    }
}

/// Adds a conversation; stale if the id is taken, or if the owner has another current one in the project.
pub fn insert(new: &Conversation) -> Write {
    Write::one(
        INSERT,
        args![
            &new.id,
            &new.owner,
            &new.project,
            new.version,
            &new.state,
            &new.locale,
            &new.title,
            new.current,
            new.pinned,
            new.archived,
            new.message_count,
            new.created_at,
            new.last_message_at,
        ],
    )
}

/// Writes what a turn changes, and the next version; stale unless the stored version is the one seen. Becoming current
/// beside another current one breaks a rule of the tables: [`retire_current`] goes before.
pub fn save(changed: &Conversation, seen_version: i64) -> Write {
    Write::one(
        SAVE,
        args![
            &changed.id,
            seen_version,
            &changed.owner,
            &changed.state,
            &changed.locale,
            &changed.title,
            changed.current,
            changed.message_count,
            changed.last_message_at,
        ],
    )
}

/// No conversation of the owner but this one is current in the project.
pub fn retire_current(owner: &Owner, project: &str, except: &ConversationId) -> Write {
    Write::any(RETIRE_CURRENT, args![owner, project, except])
}
