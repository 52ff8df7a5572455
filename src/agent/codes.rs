//! Codes as every agent uses them: what a request for one came to, and what one that was given back is worth, told in
//! the same words wherever it happens.

use jiff::Timestamp;
use serde_json::json;

use super::handler::outcomes;
use super::{Error, Turn};
use crate::model::{EventKind, Unreachable};
use crate::tool::otp::{self, CodeVerified, Purpose, Route, SendOtpAnswer, VerifyOtp, VerifyOtpAnswer};

outcomes! {
    /// What became of the request for a code.
    SendOutcome {
        /// A code is on its way.
        Sent = "sent",
        /// Too soon or too many, and this conversation has a live code.
        Wait = "wait",
        /// Too soon or too many, and it has none.
        Limited = "limited",
        /// This conversation asked for too many.
        Exhausted = "exhausted",
        /// The number is locked.
        Locked = "locked",
        /// There is nobody to send one to.
        Missing = "missing",
    }
}

outcomes! {
    /// The same of a code by text message, which goes to some countries and not to others.
    TextOutcome {
        /// A code is on its way.
        Sent = "sent",
        /// Too soon or too many, and this conversation has a live code.
        Wait = "wait",
        /// Too soon or too many, and it has none.
        Limited = "limited",
        /// This conversation asked for too many.
        Exhausted = "exhausted",
        /// The number is locked.
        Locked = "locked",
        /// No code goes to the number's country.
        Country = "country",
        /// There is nobody to send one to.
        Missing = "missing",
    }
}

impl From<SendOutcome> for TextOutcome {
    fn from(outcome: SendOutcome) -> Self {
        match outcome {
            SendOutcome::Sent => Self::Sent,
            SendOutcome::Wait => Self::Wait,
            SendOutcome::Limited => Self::Limited,
            SendOutcome::Exhausted => Self::Exhausted,
            SendOutcome::Locked => Self::Locked,
            SendOutcome::Missing => Self::Missing,
        }
    }
}

outcomes! {
    /// The same where it is known whom the code is for.
    KnownSendOutcome {
        /// A code is on its way.
        Sent = "sent",
        /// Too soon or too many, and this conversation has a live code.
        Wait = "wait",
        /// Too soon or too many, and it has none.
        Limited = "limited",
        /// This conversation asked for too many.
        Exhausted = "exhausted",
        /// The number is locked.
        Locked = "locked",
    }
}

impl SendOutcome {
    /// The outcome of a handler that cannot run without somebody to send to.
    pub(super) fn known(self, at: &'static str) -> Result<KnownSendOutcome, Error> {
        Ok(match self {
            Self::Sent => KnownSendOutcome::Sent,
            Self::Wait => KnownSendOutcome::Wait,
            Self::Limited => KnownSendOutcome::Limited,
            Self::Exhausted => KnownSendOutcome::Exhausted,
            Self::Locked => KnownSendOutcome::Locked,
            Self::Missing => return Err(Error::Unproven(at)),
        })
    }
}

/// A code that was asked for.
pub(super) struct Asked {
    /// The channel it takes.
    pub(super) route: Route,
    /// Where it goes, masked, where that may be said.
    pub(super) to: Option<String>,
    /// Whether a code for the same contact lives.
    pub(super) live: bool,
}

/// Notes what the tool answered in the state and in the reply's data.
pub(super) fn note_sent(turn: &mut Turn, answer: SendOtpAnswer, asked: Asked) -> Result<SendOutcome, Error> {
    Ok(match answer {
        SendOtpAnswer::Sent { challenge_id, effect_id, reference, expires_at, .. } => {
            turn.state.work.challenge = Some(challenge_id);
            turn.tell("channel", asked.route.as_str());
            if asked.route == Route::Sms {
                // What a mail server says of an address, and how soon, would tell whether there is one.
                turn.granted.effect = Some(effect_id);
            }
            if let Some(to) = asked.to {
                turn.tell(if asked.route == Route::Sms { "phone" } else { "email" }, to);
            }
            turn.tell("reference", reference);
            turn.tell("expires_at", expires_at.to_string());
            let minutes = turn.tools.limits.otp_expiry_minutes;
            turn.values.insert("minutes".into(), minutes.into());
            SendOutcome::Sent
        }
        SendOtpAnswer::Limited { until } => {
            wait(turn, until)?;
            if asked.live { SendOutcome::Wait } else { SendOutcome::Limited }
        }
        SendOtpAnswer::Exhausted { until } => {
            wait(turn, until)?;
            SendOutcome::Exhausted
        }
        SendOtpAnswer::Locked { until } => {
            locked(turn, until);
            SendOutcome::Locked
        }
        SendOtpAnswer::Unreachable | SendOtpAnswer::CountryNotServed => SendOutcome::Missing,
    })
}

/// Notes that no code goes to the number's country, in the same words whether or not there is an account (D5).
pub(super) fn note_country(turn: &mut Turn, field: &'static str) {
    turn.tell("field", field);
    turn.tell("reason", "country_not_served");
}

