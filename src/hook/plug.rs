//! `port-created`, `port-deleted`: an interface of a libvirt network gets its port, and loses it.
//!
//! libvirt tells them also of an interface that stays (measured with 9.0): `virsh update-device` makes a
//! second port, with the same network and MAC address, before it looks what is to change; `virsh
//! domif-setlink` takes the port back and leaves the interface on its bridge. So a port whose tap is
//! there is neither begun anew nor dropped: the machine has the interface. At an unplug the tap has gone
//! before.

use anyhow::Result;

use super::context::{configured, fulfil, let_go, stands, with_sources};
use super::domain::{Against, Requested, check_ports, network, options};
use super::input::Input;
use crate::apply::{Store, without_unplugged};
use crate::config::{Config, Fingerprint, NetworkConfig};
use crate::domain::{NetworkPort, parse_network_port};
use crate::event::Call;
use crate::firewall::iptables::Options;
use crate::host::Host;
use crate::model::{IfName, Ipv6Addresses, MacAddr, Network, Port, PortSecurity};
use crate::record::{Basis, DomainRecord, Phase, Want};
use crate::refusal::Refusal;
use crate::resolve::{self, Claimed};

/// Makes the network of an interface whose bridge was not in the domain's XML at `prepare`, or that
/// is plugged into a running domain. Its tap follows at once, and is closed; in a running domain until
/// `vmhook sync DOMAIN`, for libvirt tells its name to no hook.
pub(super) fn port_created(host: &dyn Host, root: bool, input: &Input) -> Result<()> {
    let created = port(input)?;
    let Some(bridge) = created.bridge.as_deref() else {
        return Ok(());
    };
    let store = Store::open(host)?;
    fulfil(host, &store, || {
        let comes = Comes {
            host,
            store: &store,
            created: &created,
            bridge,
        };
        comes.want(root)
    })?;
    Ok(())
}

/// A port that libvirt has made for a domain's interface.
struct Comes<'a> {
    host: &'a dyn Host,
    store: &'a Store<'a>,
    created: &'a NetworkPort,
    bridge: &'a str,
}

impl Comes<'_> {
    /// What its owner wants with it; `None` if the port is none of our business, or there.
    fn want(&self, root: bool) -> Result<Option<Want>> {
        let Self { host, store, .. } = *self;
        let (config, configuration) = configured(host);
        if !root && config.incomplete().is_some() {
            return Ok(None);
        }
        let claimed = resolve::ours(self.bridge, &config, || stands(host, store, self.bridge));
        let had = match claimed {
            Claimed::Ours(_) | Claimed::Broken(_) if root => there(host, store, self.created)?,
            _ => None,
        };
        if had.as_ref().is_some_and(|had| runs(had, self.created)) {
            return Ok(None);
        }
        let of_network = match claimed {
            Claimed::NotOurs => return Ok(None),
            Claimed::Broken(cause) => return Err(self.refusal(cause).into()),
            Claimed::Ours(network) => network,
        };
        if !root {
            let cause = "vmhook serves only the system's libvirt (root)";
            return Err(self.refusal(cause.to_owned()).into());
        }
        let joined = self.joined((&config, configuration), of_network)?;
        want((host, store), self.created, had.as_ref(), joined).map(Some)
    }

    fn joined(
        &self,
        (config, configuration): (&Config, Fingerprint),
        of_network: &NetworkConfig,
    ) -> Result<Joined> {
        let devices = resolve::devices(config, of_network);
        let devices = devices.iter().map(IfName::as_str);
        let names: Vec<&str> = std::iter::once(self.bridge).chain(devices).collect();
        let facts = self.host.facts_about(&names)?;
        let facts = with_sources(self.host, config, facts)?;
        let standing = self.store.networks()?;
        let against = Against {
            config,
            facts: &facts,
            standing: &standing,
        };
        let (network, port) =
            joined(self.created, of_network, against).map_err(|cause| self.refusal(cause))?;
        Ok(Joined {
            network,
            port,
            options: options(config).map_err(|cause| self.refusal(cause))?,
            configuration,
        })
    }

    fn refusal(&self, cause: String) -> Refusal {
        let owner = &self.created.owner_name;
        match self.created.mac {
            Ok(mac) => Refusal::of_interface(owner, mac, cause),
            Err(_) => Refusal::of_domain(owner, cause),
        }
    }
}

