//! Whether a request is from Twilio: the signature that it puts into `X-Twilio-Signature`.
//!
//! It is the HMAC-SHA-1 under the account's token of the URL as Twilio called it, followed by name and value of each
//! parameter of a form, in the order of the names. Nothing marks where one ends and the next begins, so that whoever
//! holds one signed request can move what is at the border of the query into it; a caller must therefore demand every
//! parameter that it acts upon. There is no time in it either: what was signed once is signed for good, and a replay has
//! to be without effect.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::fetch::signed::hex;
use crate::model::Secret;

/// The parameter of the query that holds the hash of a body which is no form.
const BODY_HASH: &str = "bodySHA256";

/// Whether `signature` is Twilio's for a request to `url`, which is spelled as Twilio called it. `params` are those of
/// the form, decoded; a body that is no form is `body`, and `params` are none then.
pub fn is_signed(
    token: &Secret,
    url: &str,
    params: &[(String, String)],
    body: Option<&[u8]>,
    signature: &str,
) -> bool {
    let Ok(given) = STANDARD.decode(signature) else { return false };
    // A form whose parameters are not covered would be whatever its sender likes.
    let is_whole = body.is_none_or(|body| params.is_empty() && has_hash_of(url, body));
    let of_one = |url: &str| mac(token, url, params).is_some_and(|mac| mac.ct_eq(&given).into());
    // Twilio signs some requests with the port and others without.
    let of_any = spellings(url).iter().fold(false, |any, url| any | of_one(url));
    is_whole && of_any
}

fn mac(token: &Secret, url: &str, params: &[(String, String)]) -> Option<[u8; 20]> {
    let mut mac = Hmac::<Sha1>::new_from_slice(token.expose().as_bytes()).ok()?;
    mac.update(url.as_bytes());
    // In order, and what is there twice with the same value counts once.
    let params: BTreeSet<&(String, String)> = params.iter().collect();
    for (name, value) in params {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    Some(mac.finalize().into_bytes().into())
}

/// Whether the URL's query holds the hash of the body, and none of another.
fn has_hash_of(url: &str, body: &[u8]) -> bool {
    let hash = hex(&Sha256::digest(body));
    let query = url.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let query = query.split('#').next().unwrap_or_default();
    let given =
        query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(name, _)| *name == BODY_HASH);
    let (any, all) = given.fold((false, Choice::from(1)), |(_, all), (_, value)| {
        (true, all & value.as_bytes().ct_eq(hash.as_bytes()))
    });
    any && all.into()
}

