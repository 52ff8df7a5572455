//! Codes by Twilio's Verify, which words them and watches for fraud. The codes are ours, and so is the counting of
//! tries: Verify is never asked whether a code is right, only told in the end how it was used.

use std::sync::Arc;

use futures::future::BoxFuture;
use tracing::debug;

use super::client::{Client, Taken, is_id};
use super::messages::Messages;
use crate::fetch::Fetch;
use crate::model::{Clock, Verdict};
use crate::sms::{CodeOutcome, Coded, Error, Message, Options, Sms};

/// What its messages call this service, before the two letters that the chat shows too.
const NAME: &str = "Vestibule";

/// Sends codes by Verify, and what is no code by Messages.
#[derive(Debug)]
pub struct Verify {
    client: Client,
    path: String,
    others: Option<Messages>,
}

impl Verify {
    /// A sender. What is no code needs `sms.from`, and is refused without it.
    pub fn new(
        options: &Options,
        outside: (&Fetch, &Arc<dyn Clock>),
        public_url: Option<&str>,
    ) -> Result<Self, Error> {
        let service = options.verify_service.as_deref().ok_or(Error::Lacks("sms.verify_service"))?;
        let others =
            options.from.as_ref().map(|_| Messages::new(options, outside, public_url)).transpose()?;
        Ok(Self {
            client: Client::new(("sms.verify_url", &options.verify_url), options, outside)?,
            path: format!("/v2/Services/{service}/Verifications"),
            others,
        })
    }

    async fn hand_over(&self, message: &Message) -> Verdict {
        let refused = |code: &str| Verdict::Refused { code: code.to_owned() };
        let Some(Coded { code, reference }) = &message.code else {
            let Some(others) = &self.others else { return refused("no_sender") };
            return others.send(message).await;
        };
        // Verify has no validity to be told: it gives up after ten minutes of its own.
        if message.not_after <= self.client.now() {
            return refused("expired");
        }
        let name = format!("{NAME} {reference}");
        let form = [
            ("To", message.to.e164()),
            ("Channel", "sms"),
            ("CustomCode", code.expose()),
            ("CustomFriendlyName", name.as_str()),
            ("Locale", message.language.as_str()),
        ];
        let accepted = |taken: Taken| Verdict::Accepted { provider_id: taken.id };
        self.client.hand_over(&self.path, &form, accepted).await
    }

    async fn tell(&self, verification: &str, outcome: CodeOutcome) {
        // What went by Messages is no verification.
        if !verification.starts_with("VE") || !is_id(verification) {
            return;
        }
        let status = match outcome {
            CodeOutcome::GivenBack => "approved",
            CodeOutcome::Void => "canceled",
        };
        let path = format!("{}/{verification}", self.path);
        let answer = self.client.post(&path, &[("Status", status)]).await;
        // Verify forgets a verification that is over, so that 404 is as good an answer as any.
        debug!(status = answer.map(|answer| answer.status), "Verify was told how a code was used");
    }
}

impl Sms for Verify {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Verdict> {
        Box::pin(self.hand_over(message))
    }

    fn wants_feedback(&self) -> bool {
        true
    }

    fn feed_back<'a>(&'a self, provider_id: &'a str, outcome: CodeOutcome) -> BoxFuture<'a, ()> {
        Box::pin(self.tell(provider_id, outcome))
    }
}
