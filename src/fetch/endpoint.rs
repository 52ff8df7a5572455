//! Addresses that were checked, and the one place that decides which may be called and how.

use std::fmt::{self, Debug};

use reqwest::Url;

use super::address::forbidden;
use super::allow::{Options, address_of};
use super::error::{BadUrl, Error};
use super::way::Way;

/// Who named an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Whoever runs the product, in the configuration or on the command line. It leads anywhere, by https; plainly on this
    /// machine only.
    Operator,
    /// Anybody else: a person in a request or a chat, or a setting that was stored for one. It leads to public addresses,
    /// by https.
    Person,
}

/// A checked address.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    trust: Trust,
    way: Way,
}

/// Shows the host alone: users, paths and queries may be secrets.
impl Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({:?} {})", self.trust, self.url.origin().ascii_serialization())
    }
}

impl Endpoint {
    /// The endpoint with `path`, which may bring a query, behind its own. The host stays, and so does the base: a path
    /// with `..` that leads out of it is refused.
    pub fn join(&self, path: &str) -> Result<Self, Error> {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let base = self.url.path().trim_end_matches('/').to_owned();
        let mut url = self.url.clone();
        url.set_path(&format!("{base}/{}", path.trim_start_matches('/')));
        url.set_query(query);
        url.set_fragment(None);
        let is_within = url.path().strip_prefix(&base).is_some_and(|rest| rest.starts_with('/'));
        if is_within { Ok(Self { url, ..self.clone() }) } else { Err(Error::BadUrl(BadUrl::Path)) }
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn trust(&self) -> Trust {
        self.trust
    }

    pub(super) fn way(&self) -> Way {
        self.way
    }
}

impl Options {
    /// Checks an address that somebody named, as far as that can be done without resolving it.
    pub fn endpoint(&self, url: &str, trust: Trust) -> Result<Endpoint, Error> {
        let url = Url::parse(url).map_err(|_| Error::BadUrl(BadUrl::Unreadable))?;
        self.checked(url, trust)
    }

    pub(super) fn checked(&self, url: Url, trust: Trust) -> Result<Endpoint, Error> {
        well_formed(&url)?;
        let way = self.way(&url, trust)?;
        Ok(Endpoint { url, trust, way })
    }

