//! A lost phone (D35): by a code to the account's e-mail address, a new number, and a wait in which the old one is told.
//!
//! Until the address's code was given back, nothing tells whether there is an account (D5).

use jiff::SignedDuration;

use super::authenticator::number_under_way;
use super::codes::{self, Asked, KnownSendOutcome, SendOutcome, checked};
use super::handler::outcomes;
use super::{Error, Handler, Registered, Turn, sealed};
use crate::model::{Assurance, Contact, Control, Phone, Slot};
use crate::tool::contact::{self, LostAnswer};
use crate::tool::otp::{self, Order, Purpose, Route, SendOtpAnswer};

const OLD: &str = "lost_number";

pub(super) fn handlers() -> Vec<Registered> {
    vec![
        Registered::of::<BeginLost>(),
        Registered::of::<TakeOldPhone>(),
        Registered::of::<SendLost>(),
        Registered::of::<VerifyLost>(),
        Registered::of::<TakeNewPhone>(),
        Registered::of::<VerifyNewPhone>(),
        Registered::of::<ScheduleSwap>(),
    ]
}

outcomes! {
    /// Who says that a phone is lost.
    BeginLostOutcome {
        /// Somebody who is signed in and can change the number.
        SignedIn = "signed_in",
        /// Somebody who gave a number just now.
        Known = "known",
        /// Somebody else.
        Unknown = "unknown",
    }
}

/// Takes the number under way in this conversation for the one that is lost.
#[derive(Debug)]
pub struct BeginLost;

impl Handler for BeginLost {
    const NAME: &'static str = "begin_lost";
    type Outcome = BeginLostOutcome;

    async fn run(turn: &mut Turn) -> Result<BeginLostOutcome, Error> {
        if turn.is_signed_in() {
            return Ok(BeginLostOutcome::SignedIn);
        }
        let under_way = number_under_way(turn).await?;
        let Some(phone) = turn.heard.entities.phone.clone().or(under_way) else {
            return Ok(BeginLostOutcome::Unknown);
        };
        keep(turn, phone)?;
        Ok(BeginLostOutcome::Known)
    }
}

fn keep(turn: &mut Turn, phone: Phone) -> Result<(), Error> {
    turn.state.work.old_number = Some(sealed::seal(turn, OLD, &Contact::Phone(phone))?);
    Ok(())
}

outcomes! {
    /// Whether a number was given.
    TakePhoneOutcome {
        /// One was.
        Ready = "ready",
        /// None was.
        Missing = "missing",
        /// What was given is none, or nothing can be sent to it.
        Invalid = "invalid",
    }
}

/// Takes the number that is lost from what was said.
#[derive(Debug)]
pub struct TakeOldPhone;

impl Handler for TakeOldPhone {
    const NAME: &'static str = "take_old_phone";
    type Outcome = TakePhoneOutcome;

    async fn run(turn: &mut Turn) -> Result<TakePhoneOutcome, Error> {
        Ok(match given(turn) {
            Ok(phone) => {
                keep(turn, phone)?;
                TakePhoneOutcome::Ready
            }
            Err(outcome) => outcome,
        })
    }
}

fn given(turn: &mut Turn) -> Result<Phone, TakePhoneOutcome> {
    if let Some(phone) = turn.heard.entities.phone.clone() {
        let Some(why) = phone.unreachable() else { return Ok(phone) };
        codes::note_unreachable(turn, (Slot::Phone.as_str(), why));
        return Err(TakePhoneOutcome::Invalid);
    }
    let reason = match &turn.heard.rejected {
        Some(rejected) if matches!(rejected.slot, Slot::Phone | Slot::NewPhone) => rejected.reason,
        _ => return Err(TakePhoneOutcome::Missing),
    };
    turn.tell("field", Slot::Phone.as_str());
    turn.tell("reason", reason);
    Err(TakePhoneOutcome::Invalid)
}

/// Sends a code to the e-mail address of the lost number's account, if it has been verified for long enough, or seems to.
#[derive(Debug)]
pub struct SendLost;

impl Handler for SendLost {
    const NAME: &'static str = "send_lost";
    type Outcome = KnownSendOutcome;

    async fn run(turn: &mut Turn) -> Result<KnownSendOutcome, Error> {
        let old = sealed::open(turn, OLD, turn.state.work.old_number.as_ref());
        let Some(Contact::Phone(phone)) = old else { return Err(Error::Unproven(Self::NAME)) };
        let last = otp::issued(&turn.tools, turn.state.work.challenge.as_ref()).await?;
        let live = last.is_some_and(|issued| {
            issued.challenge.purpose == Purpose::VerifyEmail.as_str()
                && issued.challenge.is_live(turn.tools.now)
        });
        let days = i64::from(turn.tools.options.email_settled_days);
        turn.values.insert("days".into(), days.into());
        let what = (Purpose::VerifyEmail, SignedDuration::from_hours(24 * days));
        let answer = otp::send_by_email(&mut turn.tools, phone, what).await?;
        codes::note_sent(turn, answer, Asked { route: Route::Email, to: None, live })?.known(Self::NAME)
    }
}

checked! {
    /// What became of the address's code.
    VerifyLostOutcome grants CodeVerified
}

/// Checks the code that went to the address.
#[derive(Debug)]
pub struct VerifyLost;

impl Handler for VerifyLost {
    const NAME: &'static str = "verify_lost";
    type Outcome = VerifyLostOutcome;

    async fn run(turn: &mut Turn) -> Result<VerifyLostOutcome, Error> {
        let (outcome, proof) = VerifyLostOutcome::of(codes::check(turn, Purpose::VerifyEmail).await?);
        turn.state.work.first_proof =
            proof.map(|proof| proof.challenge().clone()).or(turn.state.work.first_proof.take());
        Ok(outcome)
    }
}

