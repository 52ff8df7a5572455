//! Codes: sending, checking, and what a verified one proves (D1, D2, D3, D5).
//!
//! A code is asked for an *identifier* (a number, an address), by which tries and codes are counted, and goes to a
//! *destination*: the identifier itself, or the verified e-mail address of its account.

mod account;
mod budget;
mod send;
mod step_up;
mod trust;
mod verify;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use account::{
    CheckUserExists, CheckUserExistsAnswer, CreateUser, CreateUserAnswer, check_user_exists, create_user,
};
pub use budget::forget_sends;
pub use send::{send_by_email, send_code, send_otp};
pub use step_up::{SteppedUp, own_contact, send_step_up, stepped_up, verified_email};
pub use verify::{Issued, code_of, identifier, is_replay, issued, told, verified, verify_otp};

use super::Toolbox;
use crate::model::{ChallengeId, Contact, EffectId, Phone, SessionId, UserId};

/// The channel a code was asked to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Text message.
    Sms,
    /// E-mail.
    Email,
}

impl Route {
    /// The name as stored and as messages' templates begin with.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }
}

/// A code to be sent.
#[derive(Debug, Clone)]
pub struct Order {
    /// Whom it is for: tries and codes are counted by it.
    pub identifier: Contact,
    /// Where it goes; `None` is nowhere.
    pub to: Option<Contact>,
    /// The channel it takes, or seems to.
    pub route: Route,
    /// What it is good for.
    pub purpose: Purpose,
    /// The account it is about, where that is known.
    pub user: Option<UserId>,
    /// The session whose act it stands for.
    pub session: Option<SessionId>,
}

/// An order's identifier and destination, as sealed in the challenge's row.
#[derive(Debug, Serialize, Deserialize)]
struct Sealed {
    kind: String,
    identifier: String,
    to_kind: Option<String>,
    to: String,
}

impl Order {
    /// A code that goes to the identifier itself.
    pub fn to(identifier: Contact, purpose: Purpose) -> Self {
        let route = if identifier.phone().is_some() { Route::Sms } else { Route::Email };
        Self { to: Some(identifier.clone()), identifier, route, purpose, user: None, session: None }
    }

    fn sealed(&self) -> Sealed {
        Sealed {
            kind: self.identifier.kind().to_owned(),
            identifier: self.identifier.address().to_owned(),
            to_kind: self.to.as_ref().map(|to| to.kind().to_owned()),
            to: self.to.as_ref().map_or_else(String::new, |to| to.address().to_owned()),
        }
    }
}

/// What a code is for. A code for one purpose is worth nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Signing in, with or without an account; which of the two shows after the code (D5).
    #[serde(alias = "register", alias = "registration")]
    Login,
    /// A second proof of who somebody is, by the account's e-mail address (D35).
    VerifyEmail,
    /// A new phone number.
    ChangePhone,
    /// A new e-mail address.
    ChangeEmail,
    /// One sensitive act of a session (D35).
    StepUp,
}

impl Purpose {
    /// The name as stored and as bound into the code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::VerifyEmail => "verify_email",
            Self::ChangePhone => "change_phone",
            Self::ChangeEmail => "change_email",
            Self::StepUp => "step_up",
        }
    }

    /// The message that carries its code: it says what the code is for where that is not signing in, so that nobody
    /// reads it out to somebody who asked for it under another name.
    fn template(self, route: Route) -> &'static str {
        match (route, self) {
            (Route::Sms, Self::Login | Self::VerifyEmail) => "sms.code",
            (Route::Sms, Self::ChangePhone | Self::ChangeEmail) => "sms.change",
            (Route::Sms, Self::StepUp) => "sms.step_up",
            (Route::Email, Self::Login) => "email.code",
            (Route::Email, Self::VerifyEmail) => "email.proof",
            (Route::Email, Self::ChangePhone | Self::ChangeEmail) => "email.change",
            (Route::Email, Self::StepUp) => "email.step_up",
        }
    }
}

/// Arguments of `send_otp`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SendOtp {
    /// Where to.
    pub phone_number: Phone,
    /// What for.
    pub purpose: Purpose,
}

/// What `send_otp` answers.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum SendOtpAnswer {
    /// A code was issued and its message queued.
    Sent {
        /// The challenge.
        challenge_id: ChallengeId,
        /// The queued message.
        effect_id: EffectId,
        /// Two letters that the message shows too.
        reference: String,
        /// When the code ends.
        #[schemars(with = "String")]
        expires_at: Timestamp,
        /// Codes this conversation has asked for, this one included.
        in_conversation: u32,
    },
    /// Too many, or too soon after the last; the next one fits then.
    Limited {
        /// When.
        #[schemars(with = "String")]
        until: Timestamp,
    },
    /// This conversation asked for too many; it may ask again then.
    Exhausted {
        /// When.
        #[schemars(with = "String")]
        until: Timestamp,
    },
    /// The number is locked after wrong codes; nothing was sent.
    Locked {
        /// Until when.
        #[schemars(with = "String")]
        until: Timestamp,
    },
    /// No message can be sent to this number.
    Unreachable,
    /// No code is sent to numbers of its country.
    CountryNotServed,
}

/// Arguments of `verify_otp`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct VerifyOtp {
    /// The challenge whose code is given; `None` where none was issued.
    pub challenge_id: Option<ChallengeId>,
    /// The digits given.
    pub otp_code: String,
    /// What for.
    pub purpose: Purpose,
}

/// What `verify_otp` answers.
#[must_use]
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum VerifyOtpAnswer {
    /// The code is right, and used up.
    Accepted(CodeVerified),
    /// The code is wrong.
    Rejected {
        /// Tries left at this code.
        left: u32,
    },
    /// Not the length of a code; no try was charged.
    Malformed {
        /// The length it has.
        digits: u32,
    },
    /// The code is too old.
    Expired,
    /// Too many wrong tries: the code is dead.
    Exhausted,
    /// The number is locked after wrong codes over several challenges.
    Locked {
        /// Until when.
        #[schemars(with = "String")]
        until: Timestamp,
    },
    /// There is no live code.
    NoCode,
}

/// Proof that a code for `identifier` was given back in this conversation, on this device, a short time ago. Only
/// `verify_otp` and [`verified`] make one.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CodeVerified {
    challenge: ChallengeId,
    purpose: Purpose,
    #[serde(skip)]
    #[schemars(skip)]
    identifier: Contact,
    by_email: bool,
    user: Option<UserId>,
    wrong_before: bool,
}

impl CodeVerified {
    /// Whether wrong codes came before the right one.
    pub fn wrong_before(&self) -> bool {
        self.wrong_before
    }

    /// The challenge that was met.
    pub fn challenge(&self) -> &ChallengeId {
        &self.challenge
    }

    /// What the code was good for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Whether the code went to an e-mail address.
    pub fn is_by_email(&self) -> bool {
        self.by_email
    }

    /// Whom the code was for.
    pub fn identifier(&self) -> &Contact {
        &self.identifier
    }

    /// The number, if it was for one.
    pub fn phone(&self) -> Option<&Phone> {
        self.identifier.phone()
    }

    /// The account the code was about, where it was issued for one.
    pub fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// What an account with that identifier is found by.
    pub fn identifier_key(&self, tools: &Toolbox) -> Vec<u8> {
        tools.keys.lookup(self.identifier.kind(), self.identifier.identity())
    }
}
