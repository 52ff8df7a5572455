//! The way in: who is already signed in, and which number a code goes to.

use serde_json::Value;

use crate::agent::codes;
use crate::agent::handler::outcomes;
use crate::agent::{Error, Handler, Turn};
use crate::model::{Control, Slot};
use crate::tool::otp::{self, Issued, Purpose, Route};

outcomes! {
    /// Where a sign-in stands when somebody asks for it.
    BeginOutcome {
        /// There is nothing to do.
        SignedIn = "signed_in",
        /// A code is on its way in this conversation.
        CodePending = "code_pending",
        /// The code was met, and a second proof is waited for.
        SecondPending = "second_pending",
        /// The code was met; the name is missing.
        Verified = "verified" grants CodeVerified,
        /// From the start.
        Fresh = "fresh",
    }
}

/// Looks where this conversation's sign-in stands.
#[derive(Debug)]
pub struct Begin;

impl Handler for Begin {
    const NAME: &'static str = "begin";
    type Outcome = BeginOutcome;

    async fn run(turn: &mut Turn) -> Result<BeginOutcome, Error> {
        if turn.is_signed_in() {
            note_replay(turn).await?;
            let name = turn.user.as_ref().and_then(|u| u.full_name.clone()).unwrap_or_default();
            turn.values.insert("name".into(), name.into());
            if let Some(user) = &turn.user {
                turn.data.insert("user_id".into(), user.id.as_str().into());
            }
            return Ok(BeginOutcome::SignedIn);
        }
        // Whoever writes from a number signs in with that one, whichever they name.
        if turn.heard.entities.phone.is_some() && !turn.tools.is_by_text() {
            return Ok(BeginOutcome::Fresh);
        }
        let first = turn.state.work.first_proof.as_ref();
        if otp::verified(&turn.tools, first, Purpose::Login).await?.is_some() {
            return Ok(BeginOutcome::SecondPending);
        }
        if let Some(proof) =
            otp::verified(&turn.tools, turn.state.work.challenge.as_ref(), Purpose::Login).await?
        {
            turn.assurance = crate::model::Assurance::CodeVerified;
            turn.proof = Some(proof);
            return Ok(BeginOutcome::Verified);
        }
        Ok(if code_pending(turn).await? { BeginOutcome::CodePending } else { BeginOutcome::Fresh })
    }
}

/// D3: a code that comes again after the login is told apart from one that was never right.
async fn note_replay(turn: &mut Turn) -> Result<(), Error> {
    let Some(code) = turn.heard.entities.otp_code.clone() else { return Ok(()) };
    if otp::is_replay(&turn.tools, turn.state.work.challenge.as_ref(), &code).await? {
        turn.tools.audit(crate::model::EventKind::OtpReplay, Value::Null);
    }
    Ok(())
}

/// Whether this conversation waits for a live code to sign in with; if so, where it went is told again.
async fn code_pending(turn: &mut Turn) -> Result<bool, Error> {
    let last = otp::issued(&turn.tools, turn.state.work.challenge.as_ref()).await?;
    let is_login = |i: &Issued| i.challenge.purpose == Purpose::Login.as_str();
    let last = last.filter(is_login).filter(|i| i.challenge.is_live(turn.tools.now));
    let Some(issued) = last else { return Ok(false) };
    tell_where(turn, &issued);
    turn.tell("expires_at", issued.challenge.expires_at.to_string());
    Ok(true)
}

/// Where the last code went, as far as that may be said: an e-mail address is the account's, and not even whether there
/// is one shows (D5).
fn tell_where(turn: &mut Turn, issued: &Issued) {
    for (key, value) in whereabouts(Some(issued)) {
        turn.data.insert(key.to_owned(), value);
    }
}

/// The same as values of a reply; null where no code is known.
pub(in crate::agent) fn whereabouts(issued: Option<&Issued>) -> [(&'static str, Value); 3] {
    let Some(issued) = issued else { return ["channel", "phone", "reference"].map(|key| (key, Value::Null)) };
    let is_by_email = issued.challenge.channel == Route::Email.as_str();
    let phone = if is_by_email { Value::Null } else { issued.identifier.masked().into() };
    [
        ("channel", issued.challenge.channel.as_str().into()),
        ("phone", phone),
        ("reference", issued.challenge.reference.as_str().into()),
    ]
}

outcomes! {
    /// Whether there is a number to send to.
    CollectPhoneOutcome {
        /// There is.
        Ready = "ready",
        /// None was given.
        Missing = "missing",
        /// What was given is not one, or nothing can be sent to it.
        Invalid = "invalid",
    }
}

/// Takes the number from what was said.
#[derive(Debug)]
pub struct CollectPhone;

impl Handler for CollectPhone {
    const NAME: &'static str = "collect_phone";
    type Outcome = CollectPhoneOutcome;

    async fn run(turn: &mut Turn) -> Result<CollectPhoneOutcome, Error> {
        let given = turn.tools.claimed.clone().or_else(|| turn.heard.entities.phone.clone());
        if let Some(phone) = given {
            if let Some(why) = phone.unreachable() {
                codes::note_unreachable(turn, (Slot::Phone.as_str(), why));
                return Ok(CollectPhoneOutcome::Invalid);
            }
            super::code::leave_other_number(turn, Some(&phone)).await?;
            turn.phone = Some(phone);
            return Ok(CollectPhoneOutcome::Ready);
        }
        if turn.heard.control == Some(Control::Correct) {
            super::code::leave_other_number(turn, None).await?;
        }
        if let Some(rejected) = turn.heard.rejected.as_ref().filter(|r| r.slot == Slot::Phone) {
            let reason = rejected.reason;
            turn.tell("field", Slot::Phone.as_str());
            turn.tell("reason", reason);
            return Ok(CollectPhoneOutcome::Invalid);
        }
        Ok(CollectPhoneOutcome::Missing)
    }
}
