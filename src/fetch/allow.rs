//! The operator's exceptions: hosts and networks that may be called although a rule speaks against it.

use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

use super::address::{Network, canonical};

/// What may be called although a rule speaks against it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The exceptions. A host that is named here may be called plainly and wherever its name leads to.
    pub allow: Vec<Allowed>,
}

/// One exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// A host, as it is spelled in a URL; at one port, if there is one.
    Host {
        /// Its name in small letters and without a dot at the end, or an address.
        name: String,
        /// The port.
        port: Option<u16>,
    },
    /// All addresses of a network.
    Network(Network),
}

/// Reads `host`, `host:port`, `10.0.0.0/8` and `[fd00::]/8`. The host may be an address, that of IPv6 in brackets.
impl FromStr for Allowed {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.contains('/') {
            return text.parse().map(Self::Network);
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (text, None),
        };
        let is_number = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
        let port = port.map(|port| port.parse().ok().filter(|n| *n > 0 && is_number(port)).ok_or(()));
        Ok(Self::Host { name: host_name(host).ok_or(())?, port: port.transpose()? })
    }
}

impl Allowed {
    /// Whether it names the host of a URL.
    pub(super) fn names(&self, url: &Url) -> bool {
        match self {
            Self::Host { name, port } => {
                Some(name) == host_of(url).as_ref()
                    && port.is_none_or(|port| url.port_or_known_default() == Some(port))
            }
            Self::Network(network) => address_of(url).is_some_and(|address| network.contains(address)),
        }
    }

    /// Whether it allows an address that a name leads to. What names a host says nothing of other names.
    pub(super) fn holds(&self, address: IpAddr) -> bool {
        matches!(self, Self::Network(network) if network.contains(canonical(address)))
    }
}

/// The host of a URL, in the one spelling that is compared.
fn host_of(url: &Url) -> Option<String> {
    url.host_str().map(|host| host.strip_suffix('.').unwrap_or(host).to_owned())
}

/// The address that is a URL's host.
pub(super) fn address_of(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok().map(canonical)
}

/// Reads a host as a URL's is read, so that both are compared in the same spelling.
fn host_name(text: &str) -> Option<String> {
    let url = Url::parse(&format!("https://{text}/")).ok()?;
    let is_host_alone = url.path() == "/" && url.username().is_empty() && url.password().is_none();
    let is_whole = is_host_alone && url.port().is_none() && !text.contains(['@', '/', '\\', '?', '#', ' ']);
    let name = host_of(&url).filter(|_| is_whole)?;
    // A pattern would be taken for a name and allow nothing.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    (address_of(&url).is_some() || (!name.is_empty() && name.chars().all(is_plain))).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(allowed: &str, url: &str) -> bool {
        allowed.parse::<Allowed>().unwrap().names(&Url::parse(url).unwrap())
    }

    #[test]
    fn what_is_spelled_differently_is_the_same_host() {
        for (allowed, url) in [
            ("mcp.example", "https://mcp.example/x"),
            ("MCP.example.", "http://mcp.EXAMPLE:8080/x"),
            ("mcp.example", "https://mcp.example./"),
            ("mcp.example:443", "https://mcp.example/"),
            ("mcp.example:80", "http://mcp.example/"),
            ("bücher.example", "https://xn--bcher-kva.example/"),
            ("127.0.0.1:81", "http://0x7f.1:81/"),
            ("0177.0.0.1", "http://2130706433/"),
            ("[::1]:81", "http://[0:0:0:0:0:0:0:1]:81/"),
            ("[::1]", "http://[::1]/"),
            ("10.0.0.0/8", "http://10.9.8.7/"),
            ("10.0.0.0/8", "http://[::ffff:10.9.8.7]/"),
            ("[fd00::]/8", "http://[fd12::1]/"),
        ] {
            assert!(names(allowed, url), "{allowed} {url}");
        }
    }

    #[test]
    fn no_exception_is_wider_than_it_says() {
        for (allowed, url) in [
            ("mcp.example", "https://a.mcp.example/"),
            ("mcp.example", "https://mcp.example.evil.example/"),
            ("mcp.example", "https://evil.example/mcp.example"),
            ("mcp.example:443", "https://mcp.example:8443/"),
            ("mcp.example:443", "http://mcp.example/"),
            ("127.0.0.1:81", "http://127.0.0.1:82/"),
            ("127.0.0.1:81", "http://localhost:81/"),
            ("10.0.0.0/8", "http://11.0.0.1/"),
            ("10.0.0.0/8", "http://ten.example/"),
            ("[fd00::]/8", "http://[fe80::1]/"),
        ] {
            assert!(!names(allowed, url), "{allowed} {url}");
        }
    }

    #[test]
    fn what_is_no_host_and_no_network_is_refused() {
        for wrong in [
            "",
            " ",
            ":80",
            "a:",
            "a:0",
            "a:+1",
            "a:65536",
            "a:b",
            "a b",
            "a@b",
            "https://a",
            "a/",
            "a?b",
            "a#b",
            "*.example",
            "*",
            "::1",
            "[::1",
            "[::1]:x",
            "1.2.3.4.5",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "0.0.0.0/0",
            "[::]/0",
            "fd00::/8",
            "[fd00::]/129",
            "a/8",
        ] {
            assert_eq!(wrong.parse::<Allowed>(), Err(()), "{wrong}");
        }
    }
}
