//! The same message again: the same answer, and nothing else happens.

use jiff::{SignedDuration, Timestamp};

use super::commit::{StoredAnswer, StoredSession};
use super::request::{Answer, SessionGrant};
use super::turn::Call;
use super::{Engine, Error};
use crate::model::Actor;
use crate::store::pending::PendingResponse;
use crate::tool::session::Grant;

/// How long a repeated sign-in gives its tokens again, where nobody has used them (D7).
const SESSION_REPEATS: SignedDuration = SignedDuration::from_mins(10);

impl Engine {
    /// The stored answer, if this message was answered before.
    pub(super) async fn repeated(&self, call: &Call) -> Result<Option<Answer>, Error> {
        let Some(stored) = self.settled(call, (&call.scope, &call.message_id)).await? else {
            return Ok(None);
        };
        if stored.body_hash != call.body_hash {
            return Err(Error::Conflict("this messageId was used for another message; use a new one"));
        }
        let Some(reply) = stored.reply else { return Ok(None) };
        let mut answer: StoredAnswer = serde_json::from_str(&reply)?;
        if let Some((scope, message)) = &answer.answered_as {
            let other = self.settled(call, (scope, message)).await?.and_then(|row| row.reply);
            if let Some(other) = other {
                answer = StoredAnswer { follow_up: None, ..serde_json::from_str(&other)? };
            }
        }
        while let Some(carried) = self.carried(call, &answer).await {
            answer.response = carried.response;
            answer.reply = carried.reply;
            answer.follow_up = carried.follow_up.and_then(|stored| stored.follow_up);
            carried.queued.iter().for_each(|effect| self.parts.deliveries.queued(effect));
        }
        let session = match answer.session {
            Some(session) => self.session_again(call, session).await?,
            None => None,
        };
        Ok(Some(Answer {
            conversation: answer.conversation,
            message_id: call.message_id.clone(),
            response: answer.response,
            reply: answer.reply,
            session,
        }))
    }

    /// The stored row. An answer that another node still waits to correct is waited for.
    async fn settled(
        &self,
        call: &Call,
        (scope, message): (&str, &str),
    ) -> Result<Option<PendingResponse>, Error> {
        loop {
            let stored = self.store().pending_response(&call.caller.actor, scope, message).await?;
            let Some(row) = stored.filter(|row| row.expires_at > self.now()) else { return Ok(None) };
            match row.provisional_until.filter(|&until| until > self.now()) {
                Some(until) => self.parts.clock.sleep_until(until).await,
                None => return Ok(Some(row)),
            }
        }
    }

    /// The tokens of a repeated sign-in, derived again from the device token presented, until their first use.
    async fn session_again(&self, call: &Call, stored: StoredSession) -> Result<Option<SessionGrant>, Error> {
        let Some(presented) = &call.caller.device_token else { return Ok(None) };
        let Some(row) = self.store().session(&Actor::System, &stored.session_id).await? else {
            return Ok(None);
        };
        let (token, device_token) = Grant::derive_tokens(&self.parts.keys, &stored.session_id, presented);
        let now: Timestamp = self.now();
        let fresh =
            row.first_used_at.is_none() && row.revoked_at.is_none() && now < row.created_at + SESSION_REPEATS;
        Ok((fresh && row.token_hash == token.hash()).then(|| SessionGrant {
            token: token.secret().clone(),
            session_id: stored.session_id,
            user_id: stored.user_id,
            expires_at: stored.expires_at,
            device_token: device_token.secret().clone(),
        }))
    }
}
