//! `[network.NAME]`: a bridge for VMs, and what carries it to other hosts.

mod existing;
mod host_address;
mod hosts;
mod kind;
mod physical;
mod vxlan;

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::clash;
use super::context::{Context, HostVtep};
use super::error::Checked;
use super::object::Object;
use super::source::Site;
use super::table::Table;
use super::value::Value;
use crate::model::{
    HostAddress, IfName, Ipv6Addresses, Mtu, NetworkId, SecurityGroup, VlanId, Vni,
};

pub use kind::NetworkKindConfig;
pub use physical::{FlatConfig, VlanConfig};
pub use vxlan::VxlanConfig;

/// A network as the configuration gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkConfig {
    /// Its name in the configuration.
    pub name: String,
    /// Neutron's id.
    pub id: NetworkId,
    /// The bridge that VM interfaces name: one of the host's, or from the id, as Neutron names it.
    pub bridge: IfName,
    /// The MTU of the network; `None`: what its way out leaves.
    pub mtu: Option<Mtu>,
    /// What is done about guests that may send more than fits its MTU; `None`: one that its domain
    /// tells a larger MTU is refused, one that it tells none is let in.
    pub guest_mtu: Option<GuestMtu>,
    /// Whether its TCP connections are told segments that fit.
    pub clamp_mss: bool,
    /// What carries it to other hosts.
    pub kind: NetworkKindConfig,
    /// Its links stay when its last machine has stopped.
    pub keep: bool,
    /// The addresses of the host's own end of it; `None`: the host has none.
    pub host_addresses: Option<BTreeSet<HostAddress>>,
    /// The security groups of ports that name none; `None`: the built-in `default`.
    pub security_groups: Option<Vec<String>>,
    /// Which IPv6 addresses its ports may use besides those that are listed.
    pub ipv6_addresses: Ipv6Addresses,
    /// Whose DHCP and DHCPv6 replies reach its ports; `None`: anybody's.
    pub dhcp_servers: Option<BTreeSet<IpAddr>>,
    /// All of the guard's checks for its ports; `None`: as the host says.
    pub hardened: Option<bool>,
}

/// What is done about an interface whose domain tells its guest a larger MTU than the network has, or
/// none, so that the guest takes Ethernet's unless DHCP tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestMtu {
    /// It is refused.
    Refuse,
    /// It is let in, and the journal told.
    Warn,
}

const GUEST_MTU: [(&str, GuestMtu); 2] = [("refuse", GuestMtu::Refuse), ("warn", GuestMtu::Warn)];

impl NetworkConfig {
    /// The security groups of ports that name none.
    pub fn default_groups(&self) -> Vec<String> {
        let builtin = || vec![SecurityGroup::DEFAULT.to_owned()];
        self.security_groups.clone().unwrap_or_else(builtin)
    }
}

const IPV6_ADDRESSES: [(&str, Ipv6Addresses); 3] = [
    ("listed", Ipv6Addresses::Listed),
    ("link-local", Ipv6Addresses::LinkLocal),
    ("prefix", Ipv6Addresses::Prefix),
];

pub(super) type NetworkObject<'a> = Object<'a, NetworkConfig, NetworkFacts<'a>>;

