//! Sending a code and taking it back.

use jiff::SignedDuration;

use crate::agent::codes::{self, Asked, SendOutcome, TextOutcome, checked};
use crate::agent::{Error, Handler, Turn, sealed};
use crate::model::{Assurance, Contact, Phone, Slot};
use crate::store::challenges;
use crate::tool::otp::{self, Purpose, Route, SendOtp, SendOtpAnswer};

/// The record under which the number is sealed that a code is wanted for.
const WANTED: &str = "wanted";

/// Sends a code to the number just given, or once more to the one before.
#[derive(Debug)]
pub struct SendOtpNode;

impl Handler for SendOtpNode {
    const NAME: &'static str = "send_otp";
    type Outcome = TextOutcome;

    async fn run(turn: &mut Turn) -> Result<TextOutcome, Error> {
        let Some((answer, asked)) = send(turn, Route::Sms).await? else { return Ok(TextOutcome::Missing) };
        if answer == SendOtpAnswer::CountryNotServed {
            codes::note_country(turn, Slot::Phone.as_str());
            return Ok(TextOutcome::Country);
        }
        Ok(codes::note_sent(turn, answer, asked)?.into())
    }
}

/// Sends the code to the e-mail address of the number's account, or seems to (D5).
#[derive(Debug)]
pub struct SendByEmail;

impl Handler for SendByEmail {
    const NAME: &'static str = "send_by_email";
    type Outcome = SendOutcome;

    async fn run(turn: &mut Turn) -> Result<SendOutcome, Error> {
        let Some((answer, asked)) = send(turn, Route::Email).await? else { return Ok(SendOutcome::Missing) };
        codes::note_sent(turn, answer, asked)
    }
}

/// Asks for the code; `None` where no number is known. The number stays the wanted one until a code was sent, so that it
/// can take another way.
async fn send(turn: &mut Turn, route: Route) -> Result<Option<(SendOtpAnswer, Asked)>, Error> {
    let last = otp::issued(&turn.tools, turn.state.work.challenge.as_ref()).await?;
    // A number that was given for something else is none to sign in with.
    let last = last.filter(|issued| issued.challenge.purpose == Purpose::Login.as_str());
    let last = last.and_then(|i| Some((i.identifier.phone()?.clone(), i.challenge)));
    let asked = turn.phone.clone().or_else(|| wanted(turn));
    let Some(phone) = asked.or_else(|| last.as_ref().map(|(phone, _)| phone.clone())) else {
        return Ok(None);
    };
    want(turn, Some(&phone))?;
    let live = last.as_ref().is_some_and(|(to, c)| *to == phone && c.is_live(turn.tools.now));
    let answer = match route {
        Route::Sms => {
            let ask = SendOtp { phone_number: phone.clone(), purpose: Purpose::Login };
            otp::send_otp(&mut turn.tools, ask).await?
        }
        Route::Email => {
            let what = (Purpose::Login, SignedDuration::ZERO);
            otp::send_by_email(&mut turn.tools, phone.clone(), what).await?
        }
    };
    if let SendOtpAnswer::Sent { in_conversation, .. } = &answer {
        let in_conversation = *in_conversation;
        turn.state.progress.collect_phone(&phone);
        turn.state.progress.code_sent()?;
        turn.state.progress.otp_send_count = in_conversation;
        turn.state.work.first_proof = None;
        want(turn, None)?;
    }
    let to = (route == Route::Sms).then(|| phone.masked());
    Ok(Some((answer, Asked { route, to, live })))
}

/// Keeps the number that a code is wanted for, sealed, while none could be sent: "resend" must go to it and to no other.
fn want(turn: &mut Turn, phone: Option<&Phone>) -> Result<(), Error> {
    let contact = phone.cloned().map(Contact::Phone);
    turn.state.work.wanted = contact.map(|contact| sealed::seal(turn, WANTED, &contact)).transpose()?;
    Ok(())
}

fn wanted(turn: &Turn) -> Option<Phone> {
    let contact = sealed::open(turn, WANTED, turn.state.work.wanted.as_ref());
    contact.and_then(|contact| contact.phone().cloned())
}

/// The number of the account that this conversation is about: the one a code is wanted for, or that the last one was for,
/// unless that was to become an account's number only.
pub(in crate::agent) async fn number_under_way(turn: &Turn) -> Result<Option<Phone>, Error> {
    if let Some(phone) = wanted(turn) {
        return Ok(Some(phone));
    }
    let last = otp::issued(&turn.tools, turn.state.work.challenge.as_ref()).await?;
    let last = last.filter(|issued| issued.challenge.purpose != Purpose::ChangePhone.as_str());
    Ok(last.and_then(|issued| issued.identifier.phone().cloned()))
}

/// Another number was given, or the one before was called wrong: its code must not sign anybody in any more.
pub(super) async fn leave_other_number(turn: &mut Turn, phone: Option<&Phone>) -> Result<(), Error> {
    let last = otp::issued(&turn.tools, turn.state.work.challenge.as_ref()).await?;
    if let Some(issued) = last.filter(|issued| phone != issued.identifier.phone()) {
        turn.tools.unit.push(challenges::void(&issued.challenge.id));
        turn.state.work.challenge = None;
        turn.state.work.first_proof = None;
        turn.state.progress.code_void();
    }
    if phone.is_none() {
        want(turn, None)?;
    }
    Ok(())
}

checked! {
    /// What became of a sign-in's code.
    VerifyOutcome grants CodeVerified
}

/// Checks the code that was said.
#[derive(Debug)]
pub struct VerifyOtpNode;

impl Handler for VerifyOtpNode {
    const NAME: &'static str = "verify_otp";
    type Outcome = VerifyOutcome;

    async fn run(turn: &mut Turn) -> Result<VerifyOutcome, Error> {
        let (outcome, proof) = VerifyOutcome::of(codes::check(turn, Purpose::Login).await?);
        if proof.is_some() {
            turn.state.progress.code_verified()?;
            turn.assurance = turn.assurance.max(Assurance::CodeVerified);
            turn.proof = proof;
        }
        Ok(outcome)
    }
}
