//! Messages: what was said in a conversation, in order.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, named, sql};
use crate::model::{Actor, ConversationId, MessageId, Owner};

named! {
    /// Who said it.
    Role {
        /// The person.
        User = "user",
        /// The engine, in answer.
        Assistant = "assistant",
        /// The engine, of itself.
        System = "system",
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The conversation it was said in.
    pub conversation: ConversationId,
    /// Whose it is: the conversation's owner.
    pub owner: Owner,
    /// Its place in the conversation.
    pub seq: i64,
    /// Who said it.
    pub role: Role,
    /// The text.
    pub content: String,
    /// The whole answer as JSON, for the engine's own.
    pub response: Option<String>,
    /// When it was said.
    pub created_at: Timestamp,
}

sql! {
    BEFORE = "SELECT id, conversation_id, owner, seq, role, content, response, created_at FROM messages \
              WHERE conversation_id = $1 AND ($2 = 'system' OR owner = $2) AND seq < $3 ORDER BY seq DESC LIMIT $4";
    INSERT = "INSERT INTO messages \
              (id, conversation_id, owner, seq, role, content, response, created_at, user_id) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    MOVE_TO = "UPDATE messages SET owner = $2, user_id = $3 WHERE conversation_id = $1";
    CORRECT = "UPDATE messages SET content = $2, response = $3 WHERE id = $1";
}

fn read(row: &Row) -> Result<Message, Error> {
    Ok(Message {
        id: row.id(0)?,
        conversation: row.id(1)?,
        owner: row.owner(2)?,
        seq: row.int(3)?,
        role: row.named(4, Role::parse)?,
        content: row.text(5)?,
        response: row.maybe_text(6)?,
        created_at: row.time(7)?,
    })
}

impl Store {
    /// Messages of the actor's conversation, the newest first. `before` is the `seq` of the page before.
    pub async fn messages(
        &self,
        actor: &Actor,
        conversation: &ConversationId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Message>, Error> {
        let before = before.unwrap_or(i64::MAX);
        self.records(actor, (BEFORE, args![conversation, actor.as_str(), before, limit]), read).await
    }
}

fn user_of(owner: &Owner) -> Option<&str> {
    match owner {
        Owner::User(user) => Some(user.as_str()),
        Owner::Device(_) => None,
    }
}

/// Adds a message. A place that is taken breaks a rule of the tables; the conversation's version guards against it.
pub fn insert(new: &Message) -> Write {
    Write::one(
        INSERT,
        args![
            &new.id,
            &new.conversation,
            &new.owner,
            new.seq,
            new.role,
            &new.content,
            &new.response,
            new.created_at,
            user_of(&new.owner),
        ],
    )
}

/// Gives all messages of a conversation to another owner.
pub fn move_to(conversation: &ConversationId, owner: &Owner) -> Write {
    Write::any(MOVE_TO, args![conversation, owner, user_of(owner)])
}

/// Replaces an answer that stood provisionally; stale if there is no such message.
pub fn correct(id: &MessageId, content: &str, response: Option<&str>) -> Write {
    Write::one(CORRECT, args![id, content, response])
}
