//! Messages without a code: somebody is told what happened to their account.

use jiff::SignedDuration;

use super::{Error, Toolbox};
use crate::model::{Contact, EffectId};
use crate::store::outbox::{self, Effect, EffectStatus};
use crate::store::users::User;

/// After that it is no news any more.
const WORTH_SENDING: SignedDuration = SignedDuration::from_hours(24);

/// Queues a message to a contact of the account, taken from its record and from nowhere else (D14).
pub fn queue(tools: &mut Toolbox, user: &User, contact: &Contact, template: &str) -> Result<EffectId, Error> {
    let id = EffectId::new(tools.now, &mut tools.rng);
    let address = contact.address().as_bytes();
    let destination_sealed = Some(tools.keys.seal(&mut tools.rng, id.as_str(), address)?);
    tools.unit.push(outbox::insert(&Effect {
        id: id.clone(),
        conversation: None,
        kind: contact.channel().to_owned(),
        template: template.to_owned(),
        locale: user.locale.clone().unwrap_or_else(|| tools.language.clone()),
        challenge: None,
        destination_sealed,
        status: EffectStatus::Queued,
        tries: 0,
        claimed_by: None,
        claimed_until: None,
        not_after: tools.now + WORTH_SENDING,
        provider_id: None,
        error: None,
        created_at: tools.now,
        updated_at: tools.now,
    }));
    Ok(id)
}
