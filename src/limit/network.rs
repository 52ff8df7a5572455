//! What counts as one network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network of an address: the first 24 bits of an IPv4 one, the first 64 of an IPv6 one, which is what a single
/// customer is commonly given. `None` for what is no address.
pub fn network(address: &str) -> Option<String> {
    match address.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Some(format!("{}/24", Ipv4Addr::new(a, b, c, 0)))
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Some(format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
        }
    }
}

/// One caller: an IPv4 address, or the network of an IPv6 one.
pub fn host(address: &str) -> Option<String> {
    match address.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(v4) => Some(v4.to_string()),
        IpAddr::V6(_) => network(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // SEC-41
    #[test]
    fn rotating_the_rest_of_an_address_changes_nothing() {
        for (one, other) in [
            ("198.51.100.7", "198.51.100.250"),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff:eeee:dddd:cccc"),
            ("::ffff:198.51.100.7", "198.51.100.9"),
        ] {
            assert_eq!(network(one), network(other));
        }
        assert_ne!(network("198.51.100.7"), network("198.51.101.7"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(host("198.51.100.7"), host("198.51.100.8"));
        assert_eq!(host("2001:db8:1:2::1"), host("2001:db8:1:2::2"));
        assert_eq!((network("nowhere"), network("")), (None, None));
    }
}
