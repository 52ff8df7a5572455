//! The signature between this product and a server of its operator's, in either direction: the HMAC-SHA-256, under a secret
//! that both have, of the time in seconds, a dot and the body. What was signed long ago can so be told from what is said now.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::header::CONTENT_TYPE;
use super::{HeaderMap, HeaderName, HeaderValue};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TIMESTAMP: HeaderName = HeaderName::from_static("vestibule-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("vestibule-signature");
/// What a signature begins with: the version of its form.
const VERSION: &str = "v1=";

/// By how many seconds the time that was signed may differ from now, either way. Whoever takes each request once has to
/// know it for twice as long.
pub const WINDOW: i64 = 300;

/// The headers of a body of JSON that is signed at that second; none where the id cannot stand in one.
pub fn headers(secret: &str, (id, second): (&str, i64), body: &[u8]) -> Option<HeaderMap> {
    let timestamp = second.to_string();
    let mac = mac(secret, &timestamp, body)?.finalize().into_bytes();
    let text = |text: &str| HeaderValue::from_str(text).ok();
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (KEY, text(id)?),
        (TIMESTAMP, text(&timestamp)?),
        (SIGNATURE, text(&format!("{VERSION}{}", hex(&mac)))?),
    ];
    Some(HeaderMap::from_iter(headers))
}

/// Whether a body was signed under the secret, and about now; else what is wrong with it, for the log and for nobody else.
pub fn check(secret: &str, headers: &HeaderMap, body: &[u8], now: i64) -> Result<(), &'static str> {
    let timestamp = only(headers, &TIMESTAMP).ok_or("no timestamp")?;
    let signature = only(headers, &SIGNATURE).ok_or("no signature")?;
    let signature = signature.strip_prefix(VERSION).and_then(bytes).ok_or("no signature of this version")?;
    // In constant time.
    let is_right = mac(secret, timestamp, body).is_some_and(|mac| mac.verify_slice(&signature).is_ok());
    if !is_right {
        return Err("wrong signature");
    }
    let second: i64 = timestamp.parse().map_err(|_| "no time")?;
    let is_timely = now.checked_sub(second).is_some_and(|age| age.abs() <= WINDOW);
    if is_timely { Ok(()) } else { Err("too old, or too new") }
}

fn mac(secret: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac)
}

/// A header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() { None } else { first.to_str().ok() }
}

/// Bytes as signatures are written.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// The bytes that hexadecimal digits write, two each.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        hex.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret of more than sixteen characters";

    #[test]
    fn what_was_signed_is_recognised_and_nothing_else_is() {
        let (body, now) = (b"{\"id\":\"1\"}".as_slice(), 1_796_000_000);
        let good = headers(SECRET, ("1", now), body).unwrap();
        for at in [now - WINDOW, now, now + WINDOW] {
            assert_eq!(check(SECRET, &good, body, at), Ok(()));
        }
        for at in [now - WINDOW - 1, now + WINDOW + 1, i64::MIN, i64::MAX] {
            assert_eq!(check(SECRET, &good, body, at), Err("too old, or too new"));
        }
        let changed = |name: &HeaderName, value: &str| {
            let mut headers = good.clone();
            headers.insert(name.clone(), HeaderValue::from_str(value).unwrap());
            check(SECRET, &headers, body, now)
        };
        let signature = good[&SIGNATURE].to_str().unwrap().to_owned();
        let upper = signature.replace("v1=", "").to_uppercase();
        assert_eq!(changed(&SIGNATURE, &format!("v1={upper}")), Ok(()));
        for other in
            ["", "v1=", "v1=0", "v1=00", "garbage", &signature.replace("v1=", "v2="), &signature[3..]]
        {
            assert!(changed(&SIGNATURE, other).is_err(), "{other}");
        }
        assert!(changed(&SIGNATURE, &signature[..signature.len() - 2]).is_err());
        for other in ["", "0", "1796000001", "1796000000.", "-1796000000", "1796000000 "] {
            assert!(changed(&TIMESTAMP, other).is_err(), "{other}");
        }
        assert!(check(SECRET, &good, b"{\"id\":\"2\"}", now).is_err());
        assert!(check("another secret, as long as that", &good, body, now).is_err());
        for name in [TIMESTAMP, SIGNATURE] {
            let (mut without, mut twice) = (good.clone(), good.clone());
            without.remove(&name);
            twice.append(&name, good[&name].clone());
            assert!(check(SECRET, &without, body, now).is_err() && check(SECRET, &twice, body, now).is_err());
        }
    }
}
