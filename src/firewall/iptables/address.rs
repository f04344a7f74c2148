//! Prefixes as `iptables-save` prints them.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// A prefix in the form of the C library's `inet_ntop`, always with its length.
///
/// It is the standard library's (RFC 5952) but for addresses of which only the last 32 bits are
/// set and more than the last 16: glibc writes those with an IPv4 tail.
pub(super) struct Canonical<'a>(pub(super) &'a IpNet);

impl fmt::Display for Canonical<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpNet::V6(net) if has_ipv4_tail(net.addr()) => {
                let [.., sixth, seventh] = net.addr().segments();
                let tail = Ipv4Addr::from_bits(u32::from(sixth) << 16 | u32::from(seventh));
                write!(f, "::{tail}/{}", net.prefix_len())
            }
            net => net.fmt(f),
        }
    }
}

fn has_ipv4_tail(address: Ipv6Addr) -> bool {
    let [upper @ .., sixth, _] = address.segments();
    upper == [0; 6] && sixth != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_the_texts_that_the_kernel_tools_print() {
        for (given, printed) in [
            ("192.0.2.1/32", "192.0.2.1/32"),
            ("2001:DB8:0:0:1:0:0:1/128", "2001:db8::1:0:0:1/128"),
            ("2001:db8:0:1:1:1:1:1/128", "2001:db8:0:1:1:1:1:1/128"),
            ("::1:0/128", "::0.1.0.0/128"),
            ("::102:304/128", "::1.2.3.4/128"),
            ("::abcd/128", "::abcd/128"),
            ("::ffff:0:0/96", "::ffff:0.0.0.0/96"),
            ("64:ff9b::102:304/128", "64:ff9b::102:304/128"),
        ] {
            let net: IpNet = given.parse().unwrap();
            assert_eq!(Canonical(&net).to_string(), printed);
        }
    }
}
