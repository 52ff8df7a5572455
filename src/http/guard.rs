//! What stands around every route: limits, the host check, security headers, request ids, the log line.

use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use opentelemetry::trace::FutureExt;
use rand::Rng;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, info, info_span};

use super::envelope::ERROR_ID;
use super::{ApiError, Shared, caller, dev, traceparent};
use crate::model::{Profile, Randomness};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What the page may load: its own files, and nothing inline.
const CONTENT_POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/// Wraps the routes.
pub(super) fn around(router: Router<Shared>, shared: &Shared) -> Router<Shared> {
    router
        .layer(DefaultBodyLimit::max(shared.options.body_limit))
        .layer(middleware::from_fn_with_state(shared.clone(), admit))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            ApiError::internal().into_response()
        }))
        .layer(middleware::from_fn_with_state(shared.clone(), observe))
}

/// An unknown path.
pub(super) async fn unknown() -> ApiError {
    ApiError::not_found()
}

/// A known path with another method.
pub(super) async fn not_allowed() -> ApiError {
    ApiError::refused(StatusCode::METHOD_NOT_ALLOWED, "this path does not take that method")
}

/// Host, declared length and time: what is refused before a handler sees it.
async fn admit(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if shared.profile != Profile::Prod && !is_loopback_host(request.headers()) {
        return ApiError::forbidden("this profile answers only on the loopback address").into_response();
    }
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    if declared.and_then(|v| v.parse::<usize>().ok()).is_some_and(|n| n > shared.options.body_limit) {
        return ApiError::refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large").into_response();
    }
    if let Err(e) = dev::follow_clock(&shared).await {
        return e.into_response();
    }
    let limit = Duration::from_millis(shared.options.request_timeout_ms);
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::unavailable("the request took too long; a turn goes on, repeat its messageId")
            .into_response(),
    }
}

/// A page of another site that points its own name at this machine sends that name (DNS rebinding).
fn is_loopback_host(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|h| h.to_str().ok()) else { return false };
    let name = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |h| h.0);
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The request's id, its span, its log line and the headers of every answer.
async fn observe(State(shared): State<Shared>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let parent = traceparent::context(request.headers());
    let (head, body) = request.into_parts();
    let ip = caller::address(&head, &shared.options.trusted_proxies).map(shortened);
    let (method, path) = (head.method.clone(), head.uri.path().to_owned());
    let is_api = ["/api/", "/webhooks/", "/dev/", "/test/"].iter().any(|folder| path.starts_with(folder));
    let span = info_span!("request", requestId = id.to_str().unwrap_or_default());
    let answered = async {
        let response = next.run(Request::from_parts(head, body)).await;
        info!(
            method = %method,
            path = %path,
            status = response.status().as_u16(),
            ip = ip.map(tracing::field::display),
            "Request received"
        );
        response
    };
    // An error is found again in the log by the id that its answer carries.
    let text = id.to_str().unwrap_or_default().to_owned();
    let mut response = ERROR_ID.scope(text, answered.instrument(span).with_context(parent)).await;
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    let caching = if is_api { "no-store" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if shared.profile == Profile::Prod {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

/// The caller's own id where it is a plain one, else ours. It is for finding lines again, never a key.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_plain = |v: &&HeaderValue| {
        let bytes = v.as_bytes();
        (1..=64).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
    };
    if let Some(given) = headers.get(REQUEST_ID).filter(is_plain) {
        return given.clone();
    }
    // It tells nothing and replays nothing, so it needs no seed.
    let random = Randomness::system().stream("request").next_u64();
    HeaderValue::from_str(&format!("req_{random:016x}")).unwrap_or(HeaderValue::from_static("req_0"))
}

/// The network an address is in: enough to see where trouble comes from, not who.
fn shortened(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            IpAddr::from([a, b, c, 0])
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_this_machine() {
        let admits = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("host", host.parse().unwrap());
            is_loopback_host(&headers)
        };
        for host in ["localhost", "localhost:8080", "127.0.0.1:1", "127.9.9.9", "[::1]:8080", "LOCALHOST:1"] {
            assert!(admits(host), "{host}");
        }
        for host in ["evil.test", "localhost.evil.test:80", "10.0.0.1", "127.0.0.1.evil.test", "", "[::2]:1"]
        {
            assert!(!admits(host), "{host}");
        }
        assert!(!is_loopback_host(&HeaderMap::new()));
    }

    #[test]
    fn only_a_plain_request_id_is_taken_over() {
        let id = |given: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, given.parse().unwrap());
            request_id(&headers).to_str().unwrap().to_owned()
        };
        assert_eq!(id("abc-1.x_Y"), "abc-1.x_Y");
        for odd in ["a b", "{\"x\":1}", &"x".repeat(65)] {
            assert!(id(odd).starts_with("req_"), "{odd}");
        }
    }
}
