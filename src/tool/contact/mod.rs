//! Phone numbers and e-mail addresses of an account: changing them (D18), and what happens when a number is lost or has
//! got another owner (D35).
//!
//! A change is asked for with a step-up, its code goes to the new value, and the account's row changes in the transaction
//! that takes the code. The pending row is found by account and never by value. Whether a value belongs to somebody else
//! is looked at only after its code was given back, so that nobody learns it without having the value.

mod apply;
mod lost;
mod recycled;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

pub use apply::{ConfirmAnswer, confirm_change};
pub use lost::{LostAnswer, apply_due, schedule_swap};
pub use recycled::{Cleared, Recycled, detach, recycled};

use super::otp::{Order, Purpose, SendOtpAnswer, SteppedUp, send_code};
use super::{Error, Toolbox};
use crate::model::{Actor, Contact, ContactChangeId, EventKind, SessionId};
use crate::store::contact_changes::{self, ChangeStatus, ContactChange};
use crate::store::users::User;

/// How long a change waits for its code, resent or not: after that its step-up was too long ago.
const PENDING_FOR: SignedDuration = SignedDuration::from_hours(1);

/// The purpose of the code that confirms a new contact.
pub fn purpose_of(contact: &Contact) -> Purpose {
    match contact {
        Contact::Phone(_) => Purpose::ChangePhone,
        Contact::Email(_) => Purpose::ChangeEmail,
    }
}

/// Sends a code to the new contact. Where one was sent, the step-up is used up and the change is the account's one open
/// change; an earlier one is called off. Where none was, nothing is changed and the step-up still stands.
pub async fn request_change(
    tools: &mut Toolbox,
    proof: &SteppedUp,
    (user, session): (&User, SessionId),
    contact: &Contact,
) -> Result<SendOtpAnswer, Error> {
    let order = Order {
        user: Some(user.id.clone()),
        session: Some(session),
        ..Order::to(contact.clone(), purpose_of(contact))
    };
    let answer = send_code(tools, order).await?;
    if let SendOtpAnswer::Sent { .. } = answer {
        let spent = proof.spend(tools);
        tools.unit.push(spent);
        cancel_open(tools, user).await?;
        let change = new_change(tools, user, contact)?;
        tools.unit.push(contact_changes::insert(&change));
        let detail = json!({ "field": contact.kind(), "change": change.id.as_str() });
        tools.audit(EventKind::ContactChangeRequested, detail);
    }
    Ok(answer)
}

/// Sends another code for the change that this account is waiting to confirm; `None` where there is none.
pub async fn resend_change(
    tools: &mut Toolbox,
    (user, session): (&User, SessionId),
) -> Result<Option<(Contact, SendOtpAnswer)>, Error> {
    let Some(change) = own_pending(tools, user).await? else { return Ok(None) };
    let contact = value(tools, &change)?;
    let order = Order {
        user: Some(user.id.clone()),
        session: Some(session),
        ..Order::to(contact.clone(), purpose_of(&contact))
    };
    Ok(Some((contact, send_code(tools, order).await?)))
}

/// The change that this session asked for a short time ago and whose code is waited for. Another session's is not found:
/// who steps up confirms what they named themselves.
pub(super) async fn own_pending(tools: &Toolbox, user: &User) -> Result<Option<ContactChange>, Error> {
    let open = open_change(tools, user).await?;
    Ok(open.filter(|change| {
        let is_ours = change.session.is_some() && change.session.as_ref() == tools.actor.session();
        is_ours && change.status == ChangeStatus::Pending && tools.now < change.requested_at + PENDING_FOR
    }))
}

/// The account's change that is not settled.
pub async fn open_change(tools: &Toolbox, user: &User) -> Result<Option<ContactChange>, Error> {
    Ok(tools.store.open_change(&Actor::System, &user.id).await?)
}

/// A change that waits for its time, with when that comes; for telling the account's owner.
pub async fn waiting_change(tools: &Toolbox, user: &User) -> Result<Option<(String, Timestamp)>, Error> {
    let open = open_change(tools, user).await?.filter(|c| c.status == ChangeStatus::Waiting);
    Ok(open.and_then(|change| Some((change.field, change.due_at?))))
}

/// Calls off the account's open change; false where there is none.
pub async fn cancel_open(tools: &mut Toolbox, user: &User) -> Result<bool, Error> {
    let Some(change) = open_change(tools, user).await? else { return Ok(false) };
    cancel(tools, &change, "cancelled");
    Ok(true)
}

fn cancel(tools: &mut Toolbox, change: &ContactChange, reason: &str) {
    tools.unit.push(contact_changes::settle(&change.id, ChangeStatus::Cancelled, tools.now));
    let detail = json!({ "field": change.field, "change": change.id.as_str(), "reason": reason });
    tools.audit_of(EventKind::ContactChangeCancelled, Some(change.user.clone()), None, detail);
}

fn new_change(tools: &mut Toolbox, user: &User, contact: &Contact) -> Result<ContactChange, Error> {
    let id = ContactChangeId::new(tools.now, &mut tools.rng);
    let value_sealed = tools.keys.seal(&mut tools.rng, id.as_str(), contact.address().as_bytes())?;
    Ok(ContactChange {
        id,
        user: user.id.clone(),
        field: contact.kind().to_owned(),
        value_sealed,
        value_key: tools.keys.lookup(contact.kind(), contact.identity()),
        origin: "request".to_owned(),
        conversation: tools.conversation.clone().ok_or(Error::NoConversation)?,
        session: tools.actor.session().cloned(),
        requested_at: tools.now,
        verified_at: None,
        due_at: None,
        status: ChangeStatus::Pending,
        settled_at: None,
    })
}

fn value(tools: &Toolbox, change: &ContactChange) -> Result<Contact, Error> {
    let plain = tools.keys.open(change.id.as_str(), &change.value_sealed)?;
    let contact = std::str::from_utf8(&plain).ok().and_then(|address| Contact::parse(&change.field, address));
    contact.ok_or_else(|| crate::crypto::Error::Unsealable.into())
}
