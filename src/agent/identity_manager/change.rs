//! Changing a phone number or an e-mail address.

use serde_json::{Map, json};

use crate::agent::codes::{self, Asked, SendOutcome, checked};
use crate::agent::handler::outcomes;
use crate::agent::{Error, Handler, Turn, sealed};
use crate::model::{Assurance, Contact, Control, Email, Phone, SessionAction, SessionId, Slot};
use crate::store::contact_changes::ChangeStatus;
use crate::store::{User, challenges};
use crate::tool::contact::{self, ConfirmAnswer};
use crate::tool::identity::{self, UpdateUserEmail, UpdateUserPhone};
use crate::tool::otp::{self, Purpose, Route, SendOtpAnswer, SteppedUp};

pub(super) const CHANGE: &str = "change";

outcomes! {
    /// What is to be changed, and to what.
    TakeChangeOutcome {
        /// A valid new value was given.
        Ready = "ready",
        /// The new number is missing.
        MissingPhone = "missing_phone",
        /// The new address is missing.
        MissingEmail = "missing_email",
        /// What was given is no number, or nothing can be sent to it.
        InvalidPhone = "invalid_phone",
        /// What was given is no address.
        InvalidEmail = "invalid_email",
        /// It is the account's already.
        Same = "same",
        /// What is known is to be shown.
        View = "view",
        /// The name is to be changed.
        Name = "name",
        /// Several fields are.
        Several = "several",
        /// What is to be changed was not said.
        Which = "which",
    }
}

/// Takes field and new value from what was said.
#[derive(Debug)]
pub struct TakeChange;

impl Handler for TakeChange {
    const NAME: &'static str = "take_change";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = TakeChangeOutcome;

    async fn run(turn: &mut Turn) -> Result<TakeChangeOutcome, Error> {
        let user = turn.user.clone().ok_or(Error::Unproven(Self::NAME))?;
        let waiting = turn.waiting.as_ref().map(|waiting| waiting.slot);
        if waiting != Some(Slot::Otp) {
            turn.state.work.changes_left.clear();
        }
        if turn.heard.entities.action == Some(SessionAction::View) {
            return Ok(TakeChangeOutcome::View);
        }
        if turn.heard.entities.changes.len() > 1 {
            return Ok(TakeChangeOutcome::Several);
        }
        let is_taken_back = turn.heard.control == Some(Control::Correct) && waiting != Some(Slot::Otp);
        let field = match (turn.heard.entities.field.as_deref(), waiting) {
            (None, _) if is_taken_back => return which(turn),
            (Some("name"), _) | (None, Some(Slot::Name)) => return Ok(TakeChangeOutcome::Name),
            (Some("phone"), _) | (None, Some(Slot::NewPhone)) => "phone",
            (Some("email"), _) | (None, Some(Slot::Email)) => "email",
            (None, Some(Slot::Otp)) => match correct(turn, &user).await? {
                Some(field) => field,
                None => return which(turn),
            },
            _ => return which(turn),
        };
        turn.tell("field", field);
        if let Some(rejected) = &turn.heard.rejected {
            let reason = rejected.reason;
            return Ok(invalid(turn, field, reason));
        }
        let Some(given) = turn.heard.entities.value.clone() else {
            return Ok(if field == "phone" {
                TakeChangeOutcome::MissingPhone
            } else {
                TakeChangeOutcome::MissingEmail
            });
        };
        let contact = match parse(field, &given) {
            Ok(contact) => contact,
            Err(reason) => return Ok(invalid(turn, field, reason)),
        };
        if let Some(why) = contact.phone().and_then(Phone::unreachable) {
            codes::note_unreachable(turn, (field, why));
            return Ok(TakeChangeOutcome::InvalidPhone);
        }
        if has(turn, &user, &contact) {
            return Ok(TakeChangeOutcome::Same);
        }
        turn.state.work.change = Some(sealed::seal(turn, CHANGE, &contact)?);
        Ok(TakeChangeOutcome::Ready)
    }
}

/// Asks what is to be changed, with the choices.
fn which(turn: &mut Turn) -> Result<TakeChangeOutcome, Error> {
    let mut options = Vec::new();
    for key in ["identity.name", "identity.email", "identity.phone"] {
        let label = turn.replies.say(&turn.tools.language, key, &Map::new())?;
        options.push(json!({ "label": label, "value": label }));
    }
    turn.tell("options", options);
    Ok(TakeChangeOutcome::Which)
}

