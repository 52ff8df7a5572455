//! Floor 3: the typed functions that agents call and that HTTP routes share.
//!
//! A tool reads the store, judges, and adds guarded writes, audit events and effects to the turn's unit, as data.
//! Nothing it does is visible before the unit is applied, with one exception: `otp::verify_otp` charges a try at once,
//! by itself, so that no rollback gives a free guess. It does not know graphs, texts or HTTP, and no model calls it
//! with anything a guard does not check again.
//!
//! Adding a tool: argument and answer types that derive `JsonSchema`, a function over a [`Toolbox`] that asks for the
//! proof it needs in its signature, and a row in [`registry`].

pub mod contact;
mod counts;
pub mod device;
pub mod identity;
pub mod notice;
mod options;
pub mod otp;
pub mod session;

use std::sync::Arc;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value};

pub use options::{Options, SessionLimit};

use crate::bus::Boundaries;
use crate::crypto::{self, Keys, Token};
use crate::limit;
use crate::model::{Actor, ConversationId, DeviceId, Event, EventId, EventKind, SessionId, TurnRng, UserId};
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

/// A tool as others see it.
#[derive(Debug, Serialize)]
pub struct Spec {
    /// The name from seed 002.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// What it takes.
    pub parameters: Schema,
    /// What it answers.
    pub answer: Schema,
}

fn spec<A: JsonSchema, R: JsonSchema>(name: &'static str, description: &'static str) -> Spec {
    let schema = |of: fn(&mut SchemaGenerator) -> Schema| of(&mut SchemaGenerator::default());
    Spec {
        name,
        description,
        parameters: schema(SchemaGenerator::root_schema_for::<A>),
        answer: schema(SchemaGenerator::root_schema_for::<R>),
    }
}

/// Every tool.
pub fn registry() -> Vec<Spec> {
    vec![
        spec::<otp::SendOtp, otp::SendOtpAnswer>("send_otp", "Sends a one-time code to a phone number."),
        spec::<otp::VerifyOtp, otp::VerifyOtpAnswer>("verify_otp", "Checks the code that was sent last."),
        spec::<otp::CheckUserExists, otp::CheckUserExistsAnswer>(
            "check_user_exists",
            "Finds the account of a verified phone number. Internal: it asks for the proof of a verified code.",
        ),
        spec::<otp::CreateUser, otp::CreateUserAnswer>(
            "create_user",
            "Makes an account for a verified phone number.",
        ),
        spec::<identity::GetUserIdentity, identity::UserIdentity>(
            "get_user_identity",
            "Shows what is known of the person, contacts masked without a fresh step-up.",
        ),
        spec::<identity::UpdateUserName, identity::UpdateUserNameAnswer>(
            "update_user_name",
            "Gives the person another name.",
        ),
        spec::<identity::UpdateUserEmail, Option<otp::SendOtpAnswer>>(
            "update_user_email",
            "Sends a code to a new e-mail address, after a step-up.",
        ),
        spec::<identity::UpdateUserPhone, otp::SendOtpAnswer>(
            "update_user_phone",
            "Sends a code to a new phone number, after a step-up.",
        ),
        spec::<identity::UpdateUserProfile, identity::UpdateUserProfileAnswer>(
            "update_user_profile",
            "Changes several fields: the name at once, contacts after a step-up and a code each.",
        ),
        spec::<session::CreateSession, session::CreateSessionAnswer>(
            "create_session",
            "Signs an account in on the device that verified the code.",
        ),
        spec::<session::GetActiveSessions, session::ActiveSessions>(
            "get_active_sessions",
            "Lists the person's live sessions.",
        ),
        spec::<session::RevokeSession, session::RevokeSessionAnswer>(
            "revoke_session",
            "Ends one of the person's sessions.",
        ),
        spec::<session::RevokeAllSessions, session::RevokeAllSessionsAnswer>(
            "revoke_all_sessions",
            "Ends the person's other sessions, or all of them and the trust in every device.",
        ),
        spec::<session::GetUserDevices, session::OwnDevices>(
            "get_user_devices",
            "Lists the devices the person signed in on.",
        ),
        spec::<session::UpdateDeviceName, session::UpdateDeviceNameAnswer>(
            "update_device_name",
            "Gives one of the person's devices a name.",
        ),
        spec::<session::ForgetDevice, session::ForgetDeviceAnswer>(
            "forget_device",
            "Forgets one of the person's devices: its sessions and its trust end.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_object_parameters_and_a_description() {
        for tool in registry() {
            let parameters = tool.parameters.as_value();
            assert_eq!(parameters["type"], "object", "{}", tool.name);
            assert!(tool.description.ends_with('.'), "{}", tool.name);
        }
    }
}
