//! dnsmasq's files, as Neutron's DHCP agent writes them.
//!
//! The agent names a VM for its address (`host-192-168-101-88`), and keeps three files a network: `host`
//! for `dhcp-hostsfile`, `addn_hosts` for `addn-hosts` and `opts` for `dhcp-optsfile`. So a server that is
//! run as the agent runs it can be given ours.

use std::fmt::Write as _;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Lease, Leases};
use crate::model::{HostAddress, IfName, Mtu};

/// What a dnsmasq is told of a network.
#[derive(Debug, Clone)]
pub struct Dnsmasq<'a> {
    /// The network's name, for people.
    pub network: &'a str,
    /// Whose address is which.
    pub leases: &'a Leases,
    /// The DNS domain of the names.
    pub domain: &'a str,
    /// The network's MTU: a guest that is not told it takes 1500.
    pub mtu: Mtu,
    /// The host's own addresses there.
    pub hosts: Vec<HostAddress>,
}

/// How long a lease lasts, in seconds: Neutron's `dhcp_lease_duration`.
const LEASE: u32 = 86400;

impl Dnsmasq<'_> {
    /// For `dhcp-hostsfile`: `fa:16:3e:be:71:21,host-192-168-101-88.openstacklocal,192.168.101.88`.
    pub fn hosts(&self) -> String {
        self.lines(|lease| self.host(lease))
    }

    /// For `addn-hosts`: the address, a tab, the whole name and the short one.
    pub fn names(&self) -> String {
        self.lines(|Lease { address, .. }| {
            let name = name(*address);
            format!("{address}\t{name}.{} {name}", self.domain)
        })
    }

    /// For `dhcp-optsfile`.
    pub fn options(&self) -> String {
        let mut text = format!("option:mtu,{}\n", self.mtu);
        for router in self.hosts.iter().filter(|it| it.address().is_ipv4()) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "option:router,{}", router.address());
        }
        text
    }

    /// All of it as one file, for a dnsmasq on the host's end of the network, this device.
    ///
    /// dnsmasq tags what comes by a device with its name, so that several networks may have one dnsmasq.
    /// With IPv6 it advertises the prefix, and that addresses are asked of it.
    pub fn configuration(&self, device: &IfName) -> String {
        let Self {
            network, domain, ..
        } = self;
        let mut text = format!(
            "# Network {network}, on the host's end of it. From `vmhook export dnsmasq {network}`.\n\
             interface={device}\nbind-dynamic\ndomain={domain}\nlocal=/{domain}/\n"
        );
        text.extend(
            self.hosts
                .iter()
                .map(|host| format!("dhcp-range={}\n", range(host.net()))),
        );
        if self.hosts.iter().any(|host| host.address().is_ipv6()) {
            text += "enable-ra\n";
        }
        let options = self.options();
        let options = options.lines();
        text.extend(options.map(|it| format!("dhcp-option-force=tag:{device},{it}\n")));
        text += &self.lines(|lease| format!("dhcp-host={}", self.host(lease)));
        text += &self.lines(|Lease { address, .. }| {
            let name = name(*address);
            format!("host-record={name}.{domain},{name},{address}")
        });
        text
    }

    fn host(&self, Lease { mac, address }: &Lease) -> String {
        let (name, domain) = (name(*address), self.domain);
        match address {
            IpAddr::V4(address) => format!("{mac},{name}.{domain},{address}"),
            IpAddr::V6(address) => format!("{mac},{name}.{domain},[{address}]"),
        }
    }

    fn lines(&self, line: impl Fn(&Lease) -> String) -> String {
        let leases = self.leases.leases.iter();
        leases.map(|lease| line(lease) + "\n").collect()
    }
}

/// Neutron's name of a VM; no name ends with a hyphen.
fn name(address: IpAddr) -> String {
    let text = address.to_string().replace(['.', ':'], "-");
    let end = if text.ends_with('-') { "0" } else { "" };
    format!("host-{text}{end}")
}

/// Addresses of a prefix, for those alone that are listed.
fn range(net: IpNet) -> String {
    match net {
        IpNet::V4(net) => format!("{},static,{},{LEASE}s", net.network(), net.netmask()),
        IpNet::V6(net) => format!("{},static,{},{LEASE}s", net.network(), net.prefix_len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leases(of: &[(&str, &str)]) -> Leases {
        let lease = |(mac, address): &(&str, &str)| Lease {
            mac: mac.parse().unwrap(),
            address: address.parse().unwrap(),
        };
        Leases {
            leases: of.iter().map(lease).collect(),
            notes: Vec::new(),
        }
    }

    fn dnsmasq<'a>(leases: &'a Leases, hosts: &[&str]) -> Dnsmasq<'a> {
        let host = |text: &&str| HostAddress::try_from(text.parse::<IpNet>().unwrap()).unwrap();
        Dnsmasq {
            network: "selfservice",
            leases,
            domain: "openstacklocal",
            mtu: Mtu::try_from(1450).unwrap(),
            hosts: hosts.iter().map(host).collect(),
        }
    }

    /// What stands in the files of Neutron's DHCP agent for this port.
    #[test]
    fn files_are_neutrons() {
        let leases = leases(&[("fa:16:3e:be:71:21", "192.168.101.88")]);
        let dnsmasq = dnsmasq(&leases, &[]);
        assert_eq!(
            dnsmasq.hosts(),
            "fa:16:3e:be:71:21,host-192-168-101-88.openstacklocal,192.168.101.88\n"
        );
        assert_eq!(
            dnsmasq.names(),
            "192.168.101.88\thost-192-168-101-88.openstacklocal host-192-168-101-88\n"
        );
        assert_eq!(dnsmasq.options(), "option:mtu,1450\n");
    }

    #[test]
    fn ipv6_stands_in_brackets_and_no_name_ends_with_a_hyphen() {
        let leases = leases(&[("fa:16:3e:be:71:21", "2001:db8::")]);
        let dnsmasq = dnsmasq(&leases, &[]);
        assert_eq!(
            dnsmasq.hosts(),
            "fa:16:3e:be:71:21,host-2001-db8--0.openstacklocal,[2001:db8::]\n"
        );
    }

    #[test]
    fn a_configuration_is_for_the_hosts_end() {
        let leases = leases(&[("fa:16:3e:be:71:21", "192.168.101.88")]);
        let dnsmasq = dnsmasq(&leases, &["192.168.101.1/24", "2001:db8::1/64"]);
        let device = "vmh-c08e7dcd-4a".parse().unwrap();
        assert_eq!(
            dnsmasq.configuration(&device),
            "# Network selfservice, on the host's end of it. From `vmhook export dnsmasq selfservice`.\n\
             interface=vmh-c08e7dcd-4a\nbind-dynamic\ndomain=openstacklocal\nlocal=/openstacklocal/\n\
             dhcp-range=192.168.101.0,static,255.255.255.0,86400s\n\
             dhcp-range=2001:db8::,static,64,86400s\nenable-ra\n\
             dhcp-option-force=tag:vmh-c08e7dcd-4a,option:mtu,1450\n\
             dhcp-option-force=tag:vmh-c08e7dcd-4a,option:router,192.168.101.1\n\
             dhcp-host=fa:16:3e:be:71:21,host-192-168-101-88.openstacklocal,192.168.101.88\n\
             host-record=host-192-168-101-88.openstacklocal,host-192-168-101-88,192.168.101.88\n"
        );
    }
}
