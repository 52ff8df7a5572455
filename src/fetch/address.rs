//! Addresses, and which of them a person must not lead us to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    const fn v4(base: [u8; 4], bits: u8) -> Self {
        let [a, b, c, d] = base;
        Self { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
    }

    const fn v6(first: [u16; 3], bits: u8) -> Self {
        let [a, b, c] = first;
        Self { base: IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), bits }
    }

    /// Whether an address is in it. One of IPv4 in the clothes of IPv6 is to be made [`canonical`] before.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        prefix(address, self.bits).is_some_and(|own| Some(own) == prefix(self.base, self.bits))
            && address.is_ipv4() == self.base.is_ipv4()
    }
}

/// Reads `10.0.0.0/8` and `[fd00::]/8`. A network that holds everything would switch the rule off, and one whose base has
/// more bits than its prefix is a slip.
impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (base, bits) = text.split_once('/').ok_or(())?;
        let is_number = bits.bytes().all(|b| b.is_ascii_digit()) && !bits.starts_with('0');
        let bits = bits.parse().ok().filter(|_| is_number).ok_or(())?;
        let base = match base.strip_prefix('[') {
            Some(rest) => {
                let inner = rest.strip_suffix(']').ok_or(())?;
                IpAddr::V6(inner.parse().map_err(|_| ())?)
            }
            None => IpAddr::V4(base.parse().map_err(|_| ())?),
        };
        if prefix(base, bits).ok_or(())? == number(base) { Ok(Self { base, bits }) } else { Err(()) }
    }
}

/// The first bits of an address, the others being zero; none where it has fewer.
fn prefix(address: IpAddr, bits: u8) -> Option<u128> {
    let width = if address.is_ipv4() { 32 } else { 128 };
    let rest = u32::from(width - bits.min(width));
    let kept = u128::MAX.checked_shl(rest).unwrap_or_default();
    (bits <= width).then_some(number(address) & kept)
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// An address of IPv4 that is written as one of IPv6 is what it stands for.
pub(super) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// The special-purpose registries of IANA for IPv4, but for what is public anyhow.
const FORBIDDEN_V4: &[(Network, &str)] = &[
    (Network::v4([0, 0, 0, 0], 8), "it is an address of this network"),
    (Network::v4([10, 0, 0, 0], 8), "it is a private address"),
    (Network::v4([100, 64, 0, 0], 10), "it is an address of a carrier's own network"),
    (Network::v4([127, 0, 0, 0], 8), "it is this machine"),
    (Network::v4([169, 254, 0, 0], 16), "it is a link-local address, such as that of a cloud's metadata"),
    (Network::v4([172, 16, 0, 0], 12), "it is a private address"),
    (Network::v4([192, 0, 0, 0], 24), "it is reserved for protocols"),
    (Network::v4([192, 0, 2, 0], 24), "it is an address of documentation"),
    (Network::v4([192, 88, 99, 0], 24), "it is a relay of 6to4"),
    (Network::v4([192, 168, 0, 0], 16), "it is a private address"),
    (Network::v4([198, 18, 0, 0], 15), "it is an address of benchmarks"),
    (Network::v4([198, 51, 100, 0], 24), "it is an address of documentation"),
    (Network::v4([203, 0, 113, 0], 24), "it is an address of documentation"),
    (Network::v4([224, 0, 0, 0], 4), "it is a multicast address"),
    (Network::v4([240, 0, 0, 0], 4), "it is a reserved or the broadcast address"),
];

/// What alone is public in IPv6.
const PUBLIC_V6: Network = Network::v6([0x2000, 0, 0], 3);

/// What is not, within that.
const FORBIDDEN_V6: &[(Network, &str)] = &[
    // Benchmarks, identifiers that are no addresses, and relays have their places in here too; none of them is called.
    (Network::v6([0x2001, 0, 0], 23), "it is reserved for protocols"),
    (Network::v6([0x2001, 0xdb8, 0], 32), "it is an address of documentation"),
    (Network::v6([0x3fff, 0, 0], 20), "it is an address of documentation"),
];

const TEREDO: Network = Network::v6([0x2001, 0, 0], 32);
const SIX_TO_FOUR: Network = Network::v6([0x2002, 0, 0], 16);
const NAT64: Network = Network::v6([0x64, 0xff9b, 0], 96);

/// Why a person must not lead us to an address; none where it is public.
pub(super) fn forbidden(address: IpAddr) -> Option<&'static str> {
    let address = match canonical(address) {
        IpAddr::V4(_) => return row(FORBIDDEN_V4, canonical(address)),
        IpAddr::V6(address) => address,
    };
    let [_, first, second, third, .., seventh, eighth] = address.segments();
    let whole = IpAddr::V6(address);
    // What carries an address of IPv4 leads to that one.
    if NAT64.contains(whole) {
        return forbidden(carried(seventh, eighth));
    }
    if SIX_TO_FOUR.contains(whole) {
        return forbidden(carried(first, second));
    }
    if TEREDO.contains(whole) {
        return forbidden(carried(second, third)).or_else(|| forbidden(carried(!seventh, !eighth)));
    }
    if !PUBLIC_V6.contains(whole) {
        return Some("it is no public address");
    }
    row(FORBIDDEN_V6, whole)
}

fn row(table: &[(Network, &'static str)], address: IpAddr) -> Option<&'static str> {
    table.iter().find(|(network, _)| network.contains(address)).map(|(_, why)| *why)
}

fn carried(high: u16, low: u16) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    // SEC-54
    #[test]
    fn what_is_not_public_is_forbidden() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "100::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "3fff::1",
            "2002:7f00:1::1",
            "2002:a00:1::",
            "2002:a9fe:a9fe::1",
            "2001:0:7f00:1::",
            "2001:0:808:808:0:0:80ff:fffe",
            "2001:0:808:808::f5ff:fffe",
            "5f00::1",
            "4000::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(forbidden(address.parse().unwrap()).is_some(), "{address}");
        }
    }

    #[test]
    fn what_is_public_is_not() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2001:0:808:808::f7f7:f7f7",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00::1",
        ] {
            assert_eq!(forbidden(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn a_network_ends_where_its_bits_end() {
        let holds = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(canonical(address.parse().unwrap()))
        };
        assert!(holds("172.16.0.0/12", "172.31.255.255") && !holds("172.16.0.0/12", "172.32.0.0"));
        assert!(holds("10.1.2.3/32", "10.1.2.3") && !holds("10.1.2.3/32", "10.1.2.2"));
        assert!(holds("128.0.0.0/1", "255.0.0.1") && !holds("128.0.0.0/1", "127.0.0.1"));
        assert!(holds("[fd00::]/8", "fd12::1") && !holds("[fd00::]/8", "fe00::"));
        assert!(holds("[fd00::1]/128", "fd00::1") && !holds("[fd00::1]/128", "fd00::2"));
        // The number of `::10.0.0.1` is that of 10.0.0.1.
        assert!(!holds("10.0.0.0/8", "::10.0.0.1") && holds("10.0.0.0/8", "::ffff:10.0.0.1"));
    }
}
