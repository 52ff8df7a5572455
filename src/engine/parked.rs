//! What waits is carried out once nothing stands before it: what somebody asked for before they signed in (D15), and the
//! further requests of a message that held several.
//!
//! The transaction before it must be there first: what a request reads is the account's, and its writes are guarded by rows
//! that the one before changed. So each is an internal turn of its own, which corrects the answer as a refused message does.
//! A process that dies in between leaves an answer that says that something is to follow, and the repeat of the message
//! carries it out.

use serde_json::json;
use tracing::{error, info};

use super::commit::{Before, Done, StoredAnswer, StoredSession};
use super::observer::Passed;
use super::turn::Call;
use super::{Engine, Error, checkpoint};
use crate::agent::response::in_a_row;
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
    pub(super) effect: Option<Awaited>,
    pub(super) queued: Vec<EffectId>,
    /// What it was joined to.
    pub(super) before: Before,
    /// The answer so far, where more is to follow.
    pub(super) follow_up: Option<StoredAnswer>,
}

/// A queued message whose first try is waited for.
type Awaited = (EffectId, tokio::sync::oneshot::Receiver<Delivery>);

impl Carried {
    fn of(
        stored: StoredAnswer,
        (effect, queued): (Option<Awaited>, Vec<EffectId>),
        login: &StoredAnswer,
    ) -> Self {
        Self {
            response: stored.response.clone(),
            reply: stored.reply.clone(),
            effect,
            queued,
            before: Before::of(login),
            follow_up: Some(stored).filter(|stored| stored.follow_up.is_some()),
        }
    }
}

impl Engine {
    /// Carries out what waited for the turn that was just committed, and puts its answer in place of that one.
    pub(super) async fn follow_up(&self, call: &Call, mut done: Done) -> Done {
        while let Some(stored) = done.follow_up.take() {
            let Some(carried) = self.carried(call, &stored).await else { break };
            done.response = carried.response;
            done.reply = carried.reply;
            done.effect = carried.effect;
            done.queued.extend(carried.queued);
            done.before = Some(carried.before);
            done.follow_up = carried.follow_up;
        }
        done
    }

