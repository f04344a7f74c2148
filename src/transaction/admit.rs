//! What two ports, or two networks, must not both have.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Records, host_end, networks};
use crate::firewall::iptables::{ChainSuffix, chain_suffix};
use crate::model::{Family, IfName, MacAddr, Network, NetworkId, Port};
use crate::record::{IndexLine, Phase, Want};
use crate::refusal::Refusal;

/// Whether a want can stand beside what the records hold. Checked under the lock, so that of two
/// domains that start at once only one gets what both name.
///
/// # Errors
/// [`Refusal`] that names what is shared, and the other domain or network.
pub fn admit(want: &Want, records: &Records) -> Result<(), Refusal> {
    if want.phase == Phase::Gone {
        return Ok(());
    }
    check_own(want)?;
    for (port, line) in pairs(want, records) {
        if let Some(shared) = shared(&Marks::from(port), &Marks::from(line)) {
            let cause = format!(
                "{shared} is in use by domain {}; stop that domain or change one of the two",
                line.domain_name
            );
            return Err(Refusal::of_interface(&want.name, port.mac, cause));
        }
    }
    check_announced(want, records)?;
    host_end::check_addresses(want, records)?;
    for network in &want.networks {
        check_network(network, records).map_err(|cause| Refusal::of_domain(&want.name, cause))?;
    }
    Ok(())
}

/// Whether a want and another domain's recorded port name the same thing. An address two may have;
/// but if the other is gone, it must not keep the address's connections from being forgotten.
pub fn clashes(want: &Want, line: &IndexLine) -> bool {
    let other = line.domain != want.uuid && want.phase != Phase::Gone;
    let theirs = Marks::from(line);
    let clash =
        |port| shared(&Marks::from(port), &theirs).is_some() || have_one_address(port, line);
    other && want.ports.iter().any(clash)
}

fn have_one_address(port: &Port, line: &IndexLine) -> bool {
    let theirs = |ip| line.addresses().any(|net| net == IpNet::from(ip));
    port.network == line.port.network && port.single_addresses().any(theirs)
}

/// Two interfaces of one domain may not share anything either: where two ports have one chain, one
/// of them has the other's rules.
fn check_own(want: &Want) -> Result<(), Refusal> {
    for (at, port) in want.ports.iter().enumerate() {
        let earlier = want.ports[..at].iter();
        let shared = earlier.filter_map(|other| shared(&Marks::from(port), &Marks::from(other)));
        if let Some(shared) = shared.into_iter().next() {
            let cause =
                format!("another of its interfaces has {shared} too; change one of the two");
            return Err(Refusal::of_interface(&want.name, port.mac, cause));
        }
    }
    Ok(())
}

/// An address that is told to other hosts has one owner on its network.
fn check_announced(want: &Want, records: &Records) -> Result<(), Refusal> {
    let told = |port: &&Port| {
        let mut networks = want.networks.iter();
        networks.any(|network| network.id == port.network && network.tells_addresses())
    };
    let ports: Vec<&Port> = want.ports.iter().filter(told).collect();
    let refuse = |port: &Port, address: IpAddr, whose: &str| {
        let cause = format!(
            "{address} is {whose} too, and EVPN tells other hosts of one; change one of the two"
        );
        Err(Refusal::of_interface(&want.name, port.mac, cause))
    };
    for (at, port) in ports.iter().enumerate() {
        for address in port.fixed_ips_of(Family::Ipv4) {
            if ports[..at]
                .iter()
                .any(|it| it.network == port.network && it.fixed_ips.contains(&address))
            {
                return refuse(port, address, "another of its interfaces'");
            }
            let mut lines = records.index.lines.iter();
            let other = lines.find(|line| {
                line.domain != want.uuid
                    && line.port.network == port.network
                    && line.fixed_ips.contains(&address)
            });
            if let Some(line) = other {
                return refuse(port, address, &format!("domain {}'s", line.domain_name));
            }
        }
    }
    Ok(())
}

fn pairs<'a>(
    want: &'a Want,
    records: &'a Records,
) -> impl Iterator<Item = (&'a Port, &'a IndexLine)> {
    let others = records
        .index
        .lines
        .iter()
        .filter(|line| line.domain != want.uuid);
    others.flat_map(|line| want.ports.iter().map(move |port| (port, line)))
}

/// What no two ports of a host may both have.
struct Marks<'a> {
    network: &'a NetworkId,
    mac: MacAddr,
    taps: [Option<&'a IfName>; 2],
    chains: ChainSuffix,
}

impl<'a> From<&'a Port> for Marks<'a> {
    fn from(port: &'a Port) -> Self {
        Self {
            network: &port.network,
            mac: port.mac,
            taps: [port.tap.as_ref().map(|tap| &tap.name), port.target.as_ref()],
            chains: chain_suffix(port),
        }
    }
}

impl<'a> From<&'a IndexLine> for Marks<'a> {
    fn from(line: &'a IndexLine) -> Self {
        Self {
            network: &line.port.network,
            mac: line.port.mac,
            taps: [line.tap.as_ref().map(|tap| &tap.name), line.target.as_ref()],
            chains: line.chains.clone(),
        }
    }
}

/// What two ports share and must not.
fn shared(ours: &Marks<'_>, theirs: &Marks<'_>) -> Option<String> {
    let Marks {
        network,
        mac,
        taps,
        chains,
    } = ours;
    if (network, mac) == (&theirs.network, &theirs.mac) {
        return Some(format!("MAC address {mac} on network {network}"));
    }
    let mut taps = taps.iter().flatten();
    if let Some(tap) = taps.find(|tap| theirs.taps.contains(&Some(tap))) {
        return Some(format!("tap {tap}"));
    }
    (*chains == theirs.chains)
        .then(|| format!("chain name …{chains} (ten characters of a tap name count)"))
}

/// What lets a network go that stands otherwise than it is wanted.
fn remedy(network: &Network, used: bool) -> String {
    let words = match (used, network.keep) {
        (true, false) => "stop its domains first",
        (true, true) => "stop its domains first, and run `vmhook reload` then",
        (false, true) => "run `vmhook reload`, by which it goes, and try again",
        (false, false) => {
            let bridge = &network.bridge;
            return format!("take what else is on {bridge} off it and run `vmhook sync`");
        }
    };
    words.to_owned()
}

/// A network that stands must be the one that is wanted, and no other one may have its names.
fn check_network(network: &Network, records: &Records) -> Result<(), String> {
    for record in records.networks.values() {
        let other = &record.network;
        if other.id != network.id {
            if other.bridge == network.bridge {
                return Err(format!(
                    "bridge {} is network {}'s",
                    network.bridge, other.name
                ));
            }
            if let Some(vni) = network.vni()
                && other.vni() == Some(vni)
            {
                return Err(format!("VNI {vni} is network {}'s", other.name));
            }
            let mut ways_out = network.ways_out();
            if let Some(device) = ways_out.find(|device| other.has_way_out(device.as_str())) {
                return Err(format!("device {device} is network {}'s", other.name));
            }
            host_end::check_prefixes(network, other)?;
            continue;
        }
        if !other.has_same_links(network) {
            let [had, has] = [other, network].map(Network::links_in_words);
            let used = records.index.uses(&other.id);
            let stands = if used { "runs" } else { "stands" };
            return Err(format!(
                "network {} {stands} with {had}, but the configuration now says {has}; {}",
                network.name,
                remedy(other, used)
            ));
        }
    }
    let new = !records.networks.contains_key(&network.id);
    if new && networks::free_zone(records).is_none() {
        return Err("no conntrack zone is left (4097 to 65535)".to_owned());
    }
    Ok(())
}
