//! What is stored of a conversation, message by message.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Error;
use crate::engine::OUTSIDE;
use crate::model::{
    Action, Actor, ConversationId, DeviceId, EffectId, EventKind, NodeResponse, Owner, UserId,
};
use crate::store::conversations::Conversation;
use crate::store::messages::{Message, Role};
use crate::store::outbox::Effect;
use crate::store::users::User;
use crate::store::{Store, StoredEvent};

/// Messages of one page, and events and effects that are looked at.
const PAGE: u32 = 500;
const MANY: u32 = 10_000;
/// Projects whose conversations are not the chat's.
const ELSEWHERE: [(&str, &str); 2] = [("sms", "by text message"), ("api", "in the fields of a form")];

/// A conversation as it is stored.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) turns: Vec<Turn>,
    /// The account that was there before, where there was one.
    pub(super) account: Option<Account>,
    /// What the person, and what is theirs, is called as far as that is stored.
    pub(super) names: Vec<String>,
}

/// A message and its answer.
#[derive(Debug)]
pub(super) struct Turn {
    /// The message's number in the conversation.
    pub(super) number: i64,
    pub(super) at: Timestamp,
    /// The message, masked.
    pub(super) text: String,
    pub(super) answer: NodeResponse,
    /// What happened from then until the next message.
    pub(super) events: Vec<StoredEvent>,
    pub(super) effects: Vec<Effect>,
}

/// An account that is older than the conversation.
#[derive(Debug)]
pub(super) struct Account {
    /// What the conversation's device was to it.
    pub(super) device: Device,
    pub(super) name: Option<String>,
    /// What its e-mail address begins with, where it had one.
    pub(super) email: Option<char>,
    /// How old it was.
    pub(super) age: SignedDuration,
    /// Whether it had not been used for so long that its number proved nothing.
    pub(super) is_old: bool,
}

/// What a device is to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Device {
    /// Somebody was signed in from the first message on.
    SignedIn,
    /// A code of the account was given back there before.
    Trusted,
    /// It knows nothing of it.
    New,
}

impl Turn {
    /// A text of the answer's data.
    pub(super) fn data(&self, key: &str) -> Option<&str> {
        self.answer.data.get(key).and_then(Value::as_str)
    }

    /// A text of the answer's context.
    pub(super) fn context(&self, key: &str) -> Option<&str> {
        self.answer.context.get(key).and_then(Value::as_str)
    }

    /// Whether an event of that kind came with it.
    pub(super) fn has(&self, kind: &str) -> bool {
        self.events.iter().any(|event| event.kind == kind)
    }
}

impl Story {
    /// Reads a conversation.
    pub(super) async fn read(store: &Store, id: &ConversationId) -> Result<Self, Error> {
        let conversation = store.conversation(&Actor::System, id).await?;
        let conversation = conversation.ok_or_else(|| Error::NotThere(id.clone()))?;
        if let Some((_, how)) = ELSEWHERE.iter().find(|(project, _)| *project == conversation.project) {
            return Err(Error::Elsewhere(how));
        }
        let events = store.events(&Actor::System, id, None, MANY).await?;
        // What people said to each other is theirs, and no answer of the engine's.
        if events.iter().any(|event| event.kind == EventKind::HandoffBegan.as_str()) {
            return Err(Error::Elsewhere("in part by a person at the operator's desk"));
        }
        let messages = messages(store, id).await?;
        let mut effects = store.effects_of(&Actor::System, id, MANY).await?;
        can_be_told(&effects, &messages)?;
        let mut turns = pairs(messages)?;
        let events = store.events(&Actor::System, id, None, MANY).await?;
        effects.extend(notices(store, &events).await?);
        let times: Vec<Timestamp> = turns.iter().map(|turn| turn.at).collect();
        let of = |at: Timestamp| times.partition_point(|time| *time <= at).checked_sub(1);
        let device = events.iter().find_map(|event| event.device.clone()).or(match &conversation.owner {
            Owner::Device(device) => Some(device.clone()),
            Owner::User(_) => None,
        });
        for event in events {
            if let Some(turn) = of(event.at).and_then(|at| turns.get_mut(at)) {
                turn.events.push(event);
            }
        }
        for effect in effects {
            if let Some(turn) = of(effect.created_at).and_then(|at| turns.get_mut(at)) {
                turn.effects.push(effect);
            }
        }
        let user = user_of(store, &conversation, &turns).await?;
        let names = names(&conversation, user.as_ref(), &turns);
        let account = account(store, user, (&turns, device)).await?;
        Ok(Self { turns, account, names })
    }
}

async fn messages(store: &Store, id: &ConversationId) -> Result<Vec<Message>, Error> {
    let mut all: Vec<Message> = Vec::new();
    loop {
        let before = all.last().map(|message| message.seq);
        let page = store.messages(&Actor::System, id, before, PAGE).await?;
        if page.is_empty() {
            all.reverse();
            return Ok(all);
        }
        all.extend(page);
    }
}

