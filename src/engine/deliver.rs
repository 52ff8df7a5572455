//! Phase 4: after the commit.
//!
//! The worker is told of every message the turn queued. An answer that queued a code by text message is provisional until
//! the worker has made its first try, two seconds at most. If the provider refuses for good, an internal turn runs the
//! waiting question's outcome `undeliverable`, which corrects state and answer in one version-checked transaction. Later
//! refusals come the same way, as a new message. Nobody waits for an e-mail: how soon it left, and whether, would tell
//! whether there is an address (D5).

use serde_json::json;
use tracing::info;

use super::commit::{Done, StoredAnswer};
use super::request::Answer;
use super::run::{Start, Step};
use super::turn::{Call, place};
use super::{Engine, Error, checkpoint};
use crate::agent::State;
use crate::bus::Delivery;
use crate::model::{Actor, Entities, EventKind, MessageId, NodeResponse, Route, SubIntent, Understanding};
use crate::store::conversations::Conversation;
use crate::store::messages::{self, Message, Role};
use crate::store::outbox::Effect;
use crate::store::{Applied, Unit, challenges, conversations, pending};
use crate::tool::{Toolbox, otp};

/// How often the correction is tried again because the conversation moved.
const MOST_RUNS: usize = 4;

/// The answer that stands instead of one whose code could not be delivered.
struct Corrected {
    response: NodeResponse,
    reply: Option<String>,
    steps: Vec<Step>,
}

/// What a correction replaces: the answer the turn still holds.
struct Replaces<'a> {
    call: &'a Call,
    answer: &'a MessageId,
}

impl Engine {
    /// Tells the worker, waits for the first try, and gives the answer that stands.
    pub(super) async fn deliver(&self, call: &Call, done: Done) -> Result<Answer, Error> {
        let mut answer = Answer {
            conversation: done.conversation,
            message_id: call.message_id.clone(),
            response: done.response,
            reply: done.reply,
            session: done.session,
        };
        for effect in &done.queued {
            self.parts.deliveries.queued(effect);
        }
        let Some((effect, mut hear)) = done.effect else { return Ok(answer) };
        let deadline = self.now() + self.first_try();
        let delivery = tokio::select! {
            heard = &mut hear => heard.unwrap_or(Delivery::Stands),
            () = self.parts.clock.sleep_until(deadline) => {
                // From here on a report finds nobody; one that came in the same moment must not be lost.
                hear.close();
                hear.try_recv().unwrap_or(Delivery::Stands)
            }
        };
        self.parts.deliveries.forget(&effect);
        if let Delivery::Refused(code) = delivery {
            let row = self.store().effect(&Actor::System, &effect).await?;
            let replaces = Replaces { call, answer: &done.answer_id };
            if let Some(row) = row
                && let Some(corrected) = self.correct(&row, &code, Some(replaces)).await?
            {
                answer.response = corrected.response;
                answer.reply = corrected.reply;
                return Ok(answer);
            }
        }
        self.stands(call).await?;
        Ok(answer)
    }

    /// The answer is final; without this, repeats would wait the rest of the two seconds for nothing.
    async fn stands(&self, call: &Call) -> Result<(), Error> {
        let settle = pending::settle(&call.owner, &call.scope, &call.message_id, None);
        match self.store().apply(&call.caller.actor, vec![settle]).await? {
            Applied::Done | Applied::Stale { .. } => Ok(()),
        }
    }

    /// A message was refused after its answer had been given: the conversation is told in a new message.
    pub async fn undeliverable(&self, effect: &Effect, code: &str) -> Result<(), Error> {
        let Some(id) = &effect.conversation else { return Ok(()) };
        let Some(conversation) = self.store().conversation(&Actor::System, id).await? else { return Ok(()) };
        let _place = self.queue.enter(&place(&conversation.owner, id.as_str())).await;
        self.correct(effect, code, None).await.map(|_| ())
    }

    async fn correct(
        &self,
        effect: &Effect,
        code: &str,
        replaces: Option<Replaces<'_>>,
    ) -> Result<Option<Corrected>, Error> {
        let Some(id) = &effect.conversation else { return Ok(None) };
        for _ in 0..MOST_RUNS {
            let Some(conversation) = self.store().conversation(&Actor::System, id).await? else {
                return Ok(None);
            };
            let state = checkpoint::decode(&conversation.state)?;
            if state.challenge.is_none() || state.challenge != effect.challenge {
                return self.moved_on(effect).await;
            }
            // Corrections are rare; boxed, they don't make the future of every turn larger.
            let corrected = Box::pin(self.corrected(effect, (conversation, state), code, replaces.as_ref()));
            let Some((corrected, unit)) = corrected.await? else {
                return self.moved_on(effect).await;
            };
            if self.store().apply(&Actor::System, unit.into_writes()).await? == Applied::Done {
                if let Some(observer) = &self.parts.observer {
                    observer.tell(&corrected.steps);
                }
                info!(conversationId = %id, action = corrected.response.action.as_str(), "Answer corrected");
                return Ok(Some(corrected));
            }
        }
        Ok(None)
    }

