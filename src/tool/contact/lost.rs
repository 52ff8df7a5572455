//! A lost phone (D35): by an e-mail address that has been verified for a while, after a wait in which the old number is
//! told and can call it off.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::apply::{LOST_PHONE, apply, is_taken, tell_old};
use super::{cancel, cancel_open, new_change, value};
use crate::model::{Actor, EventKind};
use crate::store::contact_changes::{self, ChangeStatus, ContactChange};
use crate::tool::otp::{CodeVerified, Purpose};
use crate::tool::{Error, Toolbox};

/// What `schedule_swap` answers.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LostAnswer {
    /// The account changes to the new number then.
    Scheduled(Timestamp),
    /// The new number belongs to another account.
    Taken,
    /// The proofs do not go together, or the account is no longer what it was.
    Lapsed,
}

/// Schedules the change to the number of `new`, for the account whose address gave back the code of `by_email`.
pub async fn schedule_swap(
    tools: &mut Toolbox,
    by_email: &CodeVerified,
    new: &CodeVerified,
) -> Result<LostAnswer, Error> {
    let Some(user) = by_email.user().filter(|_| by_email.purpose() == Purpose::VerifyEmail) else {
        return Ok(LostAnswer::Lapsed);
    };
    let user = tools.store.user(&Actor::System, user).await?;
    let still = |u: &crate::store::User| {
        u.closed_at.is_none() && u.phone_key.as_ref() == Some(&by_email.identifier_key(tools))
    };
    let Some(user) = user.filter(still) else { return Ok(LostAnswer::Lapsed) };
    if new.purpose() != Purpose::ChangePhone || new.user() != Some(&user.id) {
        return Ok(LostAnswer::Lapsed);
    }
    let key = new.identifier_key(tools);
    if is_taken(tools, &user, (new.identifier(), &key)).await? {
        return Ok(LostAnswer::Taken);
    }
    cancel_open(tools, &user).await?;
    let due = tools.now + SignedDuration::from_hours(i64::from(tools.options.lost_phone_wait_hours));
    let change = ContactChange {
        origin: LOST_PHONE.to_owned(),
        verified_at: Some(tools.now),
        due_at: Some(due),
        status: ChangeStatus::Waiting,
        ..new_change(tools, &user, new.identifier())?
    };
    tools.unit.push(contact_changes::insert(&change));
    let detail = json!({ "field": "phone", "change": change.id.as_str(), "origin": LOST_PHONE });
    tools.audit_of(EventKind::ContactChangeRequested, Some(user.id.clone()), None, detail);
    tell_old(tools, &user, ("sms.lost_phone", "email.lost_phone"))?;
    Ok(LostAnswer::Scheduled(due))
}

/// Brings a change whose time has come into force, unless the number got another owner in the meantime.
pub async fn apply_due(tools: &mut Toolbox, change: &ContactChange) -> Result<(), Error> {
    let user = tools.store.user(&Actor::System, &change.user).await?;
    let Some(user) = user.filter(|user| user.closed_at.is_none()) else {
        cancel(tools, change, "account_closed");
        return Ok(());
    };
    let contact = value(tools, change)?;
    if is_taken(tools, &user, (&contact, &change.value_key)).await? {
        cancel(tools, change, "taken");
        return Ok(());
    }
    apply(tools, &user, (change, &contact, &change.value_key)).await
}
