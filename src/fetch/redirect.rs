//! One request of a chain, and the next one after a redirect.

use reqwest::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, LOCATION, TRANSFER_ENCODING, USER_AGENT,
};
use reqwest::{Method, Response, StatusCode};

use super::allow::Options;
use super::endpoint::{Endpoint, Trust};
use super::error::{BadUrl, Error};

/// What may be said to another host than the first. A list of what may not would miss the header in which somebody's
/// server wants its token.
const PASSED_ON: &[HeaderName] = &[ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, USER_AGENT];

pub(super) struct Hop {
    pub(super) method: Method,
    pub(super) to: Endpoint,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Hop {
    pub(super) fn request(&self) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), self.to.url().clone());
        *request.headers_mut() = self.headers.clone();
        if !self.body.is_empty() {
            *request.body_mut() = Some(self.body.clone().into());
        }
        request
    }

    /// The request that follows a redirect, to an address that is checked like the first.
    pub(super) fn next(self, status: StatusCode, location: &[u8], options: &Options) -> Result<Self, Error> {
        let Self { mut method, to, mut headers, mut body } = self;
        let from = to.url();
        let location = std::str::from_utf8(location).ok();
        let url = location.and_then(|location| from.join(location).ok());
        let url = url.ok_or(Error::BadUrl(BadUrl::Unreadable))?;
        if from.scheme() == "https" && url.scheme() == "http" {
            return Err(Error::not_allowed(&url, "a redirect leads from https to http"));
        }
        let is_same = from.origin() == url.origin();
        if to.trust() == Trust::Operator && !is_same {
            return Err(Error::not_allowed(&url, "a redirect leads to another host"));
        }
        if !is_same {
            headers = passed_on(&headers);
        }
        if matches!(status.as_u16(), 301..=303) {
            if method != Method::HEAD {
                method = Method::GET;
            }
            body.clear();
            for gone in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING] {
                headers.remove(gone);
            }
        }
        let to = options.checked(url, to.trust())?;
        Ok(Self { method, to, headers, body })
    }
}

/// Where a response sends us, if it does.
pub(super) fn location(response: &Response) -> Option<&[u8]> {
    let is_redirect = matches!(response.status().as_u16(), 301..=303 | 307 | 308);
    response.headers().get(LOCATION).filter(|_| is_redirect).map(HeaderValue::as_bytes)
}

fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| PASSED_ON.contains(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // SEC-54
    #[test]
    fn what_was_encrypted_stays_so() {
        let options = Options { allow: vec!["inner.test".parse().unwrap()] };
        for trust in [Trust::Person, Trust::Operator] {
            let hop = |url: &str| Hop {
                method: Method::GET,
                to: options.endpoint(url, trust).unwrap(),
                headers: HeaderMap::new(),
                body: Vec::new(),
            };
            let next = |from, to: &str| hop(from).next(StatusCode::FOUND, to.as_bytes(), &options);
            let refused = next("https://inner.test/", "http://inner.test/").err();
            assert!(matches!(refused, Some(Error::NotAllowed { .. })), "{refused:?}");
            assert!(next("https://inner.test/", "https://inner.test/a").is_ok());
            assert!(next("http://inner.test/", "http://inner.test/a").is_ok());
        }
    }
}
