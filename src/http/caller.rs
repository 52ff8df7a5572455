//! Who calls: reads what a request presents, and lets the engine say who that is.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts as Head;
use axum::http::{HeaderMap, Method, header};

use super::{ApiError, Shared, cookies};
use crate::engine::{self, Credentials};
use crate::model::Secret;

/// A caller with a valid credential.
#[derive(Debug)]
pub(super) struct Caller(pub(super) engine::Caller);

/// A caller with a valid credential, or with the device's token of before a sign-in, which still repeats that message.
#[derive(Debug)]
pub(super) struct Speaker(pub(super) engine::Caller);

/// Where a request came from.
#[derive(Debug)]
pub(super) struct From(pub(super) Option<String>);

impl FromRequestParts<Shared> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(head: &mut Head, shared: &Shared) -> Result<Self, Self::Rejection> {
        Ok(Self(address(head, &shared.options.trusted_proxies).map(|ip| ip.to_string())))
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Head, shared: &Shared) -> Result<Self, ApiError> {
        let Speaker(caller) = Speaker::from_request_parts(head, shared).await?;
        if caller.repeats_only.is_some() { Err(ApiError::unauthorized()) } else { Ok(Self(caller)) }
    }
}

impl FromRequestParts<Shared> for Speaker {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Head, shared: &Shared) -> Result<Self, ApiError> {
        let ip = address(head, &shared.options.trusted_proxies).map(|ip| ip.to_string());
        let credentials = presented(&head.method, &head.headers, ip)?;
        shared.engine.authenticate(credentials).await?.map(Self).ok_or_else(ApiError::unauthorized)
    }
}

fn presented(method: &Method, headers: &HeaderMap, ip: Option<String>) -> Result<Credentials, ApiError> {
    let device_token = one(headers, "x-device-token")?.map(Secret::new);
    let bearer = match one(headers, header::AUTHORIZATION.as_str())? {
        None => None,
        Some(value) => {
            let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Err(ApiError::unauthorized());
            }
            Some(Secret::new(token.trim()))
        }
    };
    if device_token.is_some() || bearer.is_some() {
        return Ok(Credentials { device_token, bearer, ip });
    }
    from_this_site(method, headers)?;
    let device_token = cookies::get(headers, cookies::DEVICE);
    let bearer = cookies::get(headers, cookies::SESSION);
    Ok(Credentials { device_token, bearer, ip })
}

/// A browser sends cookies along with requests that other sites cause; those carry another origin, or none.
pub(super) fn from_this_site(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    let has_cookies = [cookies::DEVICE, cookies::SESSION].iter().any(|c| cookies::get(headers, c).is_some());
    if has_cookies && !method.is_safe() && !same_origin(headers) {
        return Err(ApiError::forbidden("a request with cookies must come from this site itself"));
    }
    Ok(())
}

/// A header that may be given once.
fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ApiError::unauthorized()),
        _ => Err(ApiError::unauthorized()),
    }
}

/// Whether `Origin` names the host the request was sent to.
pub(super) fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok());
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else { return false };
    let origin = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    origin.is_some_and(|o| o.eq_ignore_ascii_case(host))
}

/// The caller's address: the connection's, or what a trusted proxy says, read from the right.
pub(super) fn address(head: &Head, trusted: &[IpAddr]) -> Option<IpAddr> {
    let peer = head.extensions.get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip())?;
    if !trusted.contains(&peer) {
        return Some(peer);
    }
    let lines = head.headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok());
    let hops: Vec<&str> = lines.flat_map(|l| l.split(',')).map(str::trim).collect();
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        let Ok(ip) = hop.parse::<IpAddr>() else { break };
        nearest = ip;
        if !trusted.contains(&ip) {
            break;
        }
    }
    Some(nearest)
}

/// Whether the connection is from one of those.
pub(super) fn is_from(head: &Head, trusted: &[IpAddr]) -> bool {
    head.extensions.get::<ConnectInfo<SocketAddr>>().is_some_and(|peer| trusted.contains(&peer.0.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(peer: &str, forwarded: &str) -> Head {
        let request = axum::http::Request::builder().header("x-forwarded-for", forwarded);
        let mut head = request.body(()).unwrap().into_parts().0;
        head.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        head
    }

    // SEC-41
    #[test]
    fn forwarding_headers_count_from_trusted_proxies_only_and_from_the_right() {
        let trusted: Vec<IpAddr> = vec!["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        let seen = |peer, forwarded| address(&head(peer, forwarded), &trusted).unwrap().to_string();
        assert_eq!(seen("203.0.113.9", "198.51.100.1"), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2"), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", "nonsense"), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", ""), "10.0.0.1");
    }

    #[test]
    fn only_this_site_is_the_same_origin() {
        let origin = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert("host", "127.0.0.1:8080".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert("origin", origin.parse().unwrap());
            }
            same_origin(&headers)
        };
        assert!(origin(Some("http://127.0.0.1:8080")));
        for foreign in
            [None, Some("null"), Some("http://127.0.0.1:8081"), Some("http://127.0.0.1:8080.evil.test")]
        {
            assert!(!origin(foreign), "{foreign:?}");
        }
    }
}
