//! Phase 4: after the commit.
//!
//! The worker is told of every message the turn queued. An answer that queued a code by text message is provisional until
//! the worker has made its first try, two seconds at most. If the provider refuses for good, an internal turn runs the
//! waiting question's outcome `undeliverable`, which corrects state and answer in one version-checked transaction. Later
//! refusals come the same way, as a new message. If nobody takes the message now, or nobody can tell whether it left, the
//! outcomes `delayed` and `uncertain` say so in the answer's stead; the code stays as good as it was. A call to an outside
//! agent is waited for alike, and its answer comes the same two ways (`outside.rs`). Nobody waits for an
//! e-mail: how soon it left, and whether, would tell whether there is an address (D5).

use serde_json::json;
use tracing::info;

use super::commit::{Done, StoredAnswer};
use super::request::Answer;
use super::run::{Occasion, Start, Step};
use super::turn::{Call, place};
use super::{Engine, Error, checkpoint, outside};
use crate::agent::{State, Turn};
use crate::bus::{Answered, Delivery};
use crate::model::{Actor, Entities, EventKind, MessageId, NodeResponse, Route, SubIntent, Understanding};
use crate::sms::{self, Reason};
use crate::store::conversations::Conversation;
use crate::store::messages::{self, Message, Role};
use crate::store::outbox::{self, Effect};
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
    said: &'a NodeResponse,
}

/// What became of a code's message.
#[derive(Debug, Clone, Copy)]
enum Fate<'a> {
    /// It will never arrive; why.
    Undeliverable(&'a str),
    /// It is tried again.
    Delayed,
    /// Nobody can tell.
    Uncertain,
    /// It was a call, and this came of it.
    Answered(&'a Answered),
}

impl Fate<'_> {
    /// The outcome of the waiting question.
    fn outcome(self) -> &'static str {
        match self {
            Self::Undeliverable(_) => "undeliverable",
            Self::Delayed => "delayed",
            Self::Uncertain => "uncertain",
            Self::Answered(answered) => answered.outcome,
        }
    }

    /// Whether the conversation waits for that effect.
    fn is_awaited(self, state: &State, effect: &Effect) -> bool {
        match self {
            Self::Answered(_) => state.work.call.as_ref() == Some(&effect.id),
            _ => state.work.challenge.is_some() && state.work.challenge == effect.challenge,
        }
    }
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
        let fate = match &delivery {
            Delivery::Stands => None,
            Delivery::Delayed => Some(Fate::Delayed),
            Delivery::Uncertain => Some(Fate::Uncertain),
            Delivery::Refused(code) => Some(Fate::Undeliverable(code)),
            Delivery::Answered(answered) => Some(Fate::Answered(answered)),
        };
        if let Some(fate) = fate {
            let row = self.store().effect(&Actor::System, &effect).await?;
            let replaces = Replaces { call, answer: &done.answer_id, said: &answer.response };
            if let Some(row) = row
                && let Some(corrected) = self.correct(&row, fate, Some(replaces)).await?
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
        self.push(effect, Fate::Undeliverable(code)).await
    }

    /// The same where no provider takes it just now.
    pub async fn delayed(&self, effect: &Effect) -> Result<(), Error> {
        self.push(effect, Fate::Delayed).await
    }

    /// The same where its provider did not answer.
    pub async fn uncertain(&self, effect: &Effect) -> Result<(), Error> {
        self.push(effect, Fate::Uncertain).await
    }

    /// An outside agent answered, or never will.
    pub async fn called(&self, effect: &Effect, answered: &Answered) -> Result<(), Error> {
        self.push(effect, Fate::Answered(answered)).await
    }

    async fn push(&self, effect: &Effect, fate: Fate<'_>) -> Result<(), Error> {
        let Some(id) = &effect.conversation else { return Ok(()) };
        let Some(conversation) = self.store().conversation(&Actor::System, id).await? else { return Ok(()) };
        let _place = self.queue.enter(&place(&conversation.owner, id.as_str())).await;
        self.correct(effect, fate, None).await.map(|_| ())
    }

    async fn correct(
        &self,
        effect: &Effect,
        fate: Fate<'_>,
        replaces: Option<Replaces<'_>>,
    ) -> Result<Option<Corrected>, Error> {
        let Some(id) = &effect.conversation else { return Ok(None) };
        for _ in 0..MOST_RUNS {
            let Some(conversation) = self.store().conversation(&Actor::System, id).await? else {
                return Ok(None);
            };
            let state = checkpoint::decode(&conversation.state)?;
            if !fate.is_awaited(&state, effect) {
                return self.moved_on(effect, fate).await;
            }
            // Corrections are rare; boxed, they don't make the future of every turn larger.
            let corrected = Box::pin(self.corrected(effect, (conversation, state), fate, replaces.as_ref()));
            let Some((corrected, unit)) = corrected.await? else {
                return self.moved_on(effect, fate).await;
            };
            let writes = unit.into_writes();
            let queued: Vec<_> = writes.iter().filter_map(outbox::queued).collect();
            if self.store().apply(&Actor::System, writes).await? == Applied::Done {
                for effect in &queued {
                    self.parts.deliveries.queued(effect);
                }
                if let Some(observer) = &self.parts.observer {
                    let occasion = if replaces.is_some() { Occasion::Turn } else { Occasion::Push };
                    observer.tell(occasion, &corrected.steps);
                }
                info!(conversationId = %id, action = corrected.response.action.as_str(), "Answer corrected");
                return Ok(Some(corrected));
            }
        }
        Ok(None)
    }

    /// The conversation waits for something else by now, so nobody is told; the code that never arrived still ends, and so
    /// does a call.
    async fn moved_on(&self, effect: &Effect, fate: Fate<'_>) -> Result<Option<Corrected>, Error> {
        let writes = match fate {
            Fate::Undeliverable(_) => effect.challenge.iter().map(challenges::void).collect(),
            Fate::Answered(answered) => vec![outside::finish(effect, answered, self.now())],
            Fate::Delayed | Fate::Uncertain => return Ok(None),
        };
        match self.store().apply(&Actor::System, writes).await? {
            Applied::Done | Applied::Stale { .. } => Ok(None),
        }
    }

    /// Runs the fate's outcome; `None` where the conversation no longer waits for that code.
    async fn corrected(
        &self,
        effect: &Effect,
        (mut conversation, state): (Conversation, State),
        fate: Fate<'_>,
        replaces: Option<&Replaces<'_>>,
    ) -> Result<Option<(Corrected, Unit)>, Error> {
        let seen = conversation.version;
        let tools = self.system_toolbox(effect, &conversation);
        let heard = if let Fate::Answered(_) = fate { outside::heard(effect) } else { nothing_heard() };
        let mut turn = self.open(tools, heard, state, None).await?;
        match (fate, replaces) {
            (Fate::Answered(answered), _) => outside::hear(&mut turn, answered, &conversation),
            (Fate::Undeliverable(code), _) => ends(&mut turn, code).await?,
            // What was said of the code is as true as it was.
            (_, Some(Replaces { said, .. })) => {
                let said = said.data.iter().filter(|(key, _)| *key != "message");
                said.for_each(|(key, value)| turn.tell(key, value.clone()));
            }
            (_, None) => goes_on(&mut turn).await?,
        }
        let steps = self.run(&mut turn, Start::Told(fate.outcome())).await?;
        let Some(mut response) = turn.response.take() else { return Ok(None) };
        let reply = turn.say.take().map(|say| say.reply);
        if let Fate::Undeliverable(code) = fate {
            if let Some(challenge) = turn.state.work.challenge.take() {
                turn.tools.unit.push(challenges::void(&challenge));
            }
            turn.tools.audit(EventKind::OtpBlocked, json!({ "reason": "undeliverable", "code": code }));
        } else if let Fate::Answered(answered) = fate {
            response.context.insert("authenticated".into(), turn.owned.into());
            turn.tools.unit.push(outside::finish(effect, answered, turn.tools.now));
        } else if let Some(Replaces { said, .. }) = replaces {
            response.context.clone_from(&said.context);
        }
        let text = serde_json::to_string(&response)?;
        conversation.state = checkpoint::encode(&turn.state)?;
        if let Some(Replaces { call, answer, .. }) = replaces {
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
            let message = news(&mut conversation, &mut turn.tools, &response, text);
            turn.tools.unit.push(messages::insert(&message));
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
            served: self.parts.served.clone(),
            options: self.parts.options.clone(),
            boundaries: self.parts.boundaries.clone(),
            now: self.now(),
            rng: self.parts.randomness.stream(&format!("effect:{}", effect.id)),
            actor: Actor::System,
            device_token: None,
            claimed: None,
            ip: None,
            conversation: Some(conversation.id.clone()),
            message_id: format!("effect:{}", effect.id),
            language: self.parts.replies.language(conversation.locale.as_deref()).to_owned(),
        }
    }
}

