//! `AuthProgress`: how far somebody has come, as all four agents share it.
//!
//! The record is what a frontend or a pipeline may show; it grants nothing. Rights are derived anew each turn, from the
//! credential presented and the store (see [`Assurance`]).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{DeviceId, Phone, Secret, UserId};

/// How sure the engine is of who is speaking. Each level includes those below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// A device, nothing more.
    Anonymous,
    /// A code sent to the claimed number was given back in this conversation.
    CodeVerified,
    /// A live session was presented, or was made in this turn.
    SignedIn,
    /// A second code of its own was verified for one sensitive act.
    SteppedUp,
}

impl Assurance {
    /// The name used in graph drawings and problems.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::CodeVerified => "code_verified",
            Self::SignedIn => "signed_in",
            Self::SteppedUp => "stepped_up",
        }
    }
}

/// A transition that the order of the flow forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sign-in cannot go to `{to}` before `{missing}`")]
pub struct IllegalJump {
    /// The step that was tried.
    pub to: &'static str,
    /// The step that has to come first.
    pub missing: &'static str,
}

/// The seed's progress record. In what is stored and shown, `otp_code` and `session_token` are always null and `phone`
/// is masked: the code lives for the turn that brings it, the token goes to the caller alone, and the number is sealed
/// in the challenge's row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the seed's record, field by field")]
pub struct AuthProgress {
    /// The account, once it is known.
    pub user_id: Option<UserId>,
    /// The claimed number, masked.
    pub phone: Option<String>,
    /// The device that speaks.
    pub device_id: Option<DeviceId>,

    /// A number was given that a code can be sent to.
    pub phone_collected: bool,
    /// A code is on its way, or was.
    pub otp_sent: bool,
    /// The code was given back.
    pub otp_verified: bool,
    /// Somebody is signed in; computed anew each turn.
    pub user_authenticated: bool,
    /// This conversation made a session.
    pub session_created: bool,

    /// Always null here; kept for the seed's shape.
    pub otp_code: Option<String>,
    /// Codes sent since the last sign-in of this conversation.
    pub otp_send_count: u32,
    /// Wrong tries at the live code.
    pub otp_verification_attempts: u32,
    /// Until when the number is locked.
    #[schemars(with = "Option<String>")]
    pub locked_until: Option<Timestamp>,

    /// The name given.
    pub full_name: Option<String>,
    /// The e-mail given.
    pub email: Option<String>,
    /// Whether the account was made in this conversation.
    pub is_new_user: bool,

    /// Always null here; kept for the seed's shape.
    pub session_token: Option<String>,
    /// The sessions last listed.
    pub active_sessions: Vec<Map<String, Value>>,
    /// The session last pointed at.
    pub selected_session_id: Option<String>,

    /// Whether the device's data was moved.
    pub migration_completed: bool,
    /// What was moved.
    pub migrated_data: Map<String, Value>,
}

impl AuthProgress {
    /// Most codes one conversation may ask for before somebody signs in (D1 c); the limit table can only lower it.
    pub const MAX_SENDS: u32 = 5;

    /// Whether a code can be sent to the number given.
    pub fn is_phone_ready(&self) -> bool {
        self.phone_collected && self.phone.is_some()
    }

    /// Whether another code may be asked for in this conversation, as far as this record tells; `most` is the limit, at
    /// most [`Self::MAX_SENDS`].
    pub fn can_retry_otp(&self, now: Timestamp, most: u32) -> bool {
        self.otp_send_count < most.min(Self::MAX_SENDS) && !self.is_locked(now)
    }