    fn way(&self, url: &Url, trust: Trust) -> Result<Way, Error> {
        let is_plain = url.scheme() == "http";
        let is_named = self.allow.iter().any(|allowed| allowed.names(url));
        let refuse = |why| Err(Error::not_allowed(url, why));
        match trust {
            Trust::Operator if is_this_machine(url) => Ok(Way::Local),
            // What is plain is not given to a proxy, which would carry it, with its key, over another network.
            Trust::Operator if is_plain && is_named => Ok(Way::Named),
            Trust::Operator if is_plain => {
                refuse("what is not https stays on this machine, or goes to a host in fetch.allow")
            }
            Trust::Operator => Ok(Way::Proxied),
            Trust::Person if is_named => Ok(Way::Named),
            Trust::Person if is_plain => refuse("only https is called"),
            // An address is never resolved, so no resolver will look at it.
            Trust::Person => match address_of(url).and_then(forbidden) {
                Some(why) => refuse(why),
                None => Ok(Way::Guarded),
            },
        }
    }
}

/// Whether a URL is of a kind that is called at all.
pub(super) fn well_formed(url: &Url) -> Result<(), Error> {
    let wrong = match url {
        _ if !matches!(url.scheme(), "http" | "https") => BadUrl::Scheme,
        _ if !url.username().is_empty() || url.password().is_some() => BadUrl::UserInfo,
        _ if !url.has_host() => BadUrl::Unreadable,
        _ => return Ok(()),
    };
    Err(Error::BadUrl(wrong))
}

/// Whether the host is this machine, whatever a name server says of it.
fn is_this_machine(url: &Url) -> bool {
    let name = url.host_str().unwrap_or_default();
    name.strip_suffix('.').unwrap_or(name) == "localhost" || address_of(url).is_some_and(|a| a.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(url: &str, trust: Trust) -> Result<Way, Error> {
        let allow = ["ok.test", "port.test:8080", "10.1.0.0/16"].map(|text| text.parse().unwrap());
        Options { allow: allow.to_vec() }.endpoint(url, trust).map(|endpoint| endpoint.way())
    }

    // SEC-54
    #[test]
    fn what_a_person_names() {
        for (url, expected) in [
            ("https://api.example/x", Some(Way::Guarded)),
            ("HTTPS://API.EXAMPLE", Some(Way::Guarded)),
            ("https://8.8.8.8:8443/", Some(Way::Guarded)),
            ("https://[2606:4700::1111]/", Some(Way::Guarded)),
            // Its addresses are looked at when it is resolved.
            ("https://localhost/", Some(Way::Guarded)),
            ("https://ok.test/", Some(Way::Named)),
            ("http://ok.test./", Some(Way::Named)),
            ("http://port.test:8080/", Some(Way::Named)),
            ("https://10.1.2.3/", Some(Way::Named)),
            ("https://[::ffff:10.1.2.3]/", Some(Way::Named)),
            ("https://port.test/", Some(Way::Guarded)),
            // To a URL a backslash is a slash, so the host ends there for the check and for the connection.
            ("https://ok.test\\@127.0.0.1/", Some(Way::Named)),
            ("https://127.0.0.1\\@ok.test/", None),
            ("http://api.example/", None),
            ("http://port.test/", None),
            ("http://8.8.8.8/", None),
            ("https://127.0.0.1/", None),
            ("https://127.1/", None),
            ("https://127.0.0.1./", None),
            ("https://2130706433/", None),
            ("https://0x7f000001/", None),
            ("https://0x7f.0.0.0x1/", None),
            ("https://0177.0.0.01/", None),
            ("https://017700000001/", None),
            ("https://0/", None),
            ("https://\u{ff11}27.0.0.1/", None),
            ("https://127\u{3002}0\u{3002}0\u{3002}1/", None),
            ("https://%31%32%37.0.0.1/", None),
            ("https://1\t27.0.0.1/", None),
            ("https:127.0.0.1/", None),
            ("https:\\\\127.0.0.1\\", None),
            ("https://169.254.169.254/latest/meta-data/", None),
            ("https://0xa9fea9fe/", None),
            ("https://10.0.0.1/", None),
            ("https://10.2.0.1/", None),
            ("https://[::1]/", None),
            ("https://[::]/", None),
            ("https://[::127.0.0.1]/", None),
            ("https://[::ffff:7f00:1]/", None),
            ("https://[0:0:0:0:0:ffff:127.0.0.1]/", None),
            ("https://[64:ff9b::a9fe:a9fe]/", None),
            ("https://[2002:7f00:1::]/", None),
            ("https://[fd00:ec2::254]/", None),
            ("https://[fe80::1]/", None),
        ] {
            assert_eq!(way(url, Trust::Person).ok(), expected, "{url}");
        }
    }

    #[test]
    fn what_an_operator_names() {
        for (url, expected) in [
            ("https://api.example/v1", Some(Way::Proxied)),
            ("https://10.9.9.9/", Some(Way::Proxied)),
            ("https://ok.test/", Some(Way::Proxied)),
            ("http://ok.test/", Some(Way::Named)),
            ("http://10.1.2.3:9/", Some(Way::Named)),
            ("http://localhost:11434/v1", Some(Way::Local)),
            ("https://LocalHost./", Some(Way::Local)),
            ("http://127.0.0.1:1/", Some(Way::Local)),
            ("http://127.9.9.9/", Some(Way::Local)),
            ("http://[::1]:1/", Some(Way::Local)),
            ("http://[::ffff:127.0.0.1]/", Some(Way::Local)),
            ("http://api.example/v1", None),
            ("http://10.9.9.9/", None),
            ("http://localhost.example/", None),
            ("http://127.0.0.1.example/", None),
            ("http://0.0.0.0/", None),
        ] {
            assert_eq!(way(url, Trust::Operator).ok(), expected, "{url}");
        }
    }

    #[test]
    fn what_is_no_address() {
        for (url, wrong) in [
            ("", BadUrl::Unreadable),
            ("api.example", BadUrl::Unreadable),
            ("/v1", BadUrl::Unreadable),
            ("https://", BadUrl::Unreadable),
            ("https://1.2.3.4.5/", BadUrl::Unreadable),
            ("https://a b/", BadUrl::Unreadable),
            ("https://[::1", BadUrl::Unreadable),
            ("https://a:99999/", BadUrl::Unreadable),
            ("ftp://ok.test/", BadUrl::Scheme),
            ("file:///etc/passwd", BadUrl::Scheme),
            ("gopher://127.0.0.1:25/_HELO", BadUrl::Scheme),
            ("data:text/plain,x", BadUrl::Scheme),
            ("https://ann@ok.test/", BadUrl::UserInfo),
            ("https://:pass@ok.test/", BadUrl::UserInfo),
            ("https://ok.test:443@127.0.0.1/", BadUrl::UserInfo),
        ] {
            for trust in [Trust::Person, Trust::Operator] {
                assert_eq!(way(url, trust), Err(Error::BadUrl(wrong)), "{url}");
            }
        }
    }

    #[test]
    fn what_is_joined_stays_within() {
        let base =
            Options::default().endpoint("https://api.example/v1/?key=hunter2#x", Trust::Person).unwrap();
        for (path, expected) in [
            ("chat", "https://api.example/v1/chat"),
            ("/chat?a=b&c", "https://api.example/v1/chat?a=b&c"),
            ("//evil.example/x", "https://api.example/v1/evil.example/x"),
            ("https://evil.example/x", "https://api.example/v1/https://evil.example/x"),
            ("a/../b", "https://api.example/v1/b"),
            ("a#b", "https://api.example/v1/a%23b"),
            ("", "https://api.example/v1/"),
        ] {
            assert_eq!(base.join(path).unwrap().url().as_str(), expected, "{path}");
        }
        for path in ["..", "../v2", "a/../../v2", "%2e%2e/v2", "..\\v2", "../v1x"] {
            assert_eq!(base.join(path).unwrap_err(), Error::BadUrl(BadUrl::Path), "{path}");
        }
        let whole = Options::default().endpoint("https://api.example", Trust::Person).unwrap();
        assert_eq!(whole.join("/a/b").unwrap().url().as_str(), "https://api.example/a/b");
        assert_eq!(format!("{base:?}"), "Endpoint(Person https://api.example)");
    }
}