/// The URL as it is, and with its scheme's own port put in or left out.
fn spellings(url: &str) -> Vec<String> {
    let mut all = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return all };
    let port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return all,
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    // What is within brackets is an address and no port.
    let has_port = host.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    match host.strip_suffix(port) {
        Some(bare) if has_port => all.push(format!("{scheme}://{bare}{path}")),
        None if !has_port => all.push(format!("{scheme}://{host}{port}{path}")),
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "12345";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    const WITH_PORT: &str = "kvajT1Ptam85bY51eRf/AJRuM3w=";
    const BODY: &[u8] = br#"{"property": "value", "boolean": true}"#;
    const HASHED: &str = "https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    const OF_BODY: &str = "a9nBmqA0ju/hNViExpshrM61xv4=";
    const OF_DUPLICATES: &str = "IK+Dwps556ElfBT0I3Rgjkr1wJU=";

    type Params = Vec<(String, String)>;

    fn pairs(pairs: &[(&str, &str)]) -> Params {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn call() -> Params {
        pairs(&[
            ("CallSid", "CA1234567890ABCDE"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
            ("Caller", "+14158675309"),
        ])
    }

    fn form(url: &str, params: &[(String, String)], signature: &str) -> bool {
        is_signed(&Secret::new(TOKEN), url, params, None, signature)
    }

    fn json(url: &str, body: &[u8], signature: &str) -> bool {
        is_signed(&Secret::new(TOKEN), url, &[], Some(body), signature)
    }

    #[test]
    fn the_published_vectors_are_signed() {
        let with_port = URL.replacen(".com/", ".com:443/", 1);
        assert!(form(URL, &call(), SIGNATURE));
        assert!(form(&with_port, &call(), WITH_PORT));
        // Whichever of the two spellings this side knows.
        assert!(form(&with_port, &call(), SIGNATURE) && form(URL, &call(), WITH_PORT));
        let duplicates = pairs(&[
            ("Sid", "CA123"),
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Digits", "1234"),
            ("Digits", "1234"),
        ]);
        assert!(form(URL, &duplicates, OF_DUPLICATES));
        assert!(json(HASHED, BODY, OF_BODY));
    }

    // SEC-37
    #[test]
    fn a_changed_form_is_refused() {
        let changed = |change: &dyn Fn(&mut Params)| {
            let mut params = call();
            change(&mut params);
            form(URL, &params, SIGNATURE)
        };
        let last = call().len() - 1;
        assert!(changed(&|_| {}) && changed(&|params| params.reverse()));
        assert!(!changed(&|params| params[1].1 = "1235".to_owned()));
        assert!(!changed(&|params| params[1].0 = "digits".to_owned()));
        assert!(!changed(&|params| params.push(("Zone".to_owned(), String::new()))));
        assert!(!changed(&|params| params.push(("Digits".to_owned(), "9".to_owned()))));
        assert!(!changed(&|params| drop(params.remove(last))));
        assert!(!changed(&|params| params.clear()));
        let mut fewer = pairs(&[("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "1234")]);
        assert!(!form(URL, &fewer, OF_DUPLICATES));
        fewer.push(("Digits".to_owned(), "5678".to_owned()));
        assert!(form(URL, &fewer, OF_DUPLICATES), "the second of two equal values says nothing");
    }

    // SEC-37
    #[test]
    fn another_url_is_refused() {
        for (from, to) in [
            ("https:", "http:"),
            ("mycompany.com", "mycompany.com:8443"),
            ("mycompany.com", "mycompany.com.evil.example"),
            ("mycompany.com", "Mycompany.com"),
            ("myapp.php", "myapp"),
            ("/myapp", "//myapp"),
            ("foo=1", "foo=2"),
            ("foo=1&bar=2", "bar=2&foo=1"),
            ("bar=2", "bar=2&"),
            ("bar=2", "bar=2#x"),
        ] {
            let url = URL.replacen(from, to, 1);
            assert!(
                url != URL && !form(&url, &call(), SIGNATURE) && !form(&url, &call(), WITH_PORT),
                "{url}"
            );
        }
        for odd in ["", "mycompany.com/myapp.php", "://", "https://", "ftp://mycompany.com/"] {
            assert!(!form(odd, &call(), SIGNATURE), "{odd}");
        }
    }

    // SEC-37
    #[test]
    fn what_is_no_signature_of_this_token_is_refused() {
        let other = |token: &str| is_signed(&Secret::new(token), URL, &call(), None, SIGNATURE);
        assert!(other(TOKEN) && !other("12346") && !other(""));
        for signature in [
            "",
            "=",
            "not base64!",
            "RSOYDt4T1cUTdK1PDd93/VVr8B8",
            "RSOYDt4T1cUTdK1PDd93/VVr8B9=",
            " RSOYDt4T1cUTdK1PDd93/VVr8B8=",
            "RSOYDt4T1cUTdK1PDd93_VVr8B8=",
            "RSOYDt4T1cUTdK1PDd93/VVr8A==",
            "RSOYDt4T1cUTdK1PDd93/VVr8B8A",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            OF_BODY,
        ] {
            assert!(!form(URL, &call(), signature), "{signature}");
        }
    }

    // SEC-37
    #[test]
    fn a_body_that_is_no_form_has_to_be_the_one_that_was_hashed() {
        assert!(!json(HASHED, b"{}", OF_BODY) && !json(HASHED, b"", OF_BODY));
        let unhashed = URL.to_owned();
        let signed = STANDARD.encode(mac(&Secret::new(TOKEN), &unhashed, &[]).unwrap());
        assert!(form(&unhashed, &[], &signed) && !json(&unhashed, BODY, &signed));
        // Signed, and with a hash of something else beside the right one or in its place.
        for hashes in ["bodySHA256=", "bodySHA256=00", "bodysha256=0a1f", "x=1#bodySHA256=0a1f"] {
            let url = format!("{URL}&{hashes}");
            let signed = STANDARD.encode(mac(&Secret::new(TOKEN), &url, &[]).unwrap());
            assert!(!json(&url, BODY, &signed), "{url}");
        }
        let twice = format!("{HASHED}&bodySHA256=00");
        let signed = STANDARD.encode(mac(&Secret::new(TOKEN), &twice, &[]).unwrap());
        assert!(!json(&twice, BODY, &signed));
        // A form cannot ride on the signature of another body.
        assert!(!is_signed(&Secret::new(TOKEN), HASHED, &call(), Some(BODY), OF_BODY));
    }

    #[test]
    fn the_schemes_own_port_is_put_in_or_left_out() {
        for (url, other) in [
            ("https://a.example/x", Some("https://a.example:443/x")),
            ("http://a.example?x=1", Some("http://a.example:80?x=1")),
            ("http://a.example:80/x:y", Some("http://a.example/x:y")),
            ("https://[::443]/x", Some("https://[::443]:443/x")),
            ("https://[::1]:443/x", Some("https://[::1]/x")),
            ("https://a.example:80/x", None),
            ("https://a.example:8443/x", None),
            ("https://[::1]:8443/x", None),
        ] {
            let all: Vec<&str> = [Some(url), other].into_iter().flatten().collect();
            assert_eq!(spellings(url), all);
        }
    }
}