/// The field of the change under way, where its value was just called wrong. The number given instead is the new value,
/// and a code that went to the wrong one ends. A step-up's code stays: it is about the person and not about the value.
async fn correct(turn: &mut Turn, user: &User) -> Result<Option<&'static str>, Error> {
    if turn.heard.control != Some(Control::Correct) {
        return Ok(None);
    }
    let asked = sealed::open(turn, CHANGE, turn.state.work.change.as_ref());
    let field = if let Some(contact) = asked {
        contact.kind()
    } else {
        let open = contact::open_change(&turn.tools, user).await?;
        let Some(open) = open.filter(|change| change.status == ChangeStatus::Pending) else {
            return Ok(None);
        };
        contact::cancel_open(&mut turn.tools, user).await?;
        if let Some(challenge) = turn.state.work.challenge.take() {
            turn.tools.unit.push(challenges::void(&challenge));
        }
        if open.field == "phone" { "phone" } else { "email" }
    };
    if field == "phone" {
        turn.heard.entities.value = turn.heard.entities.phone.as_ref().map(|phone| phone.e164().to_owned());
    }
    Ok(Some(field))
}

fn parse(field: &str, given: &str) -> Result<Contact, &'static str> {
    match field {
        "phone" => Phone::parse(given, None).map(Contact::Phone).map_err(|_| "not_a_number"),
        _ => Email::parse(given).map(Contact::Email).map_err(|_| "not_an_address"),
    }
}

fn invalid(turn: &mut Turn, field: &str, reason: &'static str) -> TakeChangeOutcome {
    turn.tell("reason", reason);
    if field == "phone" { TakeChangeOutcome::InvalidPhone } else { TakeChangeOutcome::InvalidEmail }
}

/// Whether the account has that value, verified.
pub(super) fn has(turn: &Turn, user: &User, contact: &Contact) -> bool {
    let key = turn.tools.keys.lookup(contact.kind(), contact.identity());
    match contact {
        Contact::Phone(_) => user.phone_key.as_ref() == Some(&key),
        Contact::Email(_) => user.email_key.as_ref() == Some(&key),
    }
}

fn signed_in(turn: &Turn, at: &'static str) -> Result<(User, SessionId), Error> {
    let user = turn.user.clone().ok_or(Error::Unproven(at))?;
    let session = turn.tools.actor.session().cloned().ok_or(Error::Unproven(at))?;
    Ok((user, session))
}

outcomes! {
    /// What became of the code to the new value.
    RequestOutcome {
        /// It is on its way.
        Sent = "sent",
        /// Too soon or too many.
        Limited = "limited",
        /// This conversation asked for too many.
        Exhausted = "exhausted",
        /// The new value is locked.
        Locked = "locked",
        /// The new value is a number of a country that no code goes to.
        Country = "country",
        /// The new value is another session's.
        Gone = "gone",
    }
}

/// Sends the code to the new value: the one act that the step-up stands for.
#[derive(Debug)]
pub struct RequestChange;

impl Handler for RequestChange {
    const NAME: &'static str = "request_change";
    const NEEDS: Assurance = Assurance::SteppedUp;
    type Outcome = RequestOutcome;

    async fn run(turn: &mut Turn) -> Result<RequestOutcome, Error> {
        let unproven = || Error::Unproven(Self::NAME);
        let (user, session) = signed_in(turn, Self::NAME)?;
        let proof = turn.stepped_up.clone().ok_or_else(unproven)?;
        let Some(contact) = sealed::open(turn, CHANGE, turn.state.work.change.as_ref()) else {
            return Ok(RequestOutcome::Gone);
        };
        let answer = request(turn, &proof, (&user, session), &contact).await?;
        if answer == SendOtpAnswer::CountryNotServed {
            codes::note_country(turn, contact.kind());
            return Ok(RequestOutcome::Country);
        }
        if let SendOtpAnswer::Sent { .. } = answer {
            turn.state.work.change = None;
            turn.state.step_up = None;
        }
        Ok(match note(turn, answer, (&contact, false))? {
            SendOutcome::Sent => RequestOutcome::Sent,
            SendOutcome::Wait | SendOutcome::Limited => RequestOutcome::Limited,
            SendOutcome::Exhausted => RequestOutcome::Exhausted,
            SendOutcome::Locked => RequestOutcome::Locked,
            // Only a value that a message can reach was taken.
            SendOutcome::Missing => return Err(unproven()),
        })
    }
}

