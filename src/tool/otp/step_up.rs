//! Step-up (D35): a code of its own, in the same session, that stands for one act.

use jiff::SignedDuration;

use super::verify::find;
use super::{CodeVerified, Order, Purpose, SendOtpAnswer, send_code};
use crate::model::{ChallengeId, Contact, Email, Phone, SessionId};
use crate::store::challenges::{self, ChallengeStatus};
use crate::store::{User, Write};
use crate::tool::{Error, Toolbox};

/// Proof that a step-up code was given back in this session a short time ago, and that its act was not done yet.
#[derive(Debug, Clone)]
pub struct SteppedUp {
    challenge: ChallengeId,
}

impl SteppedUp {
    /// The act is done: the same step-up stands for no other. Belongs into the act's own unit.
    pub fn spend(&self, tools: &Toolbox) -> Write {
        challenges::spend(&self.challenge, tools.now)
    }

    /// What a code just verified proves; `None` where it was for something else.
    pub fn of(proof: &CodeVerified) -> Option<Self> {
        (proof.purpose() == Purpose::StepUp).then(|| Self { challenge: proof.challenge().clone() })
    }
}

/// Sends a step-up code to the account's own number, or to its verified address where it has no number: the destination
/// comes from the record and never from the conversation. `None` where there is neither.
pub async fn send_step_up(
    tools: &mut Toolbox,
    user: &User,
    session: SessionId,
) -> Result<Option<(Contact, SendOtpAnswer)>, Error> {
    let Some(contact) = own_contact(user) else { return Ok(None) };
    let order = Order {
        user: Some(user.id.clone()),
        session: Some(session),
        ..Order::to(contact.clone(), Purpose::StepUp)
    };
    Ok(Some((contact, send_code(tools, order).await?)))
}

/// The contact that stands for the account.
pub fn own_contact(user: &User) -> Option<Contact> {
    let phone = user.phone.as_deref().and_then(|phone| Phone::parse(phone, None).ok()).map(Contact::Phone);
    phone.or_else(|| verified_email(user).map(Contact::Email))
}

/// The account's address, if it is verified.
pub fn verified_email(user: &User) -> Option<Email> {
    let email = user.email.as_deref().filter(|_| user.email_key.is_some())?;
    Email::parse(email).ok()
}

/// The step-up of this session, while it stands for an act.
pub async fn stepped_up(tools: &Toolbox, id: Option<&ChallengeId>) -> Result<Option<SteppedUp>, Error> {
    let Some(challenge) = find(tools, id).await? else { return Ok(None) };
    let life = SignedDuration::from_mins(i64::from(tools.options.step_up_minutes));
    let is_fresh = challenge.consumed_at.is_some_and(|at| tools.now < at + life);
    let holds = challenge.purpose == Purpose::StepUp.as_str()
        && challenge.status == ChallengeStatus::Consumed
        && challenge.spent_at.is_none()
        && challenge.session.is_some()
        && is_fresh;
    Ok(holds.then_some(SteppedUp { challenge: challenge.id }))
}