    /// The conversation waits for something else by now, so nobody is told; the code that never arrived still ends.
    async fn moved_on(&self, effect: &Effect) -> Result<Option<Corrected>, Error> {
        let writes = effect.challenge.iter().map(challenges::void).collect();
        match self.store().apply(&Actor::System, writes).await? {
            Applied::Done | Applied::Stale { .. } => Ok(None),
        }
    }

    /// Runs the outcome `undeliverable`; `None` where the conversation no longer waits for that code.
    async fn corrected(
        &self,
        effect: &Effect,
        (mut conversation, state): (Conversation, State),
        code: &str,
        replaces: Option<&Replaces<'_>>,
    ) -> Result<Option<(Corrected, Unit)>, Error> {
        let seen = conversation.version;
        let tools = self.system_toolbox(effect, &conversation);
        let mut turn = self.open(tools, nothing_heard(), state, None).await?;
        // The number the code was for; what the sign-in remembers may be another one.
        let addressee = otp::identifier(&turn.tools, turn.state.challenge.as_ref()).await?;
        if let Some(phone) = addressee {
            turn.tell("phone", phone.masked());
        }
        turn.tell("reason", code);
        turn.state.progress.code_void();
        let steps = self.run(&mut turn, Start::Undeliverable).await?;
        let Some(response) = turn.response.take() else { return Ok(None) };
        let reply = turn.say.take().map(|say| say.reply);
        if let Some(challenge) = turn.state.challenge.take() {
            turn.tools.unit.push(challenges::void(&challenge));
        }
        turn.tools.audit(EventKind::OtpBlocked, json!({ "reason": "undeliverable", "code": code }));
        let text = serde_json::to_string(&response)?;
        conversation.state = checkpoint::encode(&turn.state)?;
        let now = turn.tools.now;
        if let Some(Replaces { call, answer }) = replaces {
            turn.tools.unit.push(messages::correct(answer, response.message(), Some(&text)));
            let stored = StoredAnswer {
                conversation: conversation.id.clone(),
                response: response.clone(),
                reply: reply.clone(),
                session: None,
                follow_up: None,
            };
            let stored = serde_json::to_string(&stored)?;
            turn.tools.unit.push(pending::settle(&call.owner, &call.scope, &call.message_id, Some(&stored)));
        } else {
            conversation.message_count += 1;
            conversation.last_message_at = now;
            turn.tools.unit.push(messages::insert(&Message {
                id: MessageId::new(now, &mut turn.tools.rng),
                conversation: conversation.id.clone(),
                owner: conversation.owner.clone(),
                seq: conversation.message_count,
                role: Role::Assistant,
                content: response.message().to_owned(),
                response: Some(text),
                created_at: now,
            }));
        }
        let mut unit = Unit::new();
        unit.push(conversations::save(&conversation, seen));
        unit.extend(turn.tools.unit.into_writes());
        Ok(Some((Corrected { response, reply, steps }, unit)))
    }

    fn system_toolbox(&self, effect: &Effect, conversation: &Conversation) -> Toolbox {
        Toolbox {
            unit: Unit::new(),
            store: self.parts.store.clone(),
            keys: std::sync::Arc::clone(&self.parts.keys),
            limits: self.parts.limits.clone(),
            options: self.parts.options.clone(),
            boundaries: self.parts.boundaries.clone(),
            now: self.now(),
            rng: self.parts.randomness.stream(&format!("effect:{}", effect.id)),
            actor: Actor::System,
            device_token: None,
            ip: None,
            conversation: Some(conversation.id.clone()),
            message_id: format!("effect:{}", effect.id),
            language: self.parts.replies.language(conversation.locale.as_deref()).to_owned(),
        }
    }
}

/// A system message carries no text.
fn nothing_heard() -> Understanding {
    let route = Route::User(SubIntent::Authenticate);
    Understanding::by_rule(route, Entities::default(), "a message could not be delivered")
}
