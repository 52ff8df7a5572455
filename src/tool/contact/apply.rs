//! Bringing a change into force.

use serde_json::json;

use super::{cancel, own_pending};
use crate::model::{Actor, Contact, EventKind};
use crate::store::contact_changes::{self, ChangeStatus, ContactChange};
use crate::store::trusts;
use crate::store::users::{self, User};
use crate::tool::otp::{self, CodeVerified};
use crate::tool::session::{By, end_all_trust, end_sessions};
use crate::tool::{Error, Toolbox, notice};

/// The origin of a change that nobody who was signed in asked for.
pub(super) const LOST_PHONE: &str = "lost_phone";

/// What `confirm_change` answers.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfirmAnswer {
    /// The new value is in force.
    Changed(Contact),
    /// The value belongs to another account; the change is called off.
    Taken,
    /// There is no such change any more.
    Lapsed,
}

/// Brings the change whose code was just given back into force, for the account that asked for it and no other.
pub async fn confirm_change(
    tools: &mut Toolbox,
    proof: &CodeVerified,
    user: &User,
) -> Result<ConfirmAnswer, Error> {
    let key = proof.identifier_key(tools);
    let Some(change) = own_pending(tools, user).await?.filter(|change| change.value_key == key) else {
        return Ok(ConfirmAnswer::Lapsed);
    };
    if proof.user() != Some(&user.id) {
        return Ok(ConfirmAnswer::Lapsed);
    }
    if is_taken(tools, user, (proof.identifier(), &key)).await? {
        cancel(tools, &change, "taken");
        return Ok(ConfirmAnswer::Taken);
    }
    let contact = proof.identifier().clone();
    apply(tools, user, (&change, &contact, &key)).await?;
    if let (Contact::Phone(_), Some(device)) = (&contact, tools.actor.device().cloned()) {
        // This device gave the new number's code back.
        tools.unit.push(trusts::make(&user.id, &device, tools.now));
        let detail = json!({ "device": device.as_str() });
        tools.audit_of(EventKind::DeviceTrusted, Some(user.id.clone()), None, detail);
    }
    otp::forget_sends(tools);
    Ok(ConfirmAnswer::Changed(contact))
}

/// Whether the value is another account's.
pub(super) async fn is_taken(
    tools: &Toolbox,
    user: &User,
    (contact, key): (&Contact, &[u8]),
) -> Result<bool, Error> {
    let owner = match contact {
        Contact::Phone(_) => tools.store.user_by_phone(&Actor::System, key).await?,
        Contact::Email(_) => tools.store.user_by_email(&Actor::System, key).await?,
    };
    Ok(owner.is_some_and(|owner| owner.id != user.id))
}

/// Swaps the value, settles the change and tells the contacts that stood before. A number's change ends all trust: it
/// was earned with the old one.
pub(super) async fn apply(
    tools: &mut Toolbox,
    user: &User,
    (change, contact, key): (&ContactChange, &Contact, &[u8]),
) -> Result<(), Error> {
    let mut version = user.version;
    if change.origin == LOST_PHONE {
        // Whoever has the phone now may be signed in on it. The guard moves the version on by one.
        end_sessions(tools, user, None, By::ContactChanged).await?;
        version += 1;
    }
    let write = match contact {
        Contact::Phone(phone) => users::set_phone(&user.id, version, (phone.e164(), key)),
        Contact::Email(email) => users::set_email(&user.id, version, (email.as_str(), key, tools.now)),
    };
    tools.unit.push(write);
    tools.unit.push(contact_changes::settle(&change.id, ChangeStatus::Applied, tools.now));
    if contact.phone().is_some() {
        end_all_trust(tools, &user.id, By::ContactChanged).await?;
    }
    let detail = json!({ "field": change.field, "change": change.id.as_str(), "origin": change.origin });
    tools.audit_of(EventKind::ContactChangeConfirmed, Some(user.id.clone()), None, detail);
    tell_old(tools, user, ("sms.contact_changed", "email.contact_changed"))
}

/// Tells every contact of the record, as it was before the change.
pub(super) fn tell_old(
    tools: &mut Toolbox,
    user: &User,
    (by_sms, by_email): (&str, &str),
) -> Result<(), Error> {
    let phone = otp::own_contact(user).filter(|contact| contact.phone().is_some());
    let email = otp::verified_email(user).map(Contact::Email);
    for contact in phone.into_iter().chain(email) {
        let template = if contact.phone().is_some() { by_sms } else { by_email };
        let effect = notice::queue(tools, user, &contact, template)?;
        let detail = json!({ "field": contact.kind(), "effect": effect.as_str() });
        tools.audit_of(EventKind::ContactOldNotified, Some(user.id.clone()), None, detail);
    }
    Ok(())
}
