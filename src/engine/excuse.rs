//! What is told where something is broken.

use tracing::error;

use super::request::Answer;
use super::turn::Call;
use super::{Engine, Error};
use crate::mask::chain;
use crate::model::{Action, MessageId, NodeResponse};

impl Engine {
    /// Something is broken: the person is told so in an answer, with an id that the log has too, and nothing changed.
    pub(super) async fn excuse(&self, call: &Call, error: Error) -> Result<Answer, Error> {
        if !error.is_fault() || matches!(error, Error::Store(_) | Error::Lost) {
            return Err(error);
        }
        let Some(conversation) = self.conversation_of(call).await? else { return Err(error) };
        let id = MessageId::new(self.now(), &mut self.parts.randomness.stream(&call.message_id));
        let error_id = id.as_str().replacen("msg_", "err_", 1);
        error!(errorId = %error_id, conversationId = %conversation.id, error = %chain(&error), "Turn failed");
        // Trying again helps where something broke, and not where what is stored cannot be read.
        let reply = if matches!(error, Error::State(_)) { "general.unreadable" } else { "general.error" };
        let language = self.talk.replies.language(call.request.locale.as_deref());
        let mut values = serde_json::Map::new();
        values.insert("error_id".into(), error_id.clone().into());
        let text = self.talk.replies.say(language, reply, &values).map_err(|e| Error::Agent(e.into()))?;
        let mut response = NodeResponse::new(Action::InternalError, text);
        response.data.insert("error_id".into(), error_id.into());
        response.context.insert("sub_intent".into(), serde_json::Value::Null);
        response.context.insert("confidence".into(), 0.into());
        response.context.insert("authenticated".into(), call.caller.actor.user().is_some().into());
        Ok(Answer {
            conversation: conversation.id,
            message_id: call.message_id.clone(),
            response,
            reply: Some(reply.to_owned()),
            session: None,
        })
    }
}
