//! Cookies: an alternative way for tokens, for browsers, in which no script can read them.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::model::Secret;

/// The device's token.
pub(super) const DEVICE: &str = "vestibule_device";
/// The session's token.
pub(super) const SESSION: &str = "vestibule_session";

/// Ninety days, the longest a session lives; the store ends it earlier where it must.
const MAX_AGE_SECONDS: u32 = 90 * 24 * 3_600;

/// A cookie that was sent.
pub(super) fn get(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, value)| *n == name && !value.is_empty())
        .map(|(_, value)| Secret::new(value))
}

/// Whether the caller wants its tokens as cookies.
pub(super) fn wanted(headers: &HeaderMap) -> bool {
    headers.get("x-session-transport").is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"cookie"))
}

/// Sets a cookie; `None` ends it.
pub(super) fn set(headers: &mut HeaderMap, name: &str, value: Option<&Secret>, secure: bool) {
    let (value, age) = value.map_or(("", 0), |v| (v.expose(), MAX_AGE_SECONDS));
    let secure = if secure { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(mut line) = HeaderValue::from_str(&line) {
        line.set_sensitive(true);
        headers.append(header::SET_COOKIE, line);
    }
}
