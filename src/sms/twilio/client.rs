//! Requests to Twilio: forms, and who asks.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;
use zeroize::Zeroizing;

use super::super::line::{Judged, Line, retry_after};
use super::super::{Error, Options};
use super::errors;
use crate::fetch::header::{AUTHORIZATION, CONTENT_TYPE};
use crate::fetch::{Answer, Endpoint, Fetch, HeaderMap, HeaderValue, Method, Trust};
use crate::model::{Clock, Verdict};

/// Longest id of Twilio's that is believed; theirs have 34 characters.
const LONGEST_ID: usize = 64;

/// One of Twilio's addresses, and who asks there.
#[derive(Debug)]
pub(super) struct Client {
    line: Line,
    base: Endpoint,
    authorization: HeaderValue,
}

/// What an answer holds of a message.
pub(super) struct Taken {
    /// Twilio's id for it.
    pub(super) id: String,
    /// Twilio's word for how far it came.
    pub(super) status: Option<String>,
    /// Twilio's number for why it came no further.
    pub(super) error: Option<u32>,
}

impl Client {
    /// For the address under `key`; nothing is connected to yet.
    pub(super) fn new(
        (key, url): (&'static str, &str),
        options: &Options,
        outside: (&Fetch, &Arc<dyn Clock>),
    ) -> Result<Self, Error> {
        let (fetch, _) = outside;
        let base = fetch.endpoint(url, Trust::Operator).map_err(|source| Error::Address { key, source })?;
        Ok(Self { line: Line::new("twilio", options, outside), base, authorization: authorization(options)? })
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        self.line.now()
    }

    /// Posts a form that hands a message over, and lets `read` judge what was taken.
    pub(super) async fn hand_over(
        &self,
        path: &str,
        form: &[(&str, &str)],
        read: impl FnOnce(Taken) -> Verdict,
    ) -> Verdict {
        let Ok(to) = self.base.join(path) else { return not_allowed() };
        let now = self.now();
        self.line.hand_over(to, self.form(form), |answer| judge(answer, now, read)).await
    }

    /// Posts a form on whose answer nothing depends.
    pub(super) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Option<Answer> {
        let to = self.base.join(path).ok()?;
        self.line.ask(Method::POST, to, self.form(form)).await
    }

    /// Asks for what is under `path`, and reads it.
    pub(super) async fn get(&self, path: &str, query: &str) -> Option<Value> {
        let to = self.base.join(&format!("{path}?{query}")).ok()?;
        let headers = HeaderMap::from_iter([(AUTHORIZATION, self.authorization.clone())]);
        let answer = self.line.ask(Method::GET, to, (headers, Vec::new())).await?;
        (answer.status == 200).then(|| serde_json::from_slice(&answer.body).ok())?
    }

    fn form(&self, form: &[(&str, &str)]) -> (HeaderMap, Vec<u8>) {
        let body = encoded(form).into_bytes();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = [(AUTHORIZATION, self.authorization.clone()), (CONTENT_TYPE, kind)];
        (HeaderMap::from_iter(headers), body)
    }
}

/// A form, or a query.
pub(super) fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// An API key goes before the account's token, which can do everything and cannot be taken back by itself.
fn authorization(options: &Options) -> Result<HeaderValue, Error> {
    let of_key = options.api_key.as_deref().zip(options.api_secret.as_ref());
    let of_account = options.account_sid.as_deref().zip(options.auth_token.as_ref());
    let (user, password) = of_key.or(of_account).ok_or(Error::Lacks("sms.auth_token, or sms.api_key"))?;
    let plain = Zeroizing::new(format!("{user}:{}", password.expose()));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(plain.as_bytes())));
    let mut value = HeaderValue::from_str(&text).map_err(|_| Error::Header("sms.auth_token"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn judge(answer: &Answer, now: Timestamp, read: impl FnOnce(Taken) -> Verdict) -> Judged {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let number = |name: &str| body.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    if !(200..300).contains(&answer.status) {
        return errors::judge(answer.status, number("code"), retry_after(&answer.headers, now));
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    match text("sid").filter(|id| is_id(id)) {
        Some(id) => Judged::well(read(Taken { id, status: text("status"), error: number("error_code") })),
        // It was taken, by all appearances; without its id nobody can say more.
        None => Judged::ill(Verdict::Unknown { code: "unreadable".to_owned() }),
    }
}

/// Whether a text can be an id: it is kept, and put into paths.
pub(super) fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

pub(super) fn not_allowed() -> Verdict {
    Verdict::Refused { code: "not_allowed".to_owned() }
}
