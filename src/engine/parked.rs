//! What somebody asked for before they signed in is carried out after it, without asking again (D15).
//!
//! The sign-in's own transaction must be there first: what the request reads is the account's, and its writes are guarded
//! by rows that the sign-in changed. So it is an internal turn of its own, which corrects the sign-in's answer as a refused
//! message does. A process that dies between the two leaves an answer that says that something is to follow, and the
//! repeat of the message carries it out.

use tracing::{error, info};

use super::commit::{Done, StoredAnswer, StoredSession};
use super::run::Start;
use super::turn::Call;
use super::{Engine, Error, checkpoint};
use crate::bus::Delivery;
use crate::model::{Actor, EffectId, MessageId, NodeResponse};
use crate::store::{Applied, Unit, conversations, messages, outbox, pending, sessions};
use crate::tool::Toolbox;
use crate::tool::session::has_ended;

/// How often it is tried again because a row changed.
const MOST_RUNS: usize = 8;

/// What came of it.
pub(super) struct Carried {
    pub(super) response: NodeResponse,
    pub(super) reply: Option<String>,
    pub(super) effect: Option<(EffectId, tokio::sync::oneshot::Receiver<Delivery>)>,
    pub(super) queued: Vec<EffectId>,
}

impl Engine {
    /// Carries out what was parked until the sign-in that was just committed, and puts its answer in place of that one.
    pub(super) async fn follow_up(&self, call: &Call, mut done: Done) -> Done {
        let Some(login) = done.follow_up.take() else { return done };
        if let Some(carried) = self.carried(call, &login).await {
            done.response = carried.response;
            done.reply = carried.reply;
            done.effect = carried.effect;
            done.queued.extend(carried.queued);
        }
        done
    }

    /// The same for a sign-in that was answered before and then cut short. A fault is no fault of the sign-in, which
    /// stands; it is logged, and the person asks again.
    pub(super) async fn carried(&self, call: &Call, login: &StoredAnswer) -> Option<Carried> {
        // Rare; boxed, it doesn't make the future of every turn larger.
        let failed = |e: Error| {
            error!(conversationId = %login.conversation, error = %super::turn::chain(&e), "Parked request failed");
        };
        let carried = Box::pin(self.carry_out(call, login)).await.map_err(failed).ok().flatten();
        let is_left = carried.is_none() && login.follow_up.is_some() && call.caller.claimed.is_some();
        if let Some(session) = login.session.as_ref().filter(|_| is_left)
            && let Ok(Some(actor)) = self.signed_in_as(session).await
        {
            self.end_channel_session(&actor).await.map_err(failed).ok();
        }
        carried
    }

    async fn carry_out(&self, call: &Call, login: &StoredAnswer) -> Result<Option<Carried>, Error> {
        let (Some(session), Some(answer)) = (&login.session, &login.follow_up) else { return Ok(None) };
        let Some(actor) = self.signed_in_as(session).await? else { return Ok(None) };
        for _ in 0..MOST_RUNS {
            let Some(mut conversation) = self.store().conversation(&actor, &login.conversation).await? else {
                return Ok(None);
            };
            let seen = conversation.version;
            let mut state = checkpoint::decode(&conversation.state)?;
            let Some(parked) = state.parked.take() else { return Ok(None) };
            let tools = self.parked_toolbox(call, &conversation, actor.clone());
            let Some(heard) = parked.heard(&tools) else { return Ok(None) };
            let mut turn = self.open(tools, heard, state, None).await?;
            let steps = self.run(&mut turn, Start::Message).await?;
            let own = turn.response.take().ok_or(crate::agent::Error::Silent)?;
            let response = joined(&login.response, own);
            let reply = turn.say.take().map(|say| say.reply);
            conversation.state = checkpoint::encode(&turn.state)?;
            let effect = turn.granted.effect.take();
            self.end_unless_asked(&mut turn, (&session.user_id, &session.session_id));
            let until = self.provisional(effect.is_some(), turn.tools.now);
            let stored = StoredAnswer {
                response: response.clone(),
                reply: reply.clone(),
                follow_up: None,
                ..login.clone()
            };
            let mut unit = Unit::new();
            unit.push(sessions::lives(&session.session_id, turn.tools.now));
            unit.push(conversations::save(&conversation, seen));
            unit.extend(std::mem::take(&mut turn.tools.unit).into_writes());
            let text = serde_json::to_string(&response)?;
            unit.push(messages::correct(answer, response.message(), Some(&text)));
            let stored = serde_json::to_string(&stored)?;
            unit.push(pending::replace((&call.owner, &call.scope, &call.message_id), &stored, until));
            let writes = unit.into_writes();
            let queued = writes.iter().filter_map(outbox::queued).collect();
            let effect = effect.map(|id| (id.clone(), self.parts.deliveries.expect(&id)));
            let applied = self.store().apply(&actor, writes).await;
            if let (Some((id, _)), false) = (&effect, matches!(applied, Ok(Applied::Done))) {
                self.parts.deliveries.forget(id);
            }
            if applied? == Applied::Done {
                if let Some(observer) = &self.parts.observer {
                    observer.tell(&steps);
                }
                info!(conversationId = %conversation.id, action = response.action.as_str(), "Parked request answered");
                return Ok(Some(Carried { response, reply, effect, queued }));
            }
        }
        Err(Error::Conflict("the conversation kept changing; please ask again"))
    }

    /// Who the sign-in's session speaks for, while it lives.
    async fn signed_in_as(&self, session: &StoredSession) -> Result<Option<Actor>, Error> {
        let row = self.store().session(&Actor::System, &session.session_id).await?;
        Ok(row.filter(|row| !has_ended(row, self.now())).map(|row| Actor::User {
            user: row.user,
            session: row.id,
            device: row.device,
        }))
    }

    fn parked_toolbox(
        &self,
        call: &Call,
        conversation: &conversations::Conversation,
        actor: Actor,
    ) -> Toolbox {
        let message_id = format!("{}/parked", call.message_id);
        let stream = format!("{}/{}/{message_id}", call.owner, call.scope);
        let rng = self.parts.randomness.stream(&stream);
        let tools = self.toolbox(call, conversation, self.now(), rng);
        Toolbox { actor, device_token: None, message_id, ..tools }
    }
}

/// The sign-in's words before the request's, and of its data what the request's has not.
fn joined(login: &NodeResponse, own: NodeResponse) -> NodeResponse {
    let mut joined = own;
    let message = format!("{} {}", login.message(), joined.message());
    for (key, value) in &login.data {
        joined.data.entry(key.clone()).or_insert_with(|| value.clone());
    }
    joined.data.insert("message".into(), message.into());
    for (key, value) in &login.context {
        joined.context.entry(key.clone()).or_insert_with(|| value.clone());
    }
    joined.context.insert("resumed".into(), true.into());
    joined.context.insert("login".into(), login.action.as_str().into());
    joined
}

/// The message whose answer is to be corrected once what was parked is carried out.
pub(super) fn awaited(is_sign_in: bool, turn: &crate::agent::Turn, answer: &MessageId) -> Option<MessageId> {
    let waits = turn.state.parked.as_ref().is_some_and(|parked| parked.waits(turn.tools.now));
    (is_sign_in && waits).then(|| answer.clone())
}