/// The message that tells of it, counted in the conversation.
fn news(
    conversation: &mut Conversation,
    tools: &mut Toolbox,
    response: &NodeResponse,
    text: String,
) -> Message {
    conversation.message_count += 1;
    conversation.last_message_at = tools.now;
    Message {
        id: MessageId::new(tools.now, &mut tools.rng),
        conversation: conversation.id.clone(),
        owner: conversation.owner.clone(),
        seq: conversation.message_count,
        role: Role::Assistant,
        content: response.message().to_owned(),
        response: Some(text),
        created_at: tools.now,
    }
}

/// The code will never arrive: whoever asked for it is told for which number, and why.
async fn ends(turn: &mut Turn, code: &str) -> Result<(), Error> {
    // The number the code was for; what the sign-in remembers may be another one.
    let addressee = otp::identifier(&turn.tools, turn.state.work.challenge.as_ref()).await?;
    if let Some(phone) = addressee {
        turn.tell("phone", phone.masked());
    }
    turn.tell("reason", code);
    let why = match sms::reason(code) {
        Reason::OptedOut => "opted_out",
        Reason::Busy | Reason::Misconfigured | Reason::Provider | Reason::Expired => "service",
        _ => "number",
    };
    turn.values.insert("why".to_owned(), why.into());
    turn.state.progress.code_void();
    Ok(())
}

/// The code is as good as it was: which one is meant is told by its reference. It is looked up past `otp::issued`, which
/// asks for the device that the code was sent for: the system speaks from none.
async fn goes_on(turn: &mut Turn) -> Result<(), Error> {
    let (Some(id), Some(conversation)) = (&turn.state.work.challenge, &turn.tools.conversation) else {
        return Ok(());
    };
    if let Some(challenge) = turn.tools.store.challenge(&turn.tools.actor, conversation, id).await? {
        turn.tell("reference", challenge.reference);
        turn.tell("expires_at", challenge.expires_at.to_string());
    }
    Ok(())
}

/// A system message carries no text.
fn nothing_heard() -> Understanding {
    let route = Route::User(SubIntent::Authenticate);
    Understanding::by_rule(route, Entities::default(), "a message could not be delivered")
}