/// Messages with their answers. What the engine said of itself has no message that a scenario could send.
fn pairs(messages: Vec<Message>) -> Result<Vec<Turn>, Error> {
    let mut turns = Vec::new();
    let mut said: Option<Message> = None;
    for message in messages {
        match (message.role, said.take()) {
            (Role::User, None) => said = Some(message),
            (Role::Assistant, Some(asked)) => {
                let stored = message.response.as_deref().unwrap_or_default();
                let answer = serde_json::from_str(stored)
                    .map_err(|e| Error::cannot(message.seq, format!("its answer cannot be read: {e}")))?;
                turns.push(Turn {
                    number: asked.seq,
                    at: asked.created_at,
                    text: asked.content,
                    answer,
                    events: Vec::new(),
                    effects: Vec::new(),
                });
            }
            (Role::User, Some(asked)) => {
                return Err(Error::cannot(asked.seq, "it has no answer".to_owned()));
            }
            (Role::Assistant | Role::System, _) => {
                let what = "the engine said it of itself, after a report of what became of a message, an outside agent's \
                            answer or silence, and a scenario is made of messages; capture a conversation without one";
                return Err(Error::cannot(message.seq, what.to_owned()));
            }
        }
    }
    match said {
        Some(asked) => Err(Error::cannot(asked.seq, "it has no answer".to_owned())),
        None if turns.is_empty() => Err(Error::Empty),
        None => Ok(turns),
    }
}

/// What an outside agent answered is not kept, so nobody can have it say that again.
fn can_be_told(effects: &[Effect], messages: &[Message]) -> Result<(), Error> {
    let Some(call) = effects.iter().find(|effect| effect.kind == OUTSIDE) else { return Ok(()) };
    let asked = messages.iter().rev().find(|m| m.role == Role::User && m.created_at <= call.created_at);
    let agent = call.template.split('.').next().unwrap_or_default();
    let what = format!(
        "the agent `{agent}` called its service, and what that answered is not kept; write the scenario by hand, with a line \
         `& backend STATUS BODY`"
    );
    Err(Error::cannot(asked.map_or(1, |message| message.seq), what))
}

/// Notices to the contacts of an account, which are no conversation's: events name them.
async fn notices(store: &Store, events: &[StoredEvent]) -> Result<Vec<Effect>, Error> {
    let mut found = Vec::new();
    for event in events.iter().filter(|event| event.kind == EventKind::ContactOldNotified.as_str()) {
        let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
        let id = detail.get("effect").and_then(Value::as_str).and_then(|id| EffectId::parse(id).ok());
        if let Some(id) = id {
            found.extend(store.effect(&Actor::System, &id).await?);
        }
    }
    Ok(found)
}

/// The account of whoever speaks, where somebody signed in.
async fn user_of(store: &Store, conversation: &Conversation, turns: &[Turn]) -> Result<Option<User>, Error> {
    let told = turns.iter().find_map(|turn| UserId::parse(turn.data("user_id")?).ok());
    let id = match &conversation.owner {
        Owner::User(user) => Some(user.clone()),
        Owner::Device(_) => told,
    };
    match id {
        Some(id) => Ok(store.user(&Actor::System, &id).await?),
        None => Ok(None),
    }
}

async fn account(
    store: &Store,
    user: Option<User>,
    (turns, device): (&[Turn], Option<DeviceId>),
) -> Result<Option<Account>, Error> {
    let (Some(user), Some(first)) = (user, turns.first()) else { return Ok(None) };
    if user.created_at >= first.at {
        return Ok(None);
    }
    let trust = match &device {
        Some(device) => store.trust(&Actor::System, &user.id, device).await?,
        None => None,
    };
    let had_email = user.email_verified_at.is_some_and(|at| at < first.at);
    let is_signed_in = first.answer.context.get("authenticated") == Some(&Value::Bool(true));
    Ok(Some(Account {
        device: match trust {
            _ if is_signed_in => Device::SignedIn,
            Some(trust) if trust.made_at < first.at => Device::Trusted,
            _ => Device::New,
        },
        name: name_before(turns, user.full_name),
        email: user.email.as_deref().filter(|_| had_email).and_then(|email| email.chars().next()),
        age: first.at.duration_since(user.created_at),
        is_old: turns.iter().any(|turn| turn.answer.action == Action::SecondProofRequired),
    }))
}

/// What the account was called before the conversation: what is first shown in it, unless that was changed before.
fn name_before(turns: &[Turn], now: Option<String>) -> Option<String> {
    let changed = turns.iter().position(|turn| turn.has(EventKind::NameChanged.as_str()));
    let before = turns.get(..changed.unwrap_or(turns.len())).unwrap_or_default();
    let shown = before.iter().find_map(|turn| turn.data("full_name").map(str::to_owned));
    shown.or(now.filter(|_| changed.is_none()))
}

/// Every name that answers, state and account tell.
fn names(conversation: &Conversation, user: Option<&User>, turns: &[Turn]) -> Vec<String> {
    let mut found: BTreeSet<String> = user.and_then(|user| user.full_name.clone()).into_iter().collect();
    let state: Value = serde_json::from_str(&conversation.state).unwrap_or_default();
    found.extend(state.pointer("/progress/full_name").and_then(Value::as_str).map(str::to_owned));
    for turn in turns {
        let told = ["full_name", "updated_value", "value"].into_iter().filter_map(|key| turn.data(key));
        found.extend(told.filter(|text| !text.contains('•')).map(str::to_owned));
    }
    found.into_iter().collect()
}