outcomes! {
    /// What became of the new number.
    NewPhoneOutcome {
        /// A code is on its way there.
        Sent = "sent",
        /// A code must wait, and one that lives went to the same number.
        Wait = "wait",
        /// A code must wait.
        Limited = "limited",
        /// This conversation asked for too many.
        Exhausted = "exhausted",
        /// The new number is locked.
        Locked = "locked",
        /// No code goes to its country.
        Country = "country",
        /// No number was given.
        Missing = "missing",
        /// What was given is none, or nothing can be sent to it.
        Invalid = "invalid",
        /// The address's code was met too long ago to stand for the account still.
        Lapsed = "lapsed",
    }
}

/// Takes the new number, and sends a code there.
#[derive(Debug)]
pub struct TakeNewPhone;

impl Handler for TakeNewPhone {
    const NAME: &'static str = "take_new_phone";
    type Outcome = NewPhoneOutcome;

    async fn run(turn: &mut Turn) -> Result<NewPhoneOutcome, Error> {
        let proof =
            otp::verified(&turn.tools, turn.state.work.first_proof.as_ref(), Purpose::VerifyEmail).await?;
        let Some(user) = proof.and_then(|proof| proof.user().cloned()) else {
            return Ok(NewPhoneOutcome::Lapsed);
        };
        let last = otp::issued(&turn.tools, turn.state.work.challenge.as_ref()).await?;
        let last = last.filter(|i| i.challenge.purpose == Purpose::ChangePhone.as_str());
        // "Resend" says no number; it means the one before.
        let before = last.as_ref().and_then(|issued| issued.identifier.phone().cloned());
        let is_wrong = turn.heard.control == Some(Control::Correct);
        let phone = match (given(turn), before.filter(|_| !is_wrong)) {
            (Ok(phone), _) | (Err(TakePhoneOutcome::Missing), Some(phone)) => phone,
            (Err(TakePhoneOutcome::Invalid), _) => return Ok(NewPhoneOutcome::Invalid),
            (Err(_), _) => return Ok(NewPhoneOutcome::Missing),
        };
        let now = turn.tools.now;
        let live = last.is_some_and(|i| i.identifier.phone() == Some(&phone) && i.challenge.is_live(now));
        let to = Some(phone.masked());
        let order = Order { user: Some(user), ..Order::to(Contact::Phone(phone), Purpose::ChangePhone) };
        let answer = otp::send_code(&mut turn.tools, order).await?;
        if answer == SendOtpAnswer::CountryNotServed {
            codes::note_country(turn, Slot::Phone.as_str());
            return Ok(NewPhoneOutcome::Country);
        }
        Ok(match codes::note_sent(turn, answer, Asked { route: Route::Sms, to, live })? {
            SendOutcome::Sent => NewPhoneOutcome::Sent,
            SendOutcome::Wait => NewPhoneOutcome::Wait,
            SendOutcome::Limited => NewPhoneOutcome::Limited,
            SendOutcome::Exhausted => NewPhoneOutcome::Exhausted,
            SendOutcome::Locked => NewPhoneOutcome::Locked,
            SendOutcome::Missing => NewPhoneOutcome::Missing,
        })
    }
}

checked! {
    /// What became of the new number's code.
    VerifyNewPhoneOutcome grants CodeVerified
}

/// Checks the code that went to the new number.
#[derive(Debug)]
pub struct VerifyNewPhone;

impl Handler for VerifyNewPhone {
    const NAME: &'static str = "verify_new_phone";
    type Outcome = VerifyNewPhoneOutcome;

    async fn run(turn: &mut Turn) -> Result<VerifyNewPhoneOutcome, Error> {
        let (outcome, proof) = VerifyNewPhoneOutcome::of(codes::check(turn, Purpose::ChangePhone).await?);
        turn.proof = proof;
        Ok(outcome)
    }
}

outcomes! {
    /// Whether the account will change to the new number.
    ScheduleOutcome {
        /// It will, after the wait.
        Scheduled = "scheduled",
        /// The number belongs to another account.
        Taken = "taken",
        /// The address's code was met too long ago, or the account is no longer what it was.
        Lapsed = "lapsed",
    }
}

/// Schedules the change, and tells the old number.
#[derive(Debug)]
pub struct ScheduleSwap;

impl Handler for ScheduleSwap {
    const NAME: &'static str = "schedule_swap";
    const NEEDS: Assurance = Assurance::CodeVerified;
    type Outcome = ScheduleOutcome;

    async fn run(turn: &mut Turn) -> Result<ScheduleOutcome, Error> {
        let new = turn.proof.clone().ok_or(Error::Unproven(Self::NAME))?;
        let first = turn.state.work.first_proof.take();
        let by_email = otp::verified(&turn.tools, first.as_ref(), Purpose::VerifyEmail).await?;
        let Some(by_email) = by_email else { return Ok(ScheduleOutcome::Lapsed) };
        turn.state.work.old_number = None;
        Ok(match contact::schedule_swap(&mut turn.tools, &by_email, &new).await? {
            LostAnswer::Scheduled(due) => {
                let hours = turn.tools.options.lost_phone_wait_hours;
                turn.values.insert("hours".into(), hours.into());
                turn.tell("field", "phone");
                turn.tell("due_at", due.to_string());
                ScheduleOutcome::Scheduled
            }
            LostAnswer::Taken => {
                turn.tell("field", "phone");
                turn.tell("reason", "taken");
                ScheduleOutcome::Taken
            }
            LostAnswer::Lapsed => ScheduleOutcome::Lapsed,
        })
    }
}
