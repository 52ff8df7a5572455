//! What language models were asked and used, by conversation.

use super::write::args;
use super::{Error, Row, Store, Write, sql};
use crate::model::{Actor, ConversationId};

/// What one model used in one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelUsage {
    /// The conversation.
    pub conversation: ConversationId,
    /// The model.
    pub model: String,
    /// Requests.
    pub calls: i64,
    /// Tokens of the prompts.
    pub input_tokens: i64,
    /// Tokens of the answers.
    pub output_tokens: i64,
    /// Millionths of the prices' currency.
    pub cost: i64,
}

sql! {
    OF_OWNER = "SELECT u.conversation_id, u.model, u.calls, u.input_tokens, u.output_tokens, u.cost \
                FROM model_usage u JOIN conversations c ON c.id = u.conversation_id \
                WHERE ($1 = 'system' OR c.owner = $1) AND \
                ($2 = '' OR u.conversation_id < $2 OR (u.conversation_id = $2 AND u.model > $3)) \
                ORDER BY u.conversation_id DESC, u.model LIMIT $4";
    ADD = "INSERT INTO model_usage (conversation_id, model, calls, input_tokens, output_tokens, cost) \
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (conversation_id, model) DO UPDATE SET \
           calls = model_usage.calls + excluded.calls, \
           input_tokens = model_usage.input_tokens + excluded.input_tokens, \
           output_tokens = model_usage.output_tokens + excluded.output_tokens, \
           cost = model_usage.cost + excluded.cost";
}

fn read(row: &Row) -> Result<ModelUsage, Error> {
    Ok(ModelUsage {
        conversation: row.id(0)?,
        model: row.text(1)?,
        calls: row.int(2)?,
        input_tokens: row.int(3)?,
        output_tokens: row.int(4)?,
        cost: row.int(5)?,
    })
}

impl Store {
    /// What models used in the actor's conversations, the newest conversation first; `after` is the last row of the page
    /// before.
    pub async fn model_usage(
        &self,
        actor: &Actor,
        after: Option<(ConversationId, String)>,
        limit: u32,
    ) -> Result<Vec<ModelUsage>, Error> {
        let (id, model) = after.map(|(id, model)| (id.to_string(), model)).unwrap_or_default();
        self.records(actor, (OF_OWNER, args![actor.as_str(), id, model, limit]), read).await
    }
}

/// Adds to what a model used in a conversation.
pub fn add(used: &ModelUsage) -> Write {
    let ModelUsage { conversation, model, calls, input_tokens, output_tokens, cost } = used;
    Write::one(ADD, args![conversation, model, *calls, *input_tokens, *output_tokens, *cost])
}
