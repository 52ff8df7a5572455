//! Messages by Twilio's Messages: any text, from a number or a messaging service of one's own.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::client::{Client, Taken};
use super::{errors, status};
use crate::fetch::Fetch;
use crate::model::{Clock, DeliveryStatus, Verdict};
use crate::sms::{Error, Message, Options, Sighting, Sms, Sought};

/// Longest time that Twilio may hold a message in its queue, in seconds.
const LONGEST_VALIDITY: i64 = 36_000;
/// How long a messaging service's id is. A sender's name may begin with the same two letters, and is shorter.
const SERVICE_ID: usize = 34;

/// Sends by Messages.
#[derive(Debug)]
pub struct Messages {
    pub(super) client: Client,
    pub(super) path: String,
    from: String,
    callback: Option<String>,
}

impl Messages {
    /// A sender that tells Twilio to report to `public_url`, where there is one.
    pub fn new(
        options: &Options,
        outside: (&Fetch, &Arc<dyn Clock>),
        public_url: Option<&str>,
    ) -> Result<Self, Error> {
        let account = options.account_sid.as_deref().ok_or(Error::Lacks("sms.account_sid"))?;
        Ok(Self {
            client: Client::new(("sms.base_url", &options.base_url), options, outside)?,
            path: format!("/2010-04-01/Accounts/{account}/Messages.json"),
            from: options.from.clone().ok_or(Error::Lacks("sms.from"))?,
            callback: public_url.map(|url| format!("{}/webhooks/twilio/status", url.trim_end_matches('/'))),
        })
    }

    async fn hand_over(&self, message: &Message) -> Verdict {
        let left = message.not_after.duration_since(self.client.now()).as_secs();
        if left < 1 {
            return Verdict::Refused { code: "expired".to_owned() };
        }
        let validity = left.min(LONGEST_VALIDITY).to_string();
        let is_service = self.from.len() == SERVICE_ID && self.from.starts_with("MG");
        let mut form = vec![
            ("To", message.to.e164()),
            (if is_service { "MessagingServiceSid" } else { "From" }, self.from.as_str()),
            ("Body", message.text.expose()),
            ("ValidityPeriod", validity.as_str()),
            // Twilio need not know for longer than it takes what was said to whom.
            ("ContentRetention", "discard"),
            ("AddressRetention", "obfuscate"),
            // One sign outside of GSM-7 more than doubles a message's price. A code and a domain are within it.
            ("SmartEncoded", "true"),
        ];
        let callback = self.callback.as_ref().map(|url| format!("{url}?effect={}", message.effect));
        form.extend(callback.as_deref().map(|url| ("StatusCallback", url)));
        self.client.hand_over(&self.path, &form, taken).await
    }
}

/// A message may have failed by the time that its acceptance is told.
fn taken(taken: Taken) -> Verdict {
    let is_lost = taken.status.as_deref().and_then(status).is_some_and(DeliveryStatus::is_lost);
    match taken.error {
        Some(number) if is_lost => Verdict::Refused { code: errors::code(number) },
        _ => Verdict::Accepted { provider_id: taken.id },
    }
}

impl Sms for Messages {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Verdict> {
        Box::pin(self.hand_over(message))
    }

    fn look_up<'a>(&'a self, sought: &'a Sought) -> BoxFuture<'a, Option<Vec<Sighting>>> {
        Box::pin(self.sightings(sought))
    }
}