/// Notes that no message can be sent to the number. One to a landline or a special number is refused and seen: by some of
/// them somebody earns. One that nobody has is a slip.
pub(super) fn note_unreachable(turn: &mut Turn, (field, why): (&'static str, Unreachable)) {
    turn.tell("field", field);
    turn.tell("reason", why.code());
    if why != Unreachable::NoSuch {
        turn.tools.audit(EventKind::OtpBlocked, json!({ "reason": why.code() }));
    }
}

/// What a code that was given back is worth.
pub(super) enum Checked {
    Accepted(CodeVerified),
    Rejected,
    Malformed,
    Expired,
    Exhausted,
    Locked,
    NoCode,
}

/// Checks the code that was said against the challenge issued last.
pub(super) async fn check(turn: &mut Turn, purpose: Purpose) -> Result<Checked, Error> {
    // A text that is no code at all is judged like one of the wrong length: whether there is a code comes first.
    let otp_code = turn.heard.entities.otp_code.clone().unwrap_or_default();
    let ask = VerifyOtp { challenge_id: turn.state.work.challenge.clone(), otp_code, purpose };
    Ok(match otp::verify_otp(&mut turn.tools, ask).await? {
        VerifyOtpAnswer::Accepted(proof) => Checked::Accepted(proof),
        VerifyOtpAnswer::Rejected { left } => {
            turn.state.progress.otp_verification_attempts += 1;
            turn.tell("attempts_left", left);
            Checked::Rejected
        }
        VerifyOtpAnswer::Malformed { digits } => {
            turn.values.insert("digits".into(), digits.into());
            Checked::Malformed
        }
        VerifyOtpAnswer::Expired => Checked::Expired,
        VerifyOtpAnswer::Exhausted => {
            turn.tell("attempts_left", 0);
            Checked::Exhausted
        }
        VerifyOtpAnswer::Locked { until } => {
            locked(turn, until);
            Checked::Locked
        }
        VerifyOtpAnswer::NoCode => Checked::NoCode,
    })
}

/// The outcomes of a handler that checks a code; `accepted` grants the level named.
macro_rules! checked {
    ($(#[$doc:meta])* $name:ident grants $level:ident) => {
        $crate::agent::handler::outcomes! {
            $(#[$doc])*
            $name {
                /// It is right.
                Accepted = "accepted" grants $level,
                /// It is wrong.
                Rejected = "rejected",
                /// It has not the length of a code; no try was charged.
                Malformed = "malformed",
                /// It is too old.
                Expired = "expired",
                /// That was the last try at it.
                Exhausted = "exhausted",
                /// Too many wrong codes were tried.
                Locked = "locked",
                /// There is no live code to compare with.
                NoCode = "no_code",
            }
        }

        impl $name {
            /// The outcome, and the proof of a code that is right.
            fn of(checked: $crate::agent::codes::Checked) -> (Self, Option<$crate::tool::otp::CodeVerified>) {
                use $crate::agent::codes::Checked;
                match checked {
                    Checked::Accepted(proof) => (Self::Accepted, Some(proof)),
                    Checked::Rejected => (Self::Rejected, None),
                    Checked::Malformed => (Self::Malformed, None),
                    Checked::Expired => (Self::Expired, None),
                    Checked::Exhausted => (Self::Exhausted, None),
                    Checked::Locked => (Self::Locked, None),
                    Checked::NoCode => (Self::NoCode, None),
                }
            }
        }
    };
}
pub(super) use checked;

fn wait(turn: &mut Turn, until: Timestamp) -> Result<(), Error> {
    let now = turn.tools.now;
    turn.tell("retry_after", seconds(now, until));
    let (n, unit) = length(now, until);
    let mut values = serde_json::Map::new();
    values.insert("n".into(), n.into());
    values.insert("unit".into(), unit.into());
    let spoken = turn.replies.say(&turn.tools.language, "general.wait", &values)?;
    turn.values.insert("wait".into(), spoken.into());
    Ok(())
}

fn locked(turn: &mut Turn, until: Timestamp) {
    let minutes = seconds(turn.tools.now, until).div_ceil(60);
    turn.state.progress.locked_until = Some(until);
    turn.tell("locked_until", until.to_string());
    turn.values.insert("minutes".into(), minutes.into());
}

/// Whole seconds until then, at least one.
fn seconds(now: Timestamp, until: Timestamp) -> u64 {
    let micros = until.as_microsecond() - now.as_microsecond();
    u64::try_from(micros).unwrap_or(0).div_ceil(1_000_000).max(1)
}

/// A length of time in the unit that people say it in.
fn length(now: Timestamp, until: Timestamp) -> (u64, &'static str) {
    match seconds(now, until) {
        s @ 0..=90 => (s, "second"),
        s @ 91..=5_400 => (s.div_ceil(60), "minute"),
        s => (s.div_ceil(3_600), "hour"),
    }
}
