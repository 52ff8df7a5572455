//! The desk behind an address: each thing it is told is one signed request.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::Serialize;
use tracing::error;

use super::{Desk, Error, Judged, Notice, Options};
use crate::fetch::{self, Endpoint, Fetch, Method, Request, Trust, signed};
use crate::model::{Clock, EffectId, Secret};

/// Largest answer that is read, in bytes. Nothing in it is looked at.
const LARGEST: usize = 64 * 1024;

/// Tells a desk by requests.
#[derive(Debug)]
pub struct Webhook {
    fetch: Fetch,
    clock: Arc<dyn Clock>,
    url: Endpoint,
    secret: Secret,
    timeout: Duration,
    reply_to: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted<'a> {
    id: &'a str,
    #[serde(flatten)]
    notice: &'a Notice,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<&'a str>,
}

impl Webhook {
    /// The desk that is configured, if one is; nothing is connected to yet. `reply_to` is where it may answer.
    pub fn new(
        options: &Options,
        reply_to: Option<String>,
        (fetch, clock): (&Fetch, &Arc<dyn Clock>),
    ) -> Result<Option<Self>, Error> {
        let Some(url) = &options.url else { return Ok(None) };
        Ok(Some(Self {
            fetch: fetch.clone(),
            clock: Arc::clone(clock),
            url: fetch.endpoint(url.expose(), Trust::Operator).map_err(Error::Address)?,
            secret: options.secret.clone().ok_or(Error::Lacks("handoff.secret"))?,
            timeout: Duration::from_millis(options.timeout_ms),
            reply_to,
        }))
    }

    async fn post(&self, effect: &EffectId, notice: &Notice) -> Judged {
        let posted = Posted { id: effect.as_str(), notice, reply_to: self.reply_to.as_deref() };
        let Some(request) = self.request(&posted) else { return Judged::Never("unreadable".to_owned()) };
        match self.fetch.send(request).await {
            Ok(answer) => judge(answer.status),
            Err(fetch::Error::NotAllowed { .. } | fetch::Error::BadUrl(_) | fetch::Error::Build) => {
                Judged::Never("not_allowed".to_owned())
            }
            Err(fetch::Error::Late) => Judged::Later("late".to_owned()),
            Err(_) => Judged::Later("unreachable".to_owned()),
        }
    }

    fn request(&self, posted: &Posted<'_>) -> Option<Request> {
        let body = serde_json::to_vec(posted).ok()?;
        let second = self.clock.now().as_second();
        Some(Request {
            method: Method::POST,
            to: self.url.clone(),
            headers: signed::headers(self.secret.expose(), (posted.id, second), &body)?,
            body,
            timeout: self.timeout,
            most: LARGEST,
            redirects: 0,
        })
    }
}

fn judge(status: u16) -> Judged {
    let code = format!("desk_http_{status}");
    match status {
        200..=299 => Judged::Taken,
        408 | 425 | 429 | 500..=599 => Judged::Later(code),
        300..=399 | 401 | 403 | 405 => {
            error!(code, "The desk takes nothing until handoff.url and handoff.secret are mended");
            Judged::Never(code)
        }
        _ => Judged::Never(code),
    }
}

impl Desk for Webhook {
    fn tell<'a>(&'a self, effect: &'a EffectId, notice: &'a Notice) -> BoxFuture<'a, Judged> {
        Box::pin(self.post(effect, notice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_status_means() {
        for status in [200, 202, 204] {
            assert_eq!(judge(status), Judged::Taken);
        }
        for status in [408, 425, 429, 500, 502, 503] {
            assert_eq!(judge(status), Judged::Later(format!("desk_http_{status}")));
        }
        for status in [101, 302, 400, 401, 403, 404, 409, 410, 422] {
            assert_eq!(judge(status), Judged::Never(format!("desk_http_{status}")));
        }
    }
}
