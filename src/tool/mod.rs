//! Floor 3: the typed functions that agents call and that HTTP routes share.
//!
//! A tool reads the store, judges, and adds guarded writes, audit events and effects to the turn's unit, as data.
//! Nothing it does is visible before the unit is applied, with one exception: `otp::verify_otp` charges a try at once,
//! by itself, so that no rollback gives a free guess. It does not know graphs, texts or HTTP, and no model calls it
//! with anything a guard does not check again.
//!
//! Adding a tool: argument and answer types that derive `JsonSchema`, a function over a [`Toolbox`] that asks for the
//! proof it needs in its signature, under `#[instrument(target = TOOL, skip_all, err)]` for traces (without `err` where it
//! cannot fail), and a row in `registry.rs`.

pub mod account;
mod call;
pub mod contact;
mod counts;
pub mod device;
pub mod identity;
pub mod migration;
pub mod notice;
mod options;
pub mod otp;
mod registry;
pub mod session;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

pub use call::{Callable, Called, call, callable};
pub use options::{Options, SessionLimit};
pub use registry::{Spec, registry};

use crate::bus::Boundaries;
use crate::crypto::{self, Keys, Token};
use crate::limit;
use crate::model::{
    Actor, ConversationId, DeviceId, Event, EventId, EventKind, Phone, SessionId, TurnRng, UserId,
};
use crate::sms::Served;
use crate::store::{self, Store, Unit, Write, audit};

/// A tool that could not do its work; refusals are answers, not errors.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store did not answer, or its content cannot be read.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// A key is missing or sealed data does not open.
    #[error("a key or a sealed value failed")]
    Crypto(#[from] crypto::Error),
    /// A counter's row cannot be read; the limit it keeps is taken as reached.
    #[error("the counter `{0}` holds something that is not a counter")]
    Counter(&'static str),
    /// What is stored cannot be read.
    #[error("the {0} cannot be read")]
    Unreadable(&'static str),
    /// The same guarded row changed under us too often.
    #[error("too many others changed the same row; nothing was done")]
    Contended,
    /// A tool was called outside of a conversation.
    #[error("a conversation is needed")]
    NoConversation,
    /// A tool that is about a number was given a proof of something else.
    #[error("a phone number is needed")]
    NoPhone,
    /// A tool was called by an actor without a device.
    #[error("a device is needed")]
    NoDevice,
}

/// What a tool works with: the unit it adds to, and everything a decision depends on, as arguments.
#[derive(Debug)]
pub struct Toolbox {
    /// The turn's writes.
    pub unit: Unit,
    /// For reads, which are hints; the guards in the unit decide.
    pub store: Store,
    /// Keys.
    pub keys: Arc<Keys>,
    /// Limits.
    pub limits: limit::Options,
    /// The countries that codes are sent to.
    pub served: Served,
    /// Settings of sessions.
    pub options: Options,
    /// Where a process may die.
    pub boundaries: Boundaries,
    /// The moment of the turn.
    pub now: Timestamp,
    /// The randomness of the turn.
    pub rng: TurnRng,
    /// Who acts.
    pub actor: Actor,
    /// The token the device presented.
    pub device_token: Option<Token>,
    /// The number that whoever speaks writes from, where they write text messages: claimed, and proved by nothing (D4).
    pub claimed: Option<Phone>,
    /// Where the request came from.
    pub ip: Option<String>,
    /// The conversation.
    pub conversation: Option<ConversationId>,
    /// The message being answered.
    pub message_id: String,
    /// The language of messages.
    pub language: String,
}

impl Toolbox {
    /// Whether the device stands for whoever writes from a number. It has no token that anybody holds, is trusted by
    /// nobody and keeps no session.
    pub fn is_by_text(&self) -> bool {
        self.claimed.is_some()
    }

    /// Adds an audit event about the actor.
    pub fn audit(&mut self, kind: EventKind, detail: Value) {
        let event = self.event(kind, detail);
        self.unit.push(event);
    }

    /// Adds an audit event about a given account and session.
    pub fn audit_of(
        &mut self,
        kind: EventKind,
        user: Option<UserId>,
        session: Option<SessionId>,
        detail: Value,
    ) {
        let event = self.event_of(kind, user, session, detail);
        self.unit.push(event);
    }

    /// An audit event about the actor, for a transaction of its own.
    pub fn event(&mut self, kind: EventKind, detail: Value) -> Write {
        let (user, session) = (self.actor.user().cloned(), self.actor.session().cloned());
        self.event_of(kind, user, session, detail)
    }

    fn event_of(
        &mut self,
        kind: EventKind,
        user: Option<UserId>,
        session: Option<SessionId>,
        detail: Value,
    ) -> Write {
        audit::insert(&Event {
            id: EventId::new(self.now, &mut self.rng),
            at: self.now,
            kind,
            user,
            device: self.actor.device().cloned(),
            session,
            conversation: self.conversation.clone(),
            ip: self.ip.clone(),
            detail: match detail {
                Value::Object(map) => map,
                _ => Map::new(),
            },
        })
    }

    fn device(&self) -> Result<DeviceId, Error> {
        self.actor.device().cloned().ok_or(Error::NoDevice)
    }
}