async fn request(
    turn: &mut Turn,
    proof: &SteppedUp,
    who: (&User, SessionId),
    contact: &Contact,
) -> Result<SendOtpAnswer, Error> {
    let tools = &mut turn.tools;
    match contact {
        Contact::Phone(phone) => {
            let ask = UpdateUserPhone { phone_number: phone.clone() };
            Ok(identity::update_user_phone(tools, proof, who, ask).await?)
        }
        Contact::Email(_) => {
            let ask = UpdateUserEmail { email: contact.address().to_owned() };
            let answer = identity::update_user_email(tools, proof, who, ask).await?;
            answer.ok_or(Error::Unproven(RequestChange::NAME))
        }
    }
}

/// Sends another code for the change under way; that is the same act.
#[derive(Debug)]
pub struct ResendChange;

impl Handler for ResendChange {
    const NAME: &'static str = "resend_change";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = SendOutcome;

    async fn run(turn: &mut Turn) -> Result<SendOutcome, Error> {
        let (user, session) = signed_in(turn, Self::NAME)?;
        let last = otp::issued(&turn.tools, turn.state.work.challenge.as_ref()).await?;
        let live = last.is_some_and(|issued| issued.challenge.is_live(turn.tools.now));
        let Some((contact, answer)) = contact::resend_change(&mut turn.tools, (&user, session)).await? else {
            return Ok(SendOutcome::Missing);
        };
        if answer == SendOtpAnswer::CountryNotServed {
            // It was served when the change was asked for, and is no more. Asking for the change anew says so.
            contact::cancel_open(&mut turn.tools, &user).await?;
        }
        note(turn, answer, (&contact, live))
    }
}

fn note(
    turn: &mut Turn,
    answer: SendOtpAnswer,
    (contact, live): (&Contact, bool),
) -> Result<SendOutcome, Error> {
    let route = if contact.phone().is_some() { Route::Sms } else { Route::Email };
    turn.tell("field", contact.kind());
    turn.values.insert("to".into(), contact.masked().into());
    codes::note_sent(turn, answer, Asked { route, to: Some(contact.masked()), live })
}

checked! {
    /// What became of the new value's code.
    ConfirmOutcome grants CodeVerified
}

/// Checks the code that went to the new value.
#[derive(Debug)]
pub struct ConfirmChange;

impl Handler for ConfirmChange {
    const NAME: &'static str = "confirm_change";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = ConfirmOutcome;

    async fn run(turn: &mut Turn) -> Result<ConfirmOutcome, Error> {
        let last = otp::issued(&turn.tools, turn.state.work.challenge.as_ref()).await?;
        let purpose = match last.map(|issued| issued.challenge.purpose) {
            Some(purpose) if purpose == Purpose::ChangeEmail.as_str() => Purpose::ChangeEmail,
            _ => Purpose::ChangePhone,
        };
        let (outcome, proof) = ConfirmOutcome::of(codes::check(turn, purpose).await?);
        turn.proof = proof;
        Ok(outcome)
    }
}

outcomes! {
    /// What became of the change.
    ApplyOutcome {
        /// The new value is in force.
        Changed = "changed",
        /// It is, and another is to be changed.
        More = "more",
        /// It belongs to another account.
        Taken = "taken",
        /// The change was called off or replaced meanwhile.
        Lapsed = "lapsed",
    }
}

/// Brings the change into force.
#[derive(Debug)]
pub struct ApplyChange;

impl Handler for ApplyChange {
    const NAME: &'static str = "apply_change";
    const NEEDS: Assurance = Assurance::CodeVerified;
    type Outcome = ApplyOutcome;

    async fn run(turn: &mut Turn) -> Result<ApplyOutcome, Error> {
        let (user, _) = signed_in(turn, Self::NAME)?;
        let proof = turn.proof.clone().ok_or(Error::Unproven(Self::NAME))?;
        turn.tell("field", proof.identifier().kind());
        Ok(match contact::confirm_change(&mut turn.tools, &proof, &user).await? {
            ConfirmAnswer::Changed(contact) => {
                turn.tell("updated_value", contact.masked());
                if let Contact::Phone(phone) = &contact {
                    turn.state.progress.phone = Some(phone.masked());
                }
                if turn.state.work.changes_left.is_empty() {
                    ApplyOutcome::Changed
                } else {
                    let next = turn.state.work.changes_left.remove(0);
                    let kind = sealed::open(turn, CHANGE, Some(&next)).map(|contact| contact.kind());
                    turn.tell("next", kind);
                    turn.state.work.change = Some(next);
                    ApplyOutcome::More
                }
            }
            ConfirmAnswer::Taken => {
                turn.tell("reason", "taken");
                ApplyOutcome::Taken
            }
            ConfirmAnswer::Lapsed => ApplyOutcome::Lapsed,
        })
    }
}
