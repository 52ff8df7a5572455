//! The door to outside agents.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::time::Duration;

use futures::future::BoxFuture;

use crate::engine::Due;
use crate::fetch::{Endpoint, Error, Fetch, HeaderMap, HeaderName, HeaderValue, Method, Request, Trust};
use crate::graph::Options;
use crate::model::{EffectId, Secret};

/// Largest answer that is read, in bytes.
const LARGEST: usize = 64 * 1024;

/// What came of one try.
#[derive(Clone, PartialEq, Eq)]
pub enum Reached {
    /// The other side answered.
    Answered {
        /// The status.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
    /// It did not, for this reason, and might if it were tried again.
    Silent(&'static str),
    /// It cannot be called, for this reason.
    Never(&'static str),
}

/// What was answered may be about somebody.
impl Debug for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { status, .. } => write!(f, "Answered({status})"),
            Self::Silent(code) => write!(f, "Silent({code})"),
            Self::Never(code) => write!(f, "Never({code})"),
        }
    }
}

/// Makes calls to outside agents.
pub trait Outside: Debug + Send + Sync {
    /// Makes one try. The effect's name goes with it, so that the other side knows a second try.
    fn call<'a>(&'a self, effect: &'a EffectId, due: &'a Due) -> BoxFuture<'a, Reached>;
}

/// Over HTTP, to the addresses that are configured.
#[derive(Debug)]
pub struct OverHttp {
    fetch: Fetch,
    addresses: BTreeMap<String, Endpoint>,
    secrets: BTreeMap<String, Secret>,
}

impl OverHttp {
    /// The addresses and secrets of the configuration. One that may not be called stops the start.
    pub fn new(fetch: &Fetch, options: &Options) -> Result<Self, Error> {
        let mut addresses = BTreeMap::new();
        for setting in &options.addresses {
            let endpoint = fetch.endpoint(setting.value.expose(), Trust::Operator)?;
            addresses.insert(setting.name.clone(), endpoint);
        }
        let secrets = options.secrets.iter().map(|s| (s.name.clone(), s.value.clone())).collect();
        Ok(Self { fetch: fetch.clone(), addresses, secrets })
    }

    fn request(&self, effect: &EffectId, due: &Due) -> Option<Request> {
        let base = self.addresses.get(&due.base)?;
        let to = if due.path.is_empty() { base.clone() } else { base.join(&due.path).ok()? };
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("application/json"));
        let method = if due.method == "POST" { Method::POST } else { Method::GET };
        if method == Method::POST {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
            headers.insert("idempotency-key", HeaderValue::from_str(effect.as_str()).ok()?);
        }
        for (name, secret) in &due.headers {
            let mut value = HeaderValue::from_str(self.secrets.get(secret)?.expose()).ok()?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
        }
        Some(Request {
            method,
            to,
            headers,
            body: due.body.clone().unwrap_or_default().into_bytes(),
            timeout: Duration::from_millis(u64::from(due.timeout_ms)),
            most: LARGEST,
            redirects: 0,
        })
    }
}

impl Outside for OverHttp {
    fn call<'a>(&'a self, effect: &'a EffectId, due: &'a Due) -> BoxFuture<'a, Reached> {
        Box::pin(async move {
            let Some(request) = self.request(effect, due) else { return Reached::Never("not_configured") };
            match self.fetch.send(request).await {
                Ok(answer) => Reached::Answered { status: answer.status, body: answer.body },
                Err(Error::NotAllowed { .. } | Error::BadUrl(_) | Error::Build) => {
                    Reached::Never("not_allowed")
                }
                Err(Error::TooLarge) => Reached::Never("too_large"),
                Err(Error::Late) => Reached::Silent("late"),
                Err(_) => Reached::Silent("unreachable"),
            }
        })
    }
}