/// The interface is unplugged, or its machine has ended: then `stopped` has closed its port already,
/// and `release` follows.
pub(super) fn port_deleted(host: &dyn Host, input: &Input) -> Result<()> {
    let deleted = port(input)?;
    let store = Store::open(host)?;
    let Some(DomainRecord { want, .. }) = store.domain(&deleted.owner_uuid)? else {
        return Ok(());
    };
    if !want.ports.iter().any(|port| is_of(port, &want, &deleted)) {
        return Ok(());
    }
    let there = without_unplugged(host, &want)?.unwrap_or_else(|| want.clone());
    let stays = |port: &Port| port.tap.is_some() || !is_of(port, &want, &deleted);
    let generation = store.next_generation(&there.uuid)?;
    let less = Want {
        call: Call::PortDeleted,
        ..there.keeping(generation, stays)
    };
    if less.ports.len() == want.ports.len() {
        return Ok(());
    }
    let_go(host, &store, less)
}

/// What the owner has, less what was unplugged.
fn there(host: &dyn Host, store: &Store<'_>, port: &NetworkPort) -> Result<Option<Want>> {
    let Some(DomainRecord { want, .. }) = store.domain(&port.owner_uuid)? else {
        return Ok(None);
    };
    Ok(Some(without_unplugged(host, &want)?.unwrap_or(want)))
}

/// Whether the owner's interface has this port already, and its tap.
fn runs(had: &Want, port: &NetworkPort) -> bool {
    let mut ports = had.ports.iter();
    ports.any(|it| it.tap.is_some() && is_of(it, had, port))
}

/// Whether a recorded port is the one that libvirt speaks of.
fn is_of(recorded: &Port, want: &Want, port: &NetworkPort) -> bool {
    let bridge = |network: &Network| Some(network.bridge.as_str()) == port.bridge.as_deref();
    let mut networks = want.networks.iter();
    let network = networks.find(|network| network.id == recorded.network);
    network.is_some_and(bridge) && port.mac == Ok(recorded.mac)
}

fn port(input: &Input) -> Result<NetworkPort> {
    let Input::Xml(xml) = input else {
        anyhow::bail!("the network's XML is larger than 8 MiB")
    };
    Ok(parse_network_port(xml)?)
}

/// What comes to a domain.
struct Joined {
    network: Network,
    port: Port,
    options: Options,
    /// What decided about it.
    configuration: Fingerprint,
}

fn joined(
    created: &NetworkPort,
    of_network: &NetworkConfig,
    against: Against<'_>,
) -> Result<(Network, Port), String> {
    let mac = created.mac.clone().map_err(|error| error.to_string())?;
    let network = network(of_network, against)?;
    check_ports(&network, &[], against)?;
    let port = unresolved(&network, mac);
    Ok((network, port))
}

/// A port of which only network and MAC address are known: what the domain's metadata says of it is
/// not here, and is asked at `start`, or by `sync`. Till then it is never opened.
fn unresolved(network: &Network, mac: MacAddr) -> Port {
    Port {
        network: network.id.clone(),
        mac,
        tap: None,
        target: None,
        fixed_ips: Vec::new(),
        allowed_address_pairs: Vec::new(),
        security_groups: Vec::new(),
        ipv6_addresses: Ipv6Addresses::default(),
        dhcp_servers: None,
        remote_groups: Vec::new(),
        security: PortSecurity::default(),
    }
}

/// The owner's want with the port added, or in the place of one that has no tap.
fn want(
    (host, store): (&dyn Host, &Store<'_>),
    created: &NetworkPort,
    had: Option<&Want>,
    joined: Joined,
) -> Result<Want> {
    let uuid = &created.owner_uuid;
    let mut requested = Requested::default();
    if let Some(want) = had {
        requested.networks.clone_from(&want.networks);
        let others = want
            .ports
            .iter()
            .filter(|port| port.key() != joined.port.key());
        requested.ports = others.cloned().collect();
    }
    let basis = Basis {
        configuration: Some(joined.configuration),
        ..Basis::recorded(&requested.ports)
    };
    requested.add(joined.network, joined.port);
    let phase = had.map(|want| want.phase);
    Ok(Want {
        generation: store.next_generation(uuid)?,
        epoch: store.epoch().clone(),
        uuid: uuid.clone(),
        name: created.owner_name.clone(),
        phase: phase
            .filter(|phase| *phase != Phase::Gone)
            .unwrap_or(Phase::Prepared),
        call: Call::PortCreated,
        caller: host.caller(),
        options: joined.options,
        incoming: false,
        basis,
        said: had.and_then(|want| want.said.clone()),
        ports: requested.ports,
        networks: requested.networks,
    })
}
