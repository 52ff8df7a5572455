//! From a row of the outbox to a message. The row holds what the message is about; its words and its code are made here,
//! and are gone when it was handed over.

use serde_json::{Map, Value};

use super::{Error, Worker};
use crate::model::{Actor, Email, Phone, Secret};
use crate::prompt::Letter;
use crate::store::challenges::{Challenge, ChallengeStatus};
use crate::store::outbox::Effect;
use crate::tool::otp;
use crate::{mail, sms};

/// A message, ready to be handed over.
pub(super) enum Outgoing {
    /// A text message.
    Sms(sms::Message),
    /// An e-mail.
    Email(mail::Message),
    /// To nobody: an e-mail was asked for where no address is known (D5).
    Nowhere,
}

impl Worker {
    /// The message, worded now; `None` where its code was cancelled meanwhile. The code exists from here to the provider's
    /// answer. One that goes nowhere is worded all the same, so that it takes as long.
    pub(super) async fn message(&self, effect: &Effect) -> Result<Option<Outgoing>, Error> {
        let unreadable = || Error::Lacks("destination");
        let sealed = effect.destination_sealed.as_deref().ok_or_else(unreadable)?;
        let plain = self.parts.keys.open(effect.id.as_str(), sealed)?;
        let to = std::str::from_utf8(&plain).map_err(|_| unreadable())?;
        let Some(values) = self.values(effect, to).await? else { return Ok(None) };
        let replies = self.parts.engine.talk().replies;
        let say = |key: &str| replies.say(&effect.locale, key, &values);
        let (id, text) = (effect.id.clone(), Secret::new(say(&effect.template)?));
        if effect.kind == "sms" {
            let to = Phone::parse(to, None).map_err(|_| unreadable())?;
            let message = sms::Message {
                effect: id,
                to,
                text,
                code: coded(&values),
                language: effect.locale.clone(),
                not_after: effect.not_after,
            };
            return Ok(Some(Outgoing::Sms(message)));
        }
        let subject = say("email.subject")?;
        let code = values.get("code").and_then(Value::as_str);
        let letter = Letter { locale: &effect.locale, subject: &subject, text: text.expose(), code };
        let html = Secret::new(replies.html(&letter)?);
        Ok(Some(match effect.kind.as_str() {
            "email" => {
                let to = Email::parse(to).map_err(|_| unreadable())?;
                Outgoing::Email(mail::Message { effect: id, to, subject, text, html })
            }
            "none" => Outgoing::Nowhere,
            _ => return Err(Error::Lacks("kind")),
        }))
    }

    /// What the words are filled with; `None` where the code is not to be sent any more. A notice has no code, and says
    /// nothing but what its template says.
    async fn values(&self, effect: &Effect, to: &str) -> Result<Option<Map<String, Value>>, Error> {
        let mut values = Map::new();
        if effect.challenge.is_none() {
            values.insert("reference".into(), Value::Null);
            return Ok(Some(values));
        }
        let challenge = self.challenge(effect).await?;
        if challenge.status != ChallengeStatus::Live {
            return Ok(None);
        }
        // Its pepper is out of use.
        let Some(code) = otp::code_of(&self.parts.keys, &challenge, to) else { return Ok(None) };
        let left = challenge.expires_at.as_second() - challenge.issued_at.as_second();
        values.insert("code".into(), Value::from(code.expose()));
        values.insert("reference".into(), Value::from(challenge.reference));
        values.insert("minutes".into(), Value::from(left / 60));
        values.insert("domain".into(), Value::from(self.parts.domain.clone()));
        Ok(Some(values))
    }

    async fn challenge(&self, effect: &Effect) -> Result<Challenge, Error> {
        let named = effect.challenge.as_ref().zip(effect.conversation.as_ref());
        let (challenge, conversation) = named.ok_or(Error::Lacks("challenge"))?;
        let found = self.parts.store.challenge(&Actor::System, conversation, challenge).await?;
        found.ok_or(Error::Lacks("challenge"))
    }
}

/// The code that a message's values hold, where they hold one.
fn coded(values: &Map<String, Value>) -> Option<sms::Coded> {
    let text = |key: &str| values.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(sms::Coded { code: Secret::new(text("code")?), reference: text("reference")? })
}
