//! What can be told of text messages.

use std::str::FromStr;

use crate::fetch::Url;
use crate::model::{Region, Secret};

/// Longest domain of a code, so that its message has room for words.
const LONGEST_DOMAIN: usize = 60;

/// How text messages leave, to which countries, and within what bounds.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who sends them.
    pub sender: Sender,
    /// Twilio's address for messages, without a path.
    pub base_url: String,
    /// Twilio's address for Verify, without a path.
    pub verify_url: String,
    /// The account at Twilio: `AC…`.
    pub account_sid: Option<String>,
    /// Its token. Webhooks are signed with it, and requests too where there is no API key.
    pub auth_token: Option<Secret>,
    /// An API key for requests: `SK…`.
    pub api_key: Option<String>,
    /// Its secret.
    pub api_secret: Option<Secret>,
    /// The number that messages come from, or a messaging service: `MG…`.
    pub from: Option<String>,
    /// The Verify service that words codes: `VA…`.
    pub verify_service: Option<String>,
    /// Where a gateway of one's own takes messages.
    pub gateway_url: Option<Secret>,
    /// What requests to it are signed with.
    pub gateway_secret: Option<Secret>,
    /// Longest wait for a provider's answer, in milliseconds.
    pub timeout_ms: u64,
    /// Failures in a row after which a provider is left alone.
    pub breaker_failures: u32,
    /// For how long, in seconds.
    pub breaker_seconds: u32,
    /// The countries that codes are sent to; none given means the configured region alone.
    pub countries: Vec<Country>,
    /// Text messages of one number that are answered in a minute; 0 is no limit.
    pub texts_per_minute: u32,
    /// The domain that a code is bound to, for phones that fill it in; none given means that of `http.public_url`.
    pub domain: Option<String>,
}

/// Who sends text messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sender {
    /// Whatever is configured: Twilio where there is an account, a gateway where there is one, else the development outbox.
    #[default]
    Auto,
    /// The development outbox.
    Development,
    /// Twilio's messages.
    Twilio,
    /// Twilio's Verify, for codes.
    Verify,
    /// A gateway of one's own.
    Gateway,
}

impl FromStr for Sender {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "auto" => Self::Auto,
            "development" => Self::Development,
            "twilio" => Self::Twilio,
            "verify" => Self::Verify,
            "gateway" => Self::Gateway,
            _ => return Err(()),
        })
    }
}

/// A country that codes are sent to, or every one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Country {
    /// That one.
    One(Region),
    /// Every one that has phones. Whoever says so pays for messages to anywhere.
    All,
}

impl FromStr for Country {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "all" { Ok(Self::All) } else { Region::parse(text).map(Self::One).ok_or(()) }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sender: Sender::Auto,
            base_url: "https://api.twilio.com".to_owned(),
            verify_url: "https://verify.twilio.com".to_owned(),
            account_sid: None,
            auth_token: None,
            api_key: None,
            api_secret: None,
            from: None,
            verify_service: None,
            gateway_url: None,
            gateway_secret: None,
            timeout_ms: 10_000,
            breaker_failures: 5,
            breaker_seconds: 30,
            countries: Vec::new(),
            texts_per_minute: 10,
            domain: None,
        }
    }
}

impl Options {
    /// Who sends, where that is left to what is configured.
    pub fn sender(&self) -> Sender {
        match self.sender {
            Sender::Auto if self.verify_service.is_some() => Sender::Verify,
            Sender::Auto if self.account_sid.is_some() => Sender::Twilio,
            Sender::Auto if self.gateway_url.is_some() => Sender::Gateway,
            Sender::Auto => Sender::Development,
            named => named,
        }
    }

    /// The domain that codes are bound to, where one is known. A phone fills a code in on that domain's pages and on no
    /// other's, so an address of a machine and a name of its network alone are none.
    pub fn domain(&self, public_url: Option<&str>) -> Option<String> {
        let host = || public_url.and_then(|url| Url::parse(url).ok()?.domain().map(str::to_owned));
        let named = self.domain.as_ref().map(|domain| domain.to_ascii_lowercase());
        named.or_else(host).filter(|domain| is_domain(domain))
    }
}

/// Whether it is a domain that a code can be bound to.
pub fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.len() <= LONGEST_DOMAIN && name.contains('.') && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    // SEC-43
    #[test]
    fn a_code_is_bound_to_a_domain_that_is_known() {
        let named = |domain: Option<&str>, url: Option<&str>| {
            Options { domain: domain.map(str::to_owned), ..Options::default() }.domain(url)
        };
        let bound = |domain: &str| Some(domain.to_owned());
        assert_eq!(
            named(Some("Login.example.com"), Some("https://id.example.com")),
            bound("login.example.com")
        );
        assert_eq!(named(None, Some("https://ID.example.com:8443/")), bound("id.example.com"));
        assert_eq!(named(None, Some("https://münchen.example")), bound("xn--mnchen-3ya.example"));
        let long = format!("https://{}.example.com", "a".repeat(60));
        for none in
            ["http://127.0.0.1:8080", "http://[::1]", "http://localhost:8080", "https://intranet", &long]
        {
            assert_eq!(named(None, Some(none)), None, "{none}");
        }
        assert_eq!(named(None, None), None);
    }
}
