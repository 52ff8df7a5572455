//! Issuing a code.

use jiff::SignedDuration;
use rand::RngExt;
use serde_json::json;
use tracing::instrument;

use super::budget::{self, Admitted};
use super::trust::Standing;
use super::{Order, Purpose, Route, SendOtp, SendOtpAnswer, verified_email};
use crate::crypto::Code;
use crate::model::{Actor, ChallengeId, Contact, ConversationId, EffectId, EventKind, Phone};
use crate::store::challenges::{self, Challenge, ChallengeStatus};
use crate::store::outbox::{self, Effect};
use crate::tool::{Error, Toolbox};
use crate::trace::TOOL;

/// Letters of a reference: none that is mistaken for another or for a digit.
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPRSTUVWXYZ";

/// Sends a code to a number, for signing in.
#[instrument(target = TOOL, skip_all, err)]
pub async fn send_otp(tools: &mut Toolbox, arguments: SendOtp) -> Result<SendOtpAnswer, Error> {
    let contact = Contact::Phone(arguments.phone_number);
    send_code(tools, Order::to(contact, arguments.purpose)).await
}

/// Sends a code for a number to the e-mail address of the number's account, if it has been verified for so long; where
/// there is none, to nobody. All that can be seen of it is the same either way (D5).
pub async fn send_by_email(
    tools: &mut Toolbox,
    phone: Phone,
    (purpose, settled): (Purpose, SignedDuration),
) -> Result<SendOtpAnswer, Error> {
    let key = tools.keys.lookup("phone", phone.e164());
    let user = tools.store.user_by_phone(&Actor::System, &key).await?;
    let verified = user.filter(|u| u.email_verified_at.is_some_and(|at| at + settled <= tools.now));
    let email = verified.as_ref().and_then(verified_email);
    let order = Order {
        to: email.map(Contact::Email),
        user: verified.map(|user| user.id),
        ..Order::to(Contact::Phone(phone), purpose)
    };
    send_code(tools, Order { route: Route::Email, ..order }).await
}

/// Issues a code and queues its message. A new code ends the earlier one of the same conversation and purpose, and leaves
/// codes asked for elsewhere alone. Whether there is an account plays no part (D5).
pub async fn send_code(tools: &mut Toolbox, order: Order) -> Result<SendOtpAnswer, Error> {
    if order.identifier.phone().is_some_and(|phone| !phone.is_valid()) {
        return Ok(SendOtpAnswer::Unreachable);
    }
    let standing = Standing::of(tools, &order.identifier).await?;
    let admitted = match budget::admit(tools, &order, &standing).await? {
        Ok(admitted) => admitted,
        Err(refused) => return Ok(refused),
    };
    issue(tools, &order, standing.identifier_key, admitted).await
}

/// Two letters that the message and the chat show. They differ from the conversation's `last` ones, or a message that
/// comes late could not be told from the one that is waited for.
fn reference(rng: &mut impl RngExt, last: Option<&str>) -> String {
    loop {
        let drawn: String = (0..2)
            .filter_map(|_| LETTERS.get(rng.random_range(0..LETTERS.len())).map(|&b| char::from(b)))
            .collect();
        if last != Some(drawn.as_str()) {
            return drawn;
        }
    }
}

async fn issue(
    tools: &mut Toolbox,
    order: &Order,
    identifier_key: Vec<u8>,
    admitted: Admitted,
) -> Result<SendOtpAnswer, Error> {
    let conversation = tools.conversation.clone().ok_or(Error::NoConversation)?;
    let id = ChallengeId::new(tools.now, &mut tools.rng);
    let last = tools.store.last_reference(&tools.actor, &conversation).await?;
    let reference = reference(&mut tools.rng, last.as_deref());
    let expires_at = tools.now + tools.limits.code_life();
    let digits = if admitted.hardened { Code::DIGITS_HARDENED } else { Code::DIGITS };
    let max_attempts = if admitted.hardened { 1 } else { tools.limits.otp_max_attempts };
    let destination = serde_json::to_vec(&order.sealed()).map_err(|_| crate::crypto::Error::Unsealable)?;
    let challenge = Challenge {
        id: id.clone(),
        conversation: conversation.clone(),
        device: tools.device()?,
        session: order.session.clone(),
        user: order.user.clone(),
        purpose: order.purpose.as_str().to_owned(),
        channel: order.route.as_str().to_owned(),
        identifier_key,
        destination_sealed: Some(tools.keys.seal(&mut tools.rng, id.as_str(), &destination)?),
        prefix_key: admitted.prefix_key,
        reference: reference.clone(),
        pepper: tools.keys.pepper().to_owned(),
        digits: i64::from(digits),
        issued_at: tools.now,
        expires_at,
        status: ChallengeStatus::Live,
        attempts: 0,
        max_attempts: i64::from(max_attempts),
        consumed_at: None,
        consumed_by: None,
        spent_at: None,
    };
    let effect = effect(tools, order, (&conversation, &challenge))?;
    let effect_id = effect.id.clone();
    tools.unit.extend(admitted.writes);
    tools.unit.push(challenges::void_purpose(&conversation, order.purpose.as_str()));
    tools.unit.push(challenges::insert(&challenge));
    tools.unit.push(outbox::insert(&effect));
    let detail = json!({
        "purpose": order.purpose.as_str(), "challenge": id.as_str(), "channel": order.route.as_str(),
    });
    tools.audit(EventKind::OtpRequested, detail);
    Ok(SendOtpAnswer::Sent {
        challenge_id: id,
        effect_id,
        reference,
        expires_at,
        in_conversation: admitted.in_conversation,
    })
}

/// The message of a code; one that goes nowhere takes the same way through the outbox.
fn effect(
    tools: &mut Toolbox,
    order: &Order,
    (conversation, challenge): (&ConversationId, &Challenge),
) -> Result<Effect, Error> {
    let id = EffectId::new(tools.now, &mut tools.rng);
    let address = order.to.as_ref().map_or("", Contact::address);
    let sealed = tools.keys.seal(&mut tools.rng, id.as_str(), address.as_bytes())?;
    let kind = order.to.as_ref().map_or("none", Contact::channel);
    let template = order.purpose.template(order.route);
    Ok(Effect {
        conversation: Some(conversation.clone()),
        locale: tools.language.clone(),
        challenge: Some(challenge.id.clone()),
        destination_sealed: Some(sealed),
        country: order.to.as_ref().and_then(Contact::phone).and_then(Phone::country),
        ..Effect::waiting(id, kind, template, (tools.now, challenge.expires_at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Randomness;

    // SEC-8
    #[test]
    fn a_reference_differs_from_the_one_before() {
        let mut rng = Randomness::seeded(1).stream("references");
        let mut last = reference(&mut rng, None);
        // Without the rule one in 529 would repeat.
        for _ in 0..10_000 {
            let next = reference(&mut rng, Some(&last));
            assert_ne!(next, last);
            last = next;
        }
    }
}