    /// The same for a turn that was answered before and then cut short. A fault is no fault of that turn, which stands; it
    /// is logged, and the person asks again.
    pub(super) async fn carried(&self, call: &Call, login: &StoredAnswer) -> Option<Carried> {
        // Rare; boxed, it doesn't make the future of every turn larger.
        let failed = |e: Error| {
            error!(conversationId = %login.conversation, error = %crate::mask::chain(&e), "Parked request failed");
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
        let Some(answer) = &login.follow_up else { return Ok(None) };
        let actor = match &login.session {
            Some(session) => self.signed_in_as(session).await?,
            None => Some(call.caller.actor.clone()),
        };
        let Some(actor @ Actor::User { .. }) = actor else { return Ok(None) };
        for _ in 0..MOST_RUNS {
            let Some(mut conversation) = self.store().conversation(&actor, &login.conversation).await? else {
                return Ok(None);
            };
            let seen = conversation.version;
            let mut state = self.state_of(&conversation)?;
            // Another message came in between, and with it something else.
            if state.next_of.as_ref() != Some(&call.message_id) || state.work.active().is_some() {
                return Ok(None);
            }
            let Some(request) = state.next_request(self.now()) else { return Ok(None) };
            let tools = self.parked_toolbox(call, (&conversation, state.next.len()), actor.clone());
            let Some(heard) = request.heard(&tools) else { return Ok(None) };
            let mut turn = self.open(tools, heard, state, None).await?;
            let steps = self.run_message(&mut turn).await?;
            let passed = Passed::of(&turn, (Vec::new(), steps));
            let own = turn.response.take().ok_or(crate::agent::Error::Silent)?;
            let response = joined(&login.response, own, login.session.is_some());
            let reply = turn.saying.reply().map(str::to_owned);
            conversation.state = checkpoint::encode(&turn.state)?;
            let effect = turn.granted.effect.take();
            if let Some(session) = &login.session {
                self.end_unless_asked(&mut turn, (&session.user_id, &session.session_id));
            }
            let follow_up = awaited(&turn, call, answer);
            let until = self.provisional(effect.is_some() || follow_up.is_some(), turn.tools.now);
            let stored = StoredAnswer { response, reply, follow_up, ..login.clone() };
            let mut unit = Unit::new();
            unit.extend(actor.session().map(|session| sessions::lives(session, turn.tools.now)));
            unit.push(conversations::save(&conversation, seen));
            unit.extend(std::mem::take(&mut turn.tools.unit).into_writes());
            let text = serde_json::to_string(&stored.response)?;
            unit.push(messages::correct(answer, stored.response.message(), Some(&text)));
            let kept = serde_json::to_string(&stored)?;
            unit.push(pending::replace((&call.owner, &call.scope, &call.message_id), &kept, until));
            let writes = unit.into_writes();
            let queued = writes.iter().filter_map(outbox::queued).collect();
            let effect = effect.map(|id| (id.clone(), self.parts.deliveries.expect(&id)));
            let applied = self.store().apply(&actor, writes).await;
            if let (Some((id, _)), false) = (&effect, matches!(applied, Ok(Applied::Done))) {
                self.parts.deliveries.forget(id);
            }
            if applied? == Applied::Done {
                if let Some(observer) = &self.parts.observer {
                    observer.tell(&passed);
                }
                info!(conversationId = %conversation.id, action = stored.response.action.as_str(), "Parked request answered");
                return Ok(Some(Carried::of(stored, (effect, queued), login)));
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
        (conversation, left): (&conversations::Conversation, usize),
        actor: Actor,
    ) -> Toolbox {
        let stream = match left {
            0 => format!("{}/{}/{}/parked", call.owner, call.scope, call.message_id),
            left => format!("{}/{}/{}/parked/{left}", call.owner, call.scope, call.message_id),
        };
        let rng = self.parts.randomness.stream(&stream);
        let tools = self.toolbox(call, conversation, self.now(), rng);
        Toolbox { actor, device_token: None, ..tools }
    }
}

/// The words before the request's own, and of the data before what the request's has not. After a sign-in the request is
/// what counts; of several requests each counts, and `results` tells them apart.
pub(super) fn joined(before: &NodeResponse, own: NodeResponse, is_sign_in: bool) -> NodeResponse {
    let mut joined = own;
    let message = in_a_row(before.message(), joined.message());
    // What comes right after a sign-in is the first of the requests.
    if !is_sign_in || before.context.contains_key("resumed") {
        let result = |of: &NodeResponse| json!({ "action": of.action, "success": of.success });
        let mut results = before.data.get("results").and_then(|r| r.as_array().cloned());
        let results = results.get_or_insert_with(|| vec![result(before)]);
        results.push(result(&joined));
        joined.success &= before.success;
        joined.data.insert("results".into(), std::mem::take(results).into());
    }
    for (key, value) in &before.data {
        joined.data.entry(key.clone()).or_insert_with(|| value.clone());
    }
    joined.data.insert("message".into(), message.into());
    for (key, value) in &before.context {
        joined.context.entry(key.clone()).or_insert_with(|| value.clone());
    }
    joined.context.insert("resumed".into(), true.into());
    if is_sign_in {
        joined.context.entry("login").or_insert_with(|| before.action.as_str().into());
    }
    joined
}

/// The message whose answer is to be corrected once what waits is carried out, where nothing is asked before that.
pub(super) fn awaited(turn: &crate::agent::Turn, call: &Call, answer: &MessageId) -> Option<MessageId> {
    let waits = turn.state.requests().any(|request| request.waits(turn.tools.now));
    let is_own = turn.state.next_of.as_ref() == Some(&call.message_id);
    let is_free = turn.is_signed_in() && turn.state.work.active().is_none();
    (waits && is_own && is_free).then(|| answer.clone())
}
