//! Whether a request is Twilio's.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::request::Parts as Head;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tracing::{error, warn};

use crate::http::{ApiError, Shared, caller};
use crate::sms::twilio::is_signed;

const SIGNATURE: &str = "x-twilio-signature";
/// Most parameters; Twilio sends a few dozen.
const MOST: usize = 256;

/// The parameters of a request that Twilio signed.
#[derive(Debug)]
pub(in crate::http) struct TwilioSigned {
    params: Vec<(String, String)>,
    uri: Uri,
}

impl TwilioSigned {
    /// A parameter that may be left out. Of one that is there with two values nobody can say which is meant.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self.params.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.any(|other| Some(other) != first) {
            return Err(ApiError::invalid(&format!("/{name}"), "is there with more than one value"));
        }
        Ok(first)
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.one(name)?.ok_or_else(|| ApiError::invalid(&format!("/{name}"), "is missing"))
    }

    /// A parameter of the query, which the signature covers too.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let query = self.uri.query().unwrap_or_default();
        let found = form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == name);
        found.map(|(_, value)| value.into_owned())
    }
}

impl FromRequest<Shared> for TwilioSigned {
    type Rejection = Response;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Response> {
        let (head, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(head.clone(), body), shared).await;
        match checked(&head, bytes.ok().as_deref(), shared) {
            Ok(signed) => Ok(signed),
            Err(what) => Err(refuse(&head, shared, what).await),
        }
    }
}

/// The request, if it is Twilio's, or why it is not.
fn checked(head: &Head, body: Option<&[u8]>, shared: &Shared) -> Result<TwilioSigned, &'static str> {
    let token = shared.twilio.auth_token.as_ref().ok_or("no token")?;
    let signature = only(&head.headers, SIGNATURE).ok_or("no signature")?;
    let (body, url) = (body.ok_or("no body")?, url(head, shared).ok_or("no address")?);
    if head.headers.contains_key(header::CONTENT_ENCODING) {
        return Err("encoded body");
    }
    let kind = only(&head.headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (params, is_signed) = match kind.as_str() {
        "application/x-www-form-urlencoded" => {
            let params: Vec<(String, String)> = form_urlencoded::parse(body)
                .take(MOST + 1)
                .map(|(n, v)| (n.into_owned(), v.into_owned()))
                .collect();
            let is_signed = is_signed(token, &url, &params, None, signature);
            (params, is_signed)
        }
        "application/json" => {
            let is_signed = is_signed(token, &url, &[], Some(body), signature);
            (if is_signed { fields(body) } else { Vec::new() }, is_signed)
        }
        _ => return Err("neither form nor JSON"),
    };
    if !is_signed {
        return Err("wrong signature");
    }
    // The signature does not say where a name ends and its value begins. Twilio's names are words; with others, whoever
    // knows one signed request could read a name out of what somebody wrote.
    if params.len() > MOST || !params.iter().all(|(name, _)| is_word(name)) {
        return Err("odd parameters");
    }
    let signed = TwilioSigned { params, uri: head.uri.clone() };
    // The token is the account's, so one that is not named is ours.
    let ours = shared.twilio.account_sid.as_deref();
    match signed.one("AccountSid") {
        Ok(named) if named.is_none() || ours.is_none() || named == ours => Ok(signed),
        _ => Err("another account"),
    }
}

/// Whoever is not Twilio is told nothing, not even why.
async fn refuse(head: &Head, shared: &Shared, what: &'static str) -> Response {
    let ip = caller::address(head, &shared.options.trusted_proxies).map(|ip| ip.to_string());
    warn!(what, "Webhook refused");
    if let Err(e) = shared.engine.note_bad_signature(ip, what).await {
        error!(error = %e, "A bad signature is not noted");
    }
    StatusCode::FORBIDDEN.into_response()
}

/// The URL as Twilio called it.
fn url(head: &Head, shared: &Shared) -> Option<String> {
    let path = head.uri.path_and_query()?.as_str();
    if let Some(public) = &shared.options.public_url {
        return Some(format!("{}{path}", public.trim_end_matches('/')));
    }
    let is_trusted = caller::is_from(head, &shared.options.trusted_proxies);
    // A proxy adds its own at the end.
    let forwarded = |name| {
        let value = only(&head.headers, name).filter(|_| is_trusted)?;
        value.rsplit(',').next().map(str::trim).filter(|value| !value.is_empty())
    };
    let scheme = forwarded("x-forwarded-proto").unwrap_or("http");
    let host = forwarded("x-forwarded-host").or_else(|| only(&head.headers, header::HOST.as_str()))?;
    Some(format!("{scheme}://{host}{path}"))
}

/// A header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() { None } else { first.to_str().ok() }
}

/// The texts and numbers of a JSON object.
fn fields(body: &[u8]) -> Vec<(String, String)> {
    let Ok(Value::Object(map)) = serde_json::from_slice(body) else { return Vec::new() };
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    map.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect()
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}