/// What is known even of a broken network.
#[derive(Debug, Default)]
pub(super) struct NetworkFacts<'a> {
    id: Option<(NetworkId, Site<'a>)>,
    bridge: Option<(String, Site<'a>)>,
    vni: Option<(Vni, Site<'a>)>,
    host_addresses: Option<(BTreeSet<HostAddress>, Site<'a>)>,
    physical: Option<(Physical, Site<'a>)>,
}

/// A physical network, and the VLAN of it.
type Physical = (String, Option<VlanId>);

impl NetworkFacts<'_> {
    fn id(&self) -> Option<&NetworkId> {
        self.id.as_ref().map(|(id, _)| id)
    }

    /// Whether its bridge is another one than that of its id.
    fn names_bridge(&self) -> bool {
        let of_id = self.id().map(|id| id.bridge().to_string());
        self.bridge() != of_id.as_deref()
    }

    /// The bridge, if that much could be read.
    pub(super) fn bridge(&self) -> Option<&str> {
        self.bridge.as_ref().map(|(bridge, _)| bridge.as_str())
    }
}

pub(super) fn read<'a>(
    name: &str,
    context: &Context<'_>,
    facts: &mut NetworkFacts<'a>,
    mut table: Table<'a>,
) -> Checked<NetworkConfig> {
    let id = table.required("id", sited(&mut facts.id, Value::parse::<NetworkId>));
    let bridge = bridge(&mut table, facts);
    let kind = kind::read(context, facts, &mut table);
    let mtu = table.optional("mtu", Value::number::<Mtu>);
    let keep = table.optional("keep", Value::boolean);
    let guest_mtu = table.optional("guest_mtu", |value| value.word(&GUEST_MTU));
    let clamp_mss = table.optional("clamp_mss", Value::boolean);
    let groups = |value: &Value<'a>| value.set(|group| context.security_group(group));
    let security_groups = table.optional("security_groups", groups);
    let ipv6_addresses = table.optional("ipv6_addresses", |value| value.word(&IPV6_ADDRESSES));
    let servers = |value: &Value<'a>| value.set(Value::interface_address);
    let dhcp_servers = table.optional("dhcp_servers", servers);
    let hardened = table.optional("hardened", Value::boolean);
    let host = |value: &Value<'a>| host_address::host_address(context.vtep, value);
    let host = sited(&mut facts.host_addresses, host);
    let host_addresses = table.optional("host_address", host);
    let network = id
        .zip(bridge)
        .zip(kind)
        .map(|((id, bridge), kind)| NetworkConfig {
            name: name.to_owned(),
            id,
            bridge,
            mtu,
            guest_mtu,
            clamp_mss: clamp_mss.unwrap_or_default(),
            kind,
            keep: keep.unwrap_or_default(),
            host_addresses,
            security_groups,
            ipv6_addresses: ipv6_addresses.unwrap_or_default(),
            dhcp_servers: dhcp_servers.map(BTreeSet::from_iter),
            hardened,
        });
    table.finish(network)
}

/// A reader that also keeps what it read, and where.
fn sited<'a, T: Clone>(
    fact: &mut Option<(T, Site<'a>)>,
    read: impl FnOnce(&Value<'a>) -> Checked<T>,
) -> impl FnOnce(&Value<'a>) -> Checked<T> {
    move |value| {
        let site = value.site;
        let got = read(value)?;
        *fact = Some((got.clone(), site));
        Ok(got)
    }
}

/// The bridge: the one that is named, or the one of the id.
///
/// A named bridge is managed from here on, even if its name is one that we refuse to write.
fn bridge<'a>(table: &mut Table<'a>, facts: &mut NetworkFacts<'a>) -> Option<IfName> {
    let Some(named) = table.value("bridge") else {
        let (bridge, site) = facts
            .id
            .as_ref()
            .map(|(id, site)| (id.bridge(), *site))
            .unzip();
        facts.bridge = bridge.as_ref().map(IfName::to_string).zip(site);
        return bridge;
    };
    let text = named.string().ok().map(str::to_owned);
    facts.bridge = text.zip(Some(named.site));
    table.optional("bridge", Value::parse::<IfName>)
}

/// Two networks with one id, one bridge, one VNI or one place on a physical network would be one on
/// this host; so would, to the host itself, two on which it has addresses of one prefix.
pub(super) fn clashes(networks: &mut [NetworkObject<'_>]) {
    clash::names(networks);
    host_address::clashes(networks);
    clash::mark(
        networks,
        |network| network.facts.id.clone(),
        |me, other| clash::between(me, other, "id"),
    );
    clash::mark(
        networks,
        |network| network.facts.bridge.clone(),
        |me, other| {
            // One id makes one bridge: that was told above.
            let told = me.facts.id() == other.facts.id() && !me.facts.names_bridge();
            let what = if me.facts.names_bridge() {
                "bridge"
            } else {
                "bridge (brq and 11 characters of the id)"
            };
            (!told).then(|| clash::between(me, other, what))?
        },
    );
    clash::mark(
        networks,
        |network| network.facts.vni,
        |me, other| clash::between(me, other, "vni"),
    );
    clash::mark(
        networks,
        |network| network.facts.physical.clone(),
        |me, other| {
            let what = match me.facts.physical.as_ref().and_then(|((_, vlan), _)| *vlan) {
                Some(_) => "vlan on this physical network",
                None => "physical network without a vlan",
            };
            clash::between(me, other, what)
        },
    );
}
