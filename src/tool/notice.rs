//! Messages without a code: somebody is told what happened to their account.

use jiff::SignedDuration;

use super::{Error, Toolbox};
use crate::model::{Contact, EffectId, Phone};
use crate::store::outbox::{self, Effect};
use crate::store::users::User;

/// After that it is no news any more.
const WORTH_SENDING: SignedDuration = SignedDuration::from_hours(24);

/// Queues a message to a contact of the account, taken from its record and from nowhere else (D14).
pub fn queue(tools: &mut Toolbox, user: &User, contact: &Contact, template: &str) -> Result<EffectId, Error> {
    let id = EffectId::new(tools.now, &mut tools.rng);
    let address = contact.address().as_bytes();
    let destination_sealed = Some(tools.keys.seal(&mut tools.rng, id.as_str(), address)?);
    let times = (tools.now, tools.now + WORTH_SENDING);
    tools.unit.push(outbox::insert(&Effect {
        locale: user.locale.clone().unwrap_or_else(|| tools.language.clone()),
        destination_sealed,
        country: contact.phone().and_then(Phone::country),
        ..Effect::waiting(id.clone(), contact.channel(), template, times)
    }));
    Ok(id)
}
