//! `port-created`: an interface of a libvirt network got its port.

use anyhow::Result;

use super::context::{configured, fulfil, stands};
use super::domain::{Against, Requested, network, options};
use super::input::Input;
use crate::apply::Store;
use crate::config::NetworkConfig;
use crate::domain::{NetworkPort, parse_network_port};
use crate::event::Call;
use crate::firewall::iptables::Options;
use crate::host::Host;
use crate::model::{MacAddr, Network, Port};
use crate::record::{Phase, Want};
use crate::refusal::Refusal;
use crate::resolve::{self, Claimed, Sources};

/// Makes the network of an interface whose bridge was not in the domain's XML at `prepare`, or that
/// is plugged into a running domain. Its tap follows at once, and is closed.
pub(super) fn port_created(host: &dyn Host, root: bool, input: &Input) -> Result<()> {
    let Input::Xml(xml) = input else {
        anyhow::bail!("the network's XML is larger than 8 MiB")
    };
    let created = parse_network_port(xml)?;
    let Some(bridge) = created.bridge.as_deref() else {
        return Ok(());
    };
    let store = Store::open(host)?;
    let config = configured(host);
    if !root && config.incomplete().is_some() {
        return Ok(());
    }
    let refuse = |cause: String| match created.mac {
        Ok(mac) => Refusal::of_interface(&created.owner_name, mac, cause),
        Err(_) => Refusal::of_domain(&created.owner_name, cause),
    };
    let of_network = match resolve::ours(bridge, &config, || stands(host, &store, bridge)) {
        Claimed::NotOurs => return Ok(()),
        Claimed::Broken(cause) => return Err(refuse(cause).into()),
        Claimed::Ours(network) => network,
    };
    if !root {
        return Err(refuse("vmhook serves only the system's libvirt (root)".to_owned()).into());
    }
    let facts = host.facts_about(&[bridge, resolve::device(of_network).as_str()])?;
    let standing = store.networks()?;
    let against = Against {
        config: &config,
        facts: &facts,
        standing: &standing,
    };
    let joined = joined(&created, of_network, against).map_err(refuse)?;
    fulfil(host, &store, &want(host, &store, &created, joined)?)
}

/// What comes to a domain.
struct Joined {
    network: Network,
    port: Port,
    options: Options,
}

fn joined(
    created: &NetworkPort,
    of_network: &NetworkConfig,
    against: Against<'_>,
) -> Result<Joined, String> {
    let mac = created.mac.clone().map_err(|error| error.to_string())?;
    let network = network(of_network, against)?;
    let sources = Sources {
        config: against.config,
        network: of_network,
        domain: None,
    };
    // The domain's metadata is not here; what it may say is asked again at `start`.
    let port = match resolve::port(mac, None, sources) {
        Ok(resolved) => resolved.port,
        Err(_) => unresolved(&network, mac),
    };
    let options = options(against.config)?;
    Ok(Joined {
        network,
        port,
        options,
    })
}

/// A port of which only network and MAC address are known. It is never opened.
fn unresolved(network: &Network, mac: MacAddr) -> Port {
    Port {
        network: network.id.clone(),
        mac,
        tap: None,
        target: None,
        fixed_ips: Vec::new(),
        allowed_address_pairs: Vec::new(),
        security_groups: Vec::new(),
    }
}

/// The owner's want with the port added, or in the place of what it had under the same address.
fn want(host: &dyn Host, store: &Store<'_>, created: &NetworkPort, joined: Joined) -> Result<Want> {
    let uuid = &created.owner_uuid;
    let record = store.domain(uuid)?;
    let had = record.map(|record| record.want);
    let mut requested = Requested::default();
    if let Some(want) = &had {
        requested.networks.clone_from(&want.networks);
        let others = want
            .ports
            .iter()
            .filter(|port| port.key() != joined.port.key());
        requested.ports = others.cloned().collect();
    }
    requested.add(joined.network, joined.port);
    Ok(Want {
        generation: store.next_generation(uuid)?,
        epoch: store.epoch().clone(),
        uuid: uuid.clone(),
        name: created.owner_name.clone(),
        phase: had.as_ref().map_or(Phase::Prepared, |want| want.phase),
        call: Call::PortCreated,
        caller: host.caller(),
        options: joined.options,
        incoming: false,
        ports: requested.ports,
        networks: requested.networks,
    })
}
