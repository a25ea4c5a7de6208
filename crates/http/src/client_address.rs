//! Where a request comes from: the socket, or what a trusted proxy says.

use std::fmt;
use std::net::IpAddr;

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName};
use serde::Deserialize;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Addresses with a common beginning: `10.0.0.0/8`, or a single one: `192.0.2.7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `address` or `address/bits`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(width), |bits| bits.parse().ok().filter(|bits| *bits <= width))?;
        Some(Self { address, bits })
    }

    /// Whether an address is one of these.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                same_start(own.to_bits().into(), other.to_bits().into(), self.bits, 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => same_start(own.to_bits(), other.to_bits(), self.bits, 128),
            _ => false,
        }
    }
}

fn same_start(one: u128, other: u128, bits: u8, width: u8) -> bool {
    (one ^ other).checked_shr(u32::from(width - bits)).unwrap_or(0) == 0
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is neither an address nor a network such as 10.0.0.0/8"))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.bits)
    }
}

/// The header in which trusted proxies tell whom a request comes from. Only the one that they set may be read: what a client
/// writes into the other one passes through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ForwardedHeader {
    /// What most proxies set.
    #[serde(rename = "X-Forwarded-For")]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// The client's address: of those who passed the request on, the last whom we do not trust. A proxy only ever vouches for
/// whom it got the request from, hence the list is read from its end.
pub fn find(peer: IpAddr, headers: &HeaderMap, trusted: &[Network], header: ForwardedHeader) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    if !is_trusted(client) {
        return client;
    }
    let name = match header {
        ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
        ForwardedHeader::Forwarded => FORWARDED,
    };
    let values: Vec<&str> = headers.get_all(name).filter_map(|value| value.to_str().ok()).collect();
    for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        let address = match header {
            ForwardedHeader::XForwardedFor => Some(hop),
            ForwardedHeader::Forwarded => forwarded_for(hop),
        };
        // An unknown or hidden hop: whatever stands before it is hearsay.
        let Some(address) = address.and_then(read_node) else { break };
        client = address;
        if !is_trusted(client) {
            break;
        }
    }
    client
}

/// The `for` of one element of `Forwarded` (RFC 7239).
fn forwarded_for(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    })
}

/// `192.0.2.7`, `192.0.2.7:80`, `2001:db8::7`, `[2001:db8::7]`, `[2001:db8::7]:80`.
fn read_node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = match text.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?.0,
        None => match text.split_once(':') {
            Some((address, port)) if !port.contains(':') => address,
            _ => text,
        },
    };
    address.parse().ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    const XFF: &str = "x-forwarded-for";
    const FORWARDED: &str = "forwarded";

    fn client(peer: &str, headers: &[(&'static str, &str)], trusted: &[&str], header: ForwardedHeader) -> String {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let trusted: Vec<_> = trusted.iter().map(|text| Network::parse(text).unwrap()).collect();
        find(peer.parse().unwrap(), &headers, &trusted, header).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, headers, trusted, expected) in [
            ("192.0.2.1", &[][..], &["10.0.0.0/8"][..], "192.0.2.1"),
            ("192.0.2.1", &[(XFF, "198.51.100.9")], &["10.0.0.0/8"], "192.0.2.1"),
            ("10.0.0.1", &[(XFF, "198.51.100.9")], &["10.0.0.0/8"], "198.51.100.9"),
            ("10.0.0.1", &[(XFF, "203.0.113.5, 198.51.100.9")], &["10.0.0.0/8"], "198.51.100.9"),
            ("10.0.0.1", &[(XFF, "198.51.100.9, 10.0.0.2")], &["10.0.0.0/8"], "198.51.100.9"),
            ("10.0.0.1", &[(XFF, "10.0.0.3, 10.0.0.2")], &["10.0.0.0/8"], "10.0.0.3"),
            ("10.0.0.1", &[(XFF, "198.51.100.9, unknown")], &["10.0.0.0/8"], "10.0.0.1"),
            ("10.0.0.1", &[], &["10.0.0.1"], "10.0.0.1"),
            ("10.0.0.1", &[(FORWARDED, "for=127.0.0.1"), (XFF, "203.0.113.5")], &["10.0.0.1"], "203.0.113.5"),
            ("10.0.0.1", &[(FORWARDED, "for=127.0.0.1")], &["10.0.0.1"], "10.0.0.1"),
            ("::ffff:10.0.0.1", &[(XFF, "::ffff:198.51.100.9")], &["10.0.0.0/8"], "198.51.100.9"),
            ("2001:db8::1", &[(XFF, "2001:db8:1::5")], &["2001:db8::/48"], "2001:db8:1::5"),
        ] {
            let found = client(peer, headers, trusted, ForwardedHeader::XForwardedFor);
            assert_eq!(found, expected, "{peer} {headers:?} {trusted:?}");
        }
    }

    #[test]
    fn proxies_that_set_the_standard_header_are_believed_in_that_one() {
        for (peer, headers, expected) in [
            ("192.0.2.1", &[(FORWARDED, "for=198.51.100.9")][..], "192.0.2.1"),
            ("10.0.0.1", &[(FORWARDED, "for=\"[2001:db8::7]:4711\";proto=https")], "2001:db8::7"),
            ("10.0.0.1", &[(FORWARDED, "For=198.51.100.9:80;by=x"), (XFF, "127.0.0.1")], "198.51.100.9"),
            ("10.0.0.1", &[(XFF, "127.0.0.1")], "10.0.0.1"),
        ] {
            assert_eq!(
                client(peer, headers, &["10.0.0.1"], ForwardedHeader::Forwarded),
                expected,
                "{peer} {headers:?}"
            );
        }
    }

    #[test]
    fn networks_are_addresses_with_a_common_start() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "203.0.113.5", true),
            ("::/0", "2001:db8::1", true),
            ("::/0", "203.0.113.5", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
        ] {
            assert_eq!(
                Network::parse(network).unwrap().contains(address.parse().unwrap()),
                inside,
                "{network} {address}"
            );
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "x", "10.0.0.0/-1"] {
            assert!(Network::parse(wrong).is_none(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in any::<String>()) {
            let _ = (read_node(&text), forwarded_for(&text), Network::parse(&text));
        }
    }
}