    /// Whether the number is locked.
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| until > now)
    }

    /// Account, number or device: the first that is known. For correlation and limits, never for rights.
    pub fn get_user_identifier(&self) -> Option<&str> {
        (self.user_id.as_ref().map(UserId::as_str))
            .or(self.phone.as_deref())
            .or(self.device_id.as_ref().map(DeviceId::as_str))
    }

    /// A number was given.
    pub fn collect_phone(&mut self, phone: &Phone) {
        self.phone = Some(phone.masked());
        self.phone_collected = true;
        self.otp_sent = false;
        self.otp_verified = false;
        self.otp_verification_attempts = 0;
    }

    /// A code was issued for the number given.
    pub fn code_sent(&mut self) -> Result<(), IllegalJump> {
        require(self.is_phone_ready(), "otp_sent", "phone_collected")?;
        self.otp_sent = true;
        self.otp_verified = false;
        self.otp_send_count = self.otp_send_count.saturating_add(1);
        self.otp_verification_attempts = 0;
        Ok(())
    }

    /// The code was given back.
    pub fn code_verified(&mut self) -> Result<(), IllegalJump> {
        require(self.otp_sent, "otp_verified", "otp_sent")?;
        self.otp_verified = true;
        self.otp_verification_attempts = 0;
        self.locked_until = None;
        Ok(())
    }

    /// A session was made. The token is taken to show that there is one; it is not kept.
    pub fn mark_authenticated(&mut self, user: UserId, _session_token: &Secret) -> Result<(), IllegalJump> {
        require(self.otp_verified, "session_created", "otp_verified")?;
        self.user_id = Some(user);
        self.user_authenticated = true;
        self.session_created = true;
        self.otp_send_count = 0;
        Ok(())
    }

    /// The sign-in's code is worth nothing any more: refused by the provider, cancelled, or met too long ago. Once it made
    /// a session there is nothing left to take back: what ends then is a later code, for something else.
    pub fn code_void(&mut self) {
        if self.session_created {
            return;
        }
        self.otp_sent = false;
        self.otp_verified = false;
        self.otp_verification_attempts = 0;
    }

    /// Begins again. What guards against abuse (the number of codes sent, a lock) stays.
    pub fn start_over(&mut self) {
        *self = Self {
            device_id: self.device_id.take(),
            otp_send_count: self.otp_send_count,
            locked_until: self.locked_until,
            ..Self::default()
        };
    }

    /// Whether the record could have come about step by step; asked of every record that is read back.
    pub fn check(&self) -> Result<(), IllegalJump> {
        require(!self.otp_sent || self.phone_collected, "otp_sent", "phone_collected")?;
        require(!self.otp_verified || self.otp_sent, "otp_verified", "otp_sent")?;
        require(!self.session_created || self.otp_verified, "session_created", "otp_verified")?;
        require(!self.session_created || self.user_id.is_some(), "session_created", "user_id")?;
        require(self.otp_code.is_none(), "otp_code", "nothing: it is never kept")?;
        require(self.session_token.is_none(), "session_token", "nothing: it is never kept")
    }
}

fn require(holds: bool, to: &'static str, missing: &'static str) -> Result<(), IllegalJump> {
    if holds { Ok(()) } else { Err(IllegalJump { to, missing }) }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::model::Randomness;

    fn phone() -> Phone {
        Phone::parse("+14155552671", None).unwrap()
    }

    // S2-7, S2-9
    #[test]
    fn steps_come_in_order_or_not_at_all() {
        let mut progress = AuthProgress::default();
        let user = UserId::new(Timestamp::UNIX_EPOCH, &mut Randomness::seeded(1).stream("user"));
        let token = Secret::new("t");
        assert!(progress.code_sent().is_err() && progress.code_verified().is_err());
        assert!(progress.mark_authenticated(user.clone(), &token).is_err());
        assert_eq!(progress, AuthProgress::default());
        progress.collect_phone(&phone());
        progress.code_sent().unwrap();
        assert!(progress.mark_authenticated(user.clone(), &token).is_err());
        progress.code_verified().unwrap();
        progress.mark_authenticated(user.clone(), &token).unwrap();
        assert!(progress.user_authenticated && progress.session_created && progress.check().is_ok());
        // A later code, for something else, that ends takes nothing of it back.
        progress.code_void();
        assert!(progress.session_created && progress.check().is_ok());
        assert_eq!(
            (progress.user_id, progress.otp_send_count, progress.session_token),
            (Some(user), 0, None)
        );
    }

    // S2-8
    #[test]
    fn the_helpers_read_the_record() {
        let now = Timestamp::UNIX_EPOCH;
        let mut progress = AuthProgress::default();
        assert_eq!((progress.is_phone_ready(), progress.get_user_identifier()), (false, None));
        let mut rng = Randomness::seeded(1).stream("ids");
        let device = DeviceId::new(now, &mut rng);
        progress.device_id = Some(device.clone());
        assert_eq!(progress.get_user_identifier(), Some(device.as_str()));
        progress.collect_phone(&phone());
        assert_eq!(
            (progress.is_phone_ready(), progress.get_user_identifier()),
            (true, Some("+1•••••••2671"))
        );
        let user = UserId::new(now, &mut rng);
        progress.user_id = Some(user.clone());
        assert_eq!(progress.get_user_identifier(), Some(user.as_str()));
        for _ in 0..2 {
            assert!(progress.can_retry_otp(now, 2));
            progress.code_sent().unwrap();
        }
        assert!(!progress.can_retry_otp(now, 2) && progress.can_retry_otp(now, 5));
        progress.locked_until = Some(now + 30.minutes());
        assert!(progress.is_locked(now) && !progress.can_retry_otp(now, 5));
        assert!(!progress.is_locked(now + 30.minutes()));
        progress.start_over();
        assert_eq!((progress.otp_send_count, progress.is_phone_ready()), (2, false));
    }
}
