//! A gateway of one's own: a server that takes messages by a signed request and sends them however it likes.
//!
//! It gets `{"id", "to", "text", "notAfter"}`. The id is also the `Idempotency-Key`: a message that is handed over again
//! because the gateway did not take it has the same one. The signature covers the time and the body, so that what was
//! signed long ago can be told from what is said now.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tracing::error;

use super::line::{Judged, Line, retry_after};
use super::{Error, Message, Options, Sms};
use crate::fetch::{Answer, Endpoint, Fetch, HeaderMap, Trust, signed};
use crate::model::{Clock, Secret, Verdict};

/// Longest id of a gateway's that is kept.
const LONGEST_ID: usize = 64;

/// Sends by a gateway.
#[derive(Debug)]
pub struct Gateway {
    line: Line,
    url: Endpoint,
    secret: Secret,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted<'a> {
    id: &'a str,
    to: &'a str,
    text: &'a str,
    not_after: Timestamp,
}

impl Gateway {
    /// A sender; nothing is connected to yet.
    pub fn new(options: &Options, outside: (&Fetch, &Arc<dyn Clock>)) -> Result<Self, Error> {
        const KEY: &str = "sms.gateway_url";
        let url = options.gateway_url.as_ref().ok_or(Error::Lacks(KEY))?;
        let url = outside.0.endpoint(url.expose(), Trust::Operator);
        Ok(Self {
            line: Line::new("gateway", options, outside),
            url: url.map_err(|source| Error::Address { key: KEY, source })?,
            secret: options.gateway_secret.clone().ok_or(Error::Lacks("sms.gateway_secret"))?,
        })
    }

    async fn hand_over(&self, message: &Message) -> Verdict {
        let now = self.line.now();
        if message.not_after <= now {
            return Verdict::Refused { code: "expired".to_owned() };
        }
        let id = message.effect.as_str();
        let posted =
            Posted { id, to: message.to.e164(), text: message.text.expose(), not_after: message.not_after };
        let Some(content) = self.signed(&posted, now) else {
            return Verdict::Refused { code: "not_allowed".to_owned() };
        };
        self.line.hand_over(self.url.clone(), content, |answer| judge(answer, id, now)).await
    }

    fn signed(&self, posted: &Posted<'_>, now: Timestamp) -> Option<(HeaderMap, Vec<u8>)> {
        let body = serde_json::to_vec(posted).ok()?;
        let headers = signed::headers(self.secret.expose(), (posted.id, now.as_second()), &body)?;
        Some((headers, body))
    }
}

fn judge(answer: &Answer, effect: &str, now: Timestamp) -> Judged {
    let code = format!("gateway_http_{}", answer.status);
    let after = retry_after(&answer.headers, now);
    match answer.status {
        200..=299 => accepted(&answer.body, effect),
        401 | 403 | 405 | 300..=399 => {
            error!(code, "The gateway takes nothing until sms.gateway_url and sms.gateway_secret are mended");
            Judged::well(Verdict::Refused { code })
        }
        429 => Judged::ill(Verdict::Later { code, after }),
        // Who says when to come again says as well that nothing was taken.
        503 if after.is_some() => Judged::ill(Verdict::Later { code, after }),
        400..=407 | 409..=499 => Judged::well(Verdict::Refused { code }),
        _ => Judged::ill(Verdict::Unknown { code }),
    }
}

/// A gateway that has no id of its own for the message answers nothing, or an object without one.
fn accepted(body: &[u8], effect: &str) -> Judged {
    let is_empty = body.iter().all(u8::is_ascii_whitespace);
    let read: Option<Value> = if is_empty { Some(Value::Null) } else { serde_json::from_slice(body).ok() };
    let Some(read) = read else {
        return Judged::ill(Verdict::Unknown { code: "unreadable".to_owned() });
    };
    let is_id =
        |id: &&str| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    let id = read.get("id").and_then(Value::as_str).filter(is_id).unwrap_or(effect);
    Judged::well(Verdict::Accepted { provider_id: id.to_owned() })
}

impl Sms for Gateway {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Verdict> {
        Box::pin(self.hand_over(message))
    }
}
