//! Internal turns: what the engine hears of its own effects, told to the conversation that waits for it.
//!
//! No person's message begins them, so nobody is signed in in them. Each runs one outcome of the question that waits, and
//! changes state and answer in one version-checked transaction, or pushes a new message where the answer was given already.
//! Where the conversation waits for something else by now, nothing is said.
//!
//! A fault in the turn that an outside agent's answer began is told to the conversation once, as a call that failed. If that
//! cannot be told either, the call ends by itself: made again, it would fail again. So does a timer.

use serde_json::json;
use tracing::{error, info};

use super::commit::{Before, StoredAnswer};
use super::observer::{Occasion, Passed};
use super::parked::joined;
use super::run::Start;
use super::turn::Call;
use super::{Engine, Error, checkpoint, outside, silence};
use crate::agent::{State, Turn};
use crate::bus::Answered;
use crate::mask::chain;
use crate::model::{
    Actor, ConversationId, Entities, EventKind, MessageId, NodeResponse, Route, SubIntent, Understanding,
};
use crate::sms::{self, Reason};
use crate::store::conversations::Conversation;
use crate::store::messages::{self, Message, Role};
use crate::store::outbox::{self, Claim, Effect};
use crate::store::{Applied, Unit, challenges, conversations, pending};
use crate::tool::{Toolbox, otp};

/// How often the correction is tried again because the conversation moved.
const MOST_RUNS: usize = 4;

/// The answer that stands instead of one whose code could not be delivered.
pub(super) struct Corrected {
    pub(super) response: NodeResponse,
    pub(super) reply: Option<String>,
    passed: Passed,
}

/// What a correction replaces: the answer the turn still holds.
pub(super) struct Replaces<'a> {
    pub(super) call: &'a Call,
    pub(super) answer: &'a MessageId,
    pub(super) said: &'a NodeResponse,
    /// What its end was joined to: that stands.
    pub(super) before: Option<&'a Before>,
}

/// What became of a code's message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate<'a> {
    /// It will never arrive; why.
    Undeliverable(&'a str),
    /// It is tried again.
    Delayed,
    /// Nobody can tell.
    Uncertain,
    /// It was a call, and this came of it.
    Answered(&'a Answered),
    /// It was a timer, which that claim is on, and nobody answered.
    Silent(Claim<'a>),
}

impl Fate<'_> {
    /// The outcome of the waiting question.
    fn outcome(self) -> &'static str {
        match self {
            Self::Undeliverable(_) => "undeliverable",
            Self::Delayed => "delayed",
            Self::Uncertain => "uncertain",
            Self::Answered(answered) => answered.outcome,
            Self::Silent(_) => "silent",
        }
    }

    /// Whether the conversation waits for that effect.
    fn is_awaited(self, state: &State, effect: &Effect) -> bool {
        match self {
            Self::Answered(_) => state.work.call.as_ref() == Some(&effect.id),
            Self::Silent(_) => state.work.silence.as_ref() == Some(&effect.id),
            _ => state.work.challenge.is_some() && state.work.challenge == effect.challenge,
        }
    }
}

impl Engine {
    /// Tells the conversation what became of an effect; `None` where there is nothing to tell, or nobody to be told.
    pub(super) async fn correct(
        &self,
        effect: &Effect,
        fate: Fate<'_>,
        replaces: Option<&Replaces<'_>>,
    ) -> Result<Option<Corrected>, Error> {
        let error = match self.corrected(effect, fate, replaces).await {
            Err(e) if e.is_of_the_turn() => e,
            other => return other,
        };
        let answered = match fate {
            Fate::Answered(answered) => answered,
            Fate::Silent(_) => {
                self.broke(effect, fate.outcome(), &error);
                return self.moved_on(effect, fate).await;
            }
            _ => return Err(error),
        };
        self.broke(effect, answered.outcome, &error);
        let failed = Answered { outcome: "failed", fields: Vec::new(), ..answered.clone() };
        if answered.outcome != failed.outcome {
            match self.corrected(effect, Fate::Answered(&failed), replaces).await {
                Err(e) if e.is_of_the_turn() => self.broke(effect, failed.outcome, &e),
                other => return other,
            }
        }
        self.moved_on(effect, Fate::Answered(&failed)).await
    }

    /// Says in the log what went wrong, with an id to find it by.
    fn broke(&self, effect: &Effect, outcome: &'static str, error: &Error) {
        let mut rng = self.parts.randomness.stream(&format!("error/{}/{outcome}", effect.id));
        let error_id = MessageId::new(self.now(), &mut rng).as_str().replacen("msg_", "err_", 1);
        let conversation = effect.conversation.as_ref().map(ConversationId::as_str);
        error!(errorId = %error_id, effectId = %effect.id, conversationId = conversation, node = effect.template,
            outcome, error = %chain(error), "Internal turn failed");
    }

    async fn corrected(
        &self,
        effect: &Effect,
        fate: Fate<'_>,
        replaces: Option<&Replaces<'_>>,
    ) -> Result<Option<Corrected>, Error> {
        let Some(id) = &effect.conversation else { return self.moved_on(effect, fate).await };
        for _ in 0..MOST_RUNS {
            let Some(conversation) = self.store().conversation(&Actor::System, id).await? else {
                return self.moved_on(effect, fate).await;
            };
            let state = self.state_of(&conversation)?;
            if !fate.is_awaited(&state, effect) {
                return self.moved_on(effect, fate).await;
            }
            // Corrections are rare; boxed, they don't make the future of every turn larger.
            let decided = Box::pin(self.decided(effect, (conversation, state), fate, replaces));
            let Some((corrected, unit)) = decided.await? else {
                return self.moved_on(effect, fate).await;
            };
            let writes = unit.into_writes();
            let queued: Vec<_> = writes.iter().filter_map(outbox::queued).collect();
            if self.store().apply(&Actor::System, writes).await? == Applied::Done {
                for effect in &queued {
                    self.parts.deliveries.queued(effect);
                }
                if let Some(observer) = &self.parts.observer {
                    observer.tell(&corrected.passed);
                }
                info!(conversationId = %id, action = corrected.response.action.as_str(), "Answer corrected");
                return Ok(Some(corrected));
            }
        }
        Ok(None)
    }

    /// The conversation waits for something else by now, so nobody is told; the code that never arrived still ends, and so
    /// does a call.
    pub(super) async fn moved_on(&self, effect: &Effect, fate: Fate<'_>) -> Result<Option<Corrected>, Error> {
        let writes = match fate {
            Fate::Undeliverable(_) => effect.challenge.iter().map(challenges::void).collect(),
            Fate::Answered(answered) => vec![outside::finish(effect, answered, self.now())],
            Fate::Silent(claim) => vec![outbox::run_out(&effect.id, claim)],
            Fate::Delayed | Fate::Uncertain => return Ok(None),
        };
        match self.store().apply(&Actor::System, writes).await? {
            Applied::Done | Applied::Stale { .. } => Ok(None),
        }
    }

    /// Runs the fate's outcome; `None` where the conversation no longer waits for that code.
    async fn decided(
        &self,
        effect: &Effect,
        (mut conversation, state): (Conversation, State),
        fate: Fate<'_>,
        replaces: Option<&Replaces<'_>>,
    ) -> Result<Option<(Corrected, Unit)>, Error> {
        let seen = conversation.version;
        let before = state.work.clone();
        let tools = self.system_toolbox(effect, &conversation);
        let heard = match fate {
            Fate::Answered(_) => outside::heard(effect),
            Fate::Silent(_) => silence::heard(&before),
            _ => nothing_heard(),
        };
        let mut turn = self.open(tools, heard, state, None).await?;
        match (fate, replaces) {
            (Fate::Answered(answered), _) => outside::hear(&mut turn, answered, &conversation),
            (Fate::Silent(_), _) => silence::hear(&mut turn, &conversation),
            (Fate::Undeliverable(code), _) => ends(&mut turn, code).await?,
            // What was said of the code is as true as it was.
            (_, Some(Replaces { said, .. })) => {
                let said = said.data.iter().filter(|(key, _)| *key != "message");
                said.for_each(|(key, value)| turn.tell(key, value.clone()));
            }
            (_, None) => goes_on(&mut turn).await?,
        }
        let found = turn.state.work.frames.clone();
        let steps = self.run(&mut turn, Start::Told(fate.outcome())).await?;
        let occasion = if replaces.is_some() { Occasion::Turn } else { Occasion::Push };
        let passed = Passed { occasion, ..Passed::of(&turn, (found, steps)) };
        match fate {
            Fate::Silent(_) => silence::ask_on(&mut turn, before),
            _ => self.listen_on(&mut turn, &before.frames),
        }
        let Some(mut response) = turn.response.take() else { return Ok(None) };
        let reply = turn.saying.reply().map(str::to_owned);
        told(effect, (&mut turn, &mut response), fate, replaces);
        let before = replaces.and_then(|replaces| replaces.before);
        if let Some(Before { response: before, session }) = before {
            response = joined(before, response, session.is_some());
        }
        let text = serde_json::to_string(&response)?;
        conversation.state = checkpoint::encode(&turn.state)?;
        if let Some(Replaces { call, answer, .. }) = replaces {
            turn.tools.unit.push(messages::correct(answer, response.message(), Some(&text)));
            let stored = StoredAnswer {
                conversation: conversation.id.clone(),
                response: response.clone(),
                reply: reply.clone(),
                session: before.and_then(|before| before.session.clone()),
                follow_up: None,
                answered_as: None,
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
        Ok(Some((Corrected { response, reply, passed }, unit)))
    }

    fn system_toolbox(&self, effect: &Effect, conversation: &Conversation) -> Toolbox {
        let name = format!("effect:{}", effect.id);
        let rng = self.parts.randomness.stream(&name);
        Toolbox {
            conversation: Some(conversation.id.clone()),
            message_id: name,
            language: self.talk.replies.language(conversation.locale.as_deref()).to_owned(),
            ..self.bare_toolbox(Actor::System, rng)
        }
    }
}

/// What the fate itself changes, beside what its outcome led to.
fn told(
    effect: &Effect,
    (turn, response): (&mut Turn, &mut NodeResponse),
    fate: Fate<'_>,
    replaces: Option<&Replaces<'_>>,
) {
    match (fate, replaces) {
        (Fate::Undeliverable(code), _) => {
            if let Some(challenge) = turn.state.work.challenge.take() {
                turn.tools.unit.push(challenges::void(&challenge));
            }
            turn.tools.audit(EventKind::OtpBlocked, json!({ "reason": "undeliverable", "code": code }));
        }
        (Fate::Answered(answered), _) => {
            response.context.insert("authenticated".into(), turn.owned.into());
            turn.tools.unit.push(outside::finish(effect, answered, turn.tools.now));
        }
        (Fate::Silent(claim), _) => {
            response.context.insert("authenticated".into(), turn.owned.into());
            turn.tools.unit.push(outbox::run_out(&effect.id, claim));
        }
        (Fate::Delayed | Fate::Uncertain, Some(Replaces { said, .. })) => {
            response.context.clone_from(&said.context);
        }
        (Fate::Delayed | Fate::Uncertain, None) => {}
    }
}

/// The message that tells of it, counted in the conversation.
pub(super) fn news(
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
