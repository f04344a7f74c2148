//! `vmhook export`: what other programs must be told.

use anyhow::{Context, Result, bail};
use vmhook::apply::Store;
use vmhook::config::{Config, NetworkConfig};
use vmhook::export::Leases;
use vmhook::export::dnsmasq::Dnsmasq;
use vmhook::hook::load_config;
use vmhook::host::Host;
use vmhook::model::Mtu;
use vmhook::resolve;
use vmhook::transaction::Records;

use crate::Answer;
use crate::arguments::{DnsmasqArguments, DnsmasqPart, Export};
use crate::output::Output;

pub(crate) fn run(wanted: &Export, host: &dyn Host, output: &Output) -> Result<Answer> {
    match wanted {
        Export::Dnsmasq(wanted) => dnsmasq(wanted, host, output),
    }
}

fn dnsmasq(wanted: &DnsmasqArguments, host: &dyn Host, output: &Output) -> Result<Answer> {
    let config = load_config(host);
    let network = named(&config, &wanted.network)?;
    let records = Store::open(host)?.load()?;
    let leases = Leases::of(&config, network, &records.index);
    for note in &leases.notes {
        output.complain(note);
    }
    let dnsmasq = Dnsmasq {
        network: &network.name,
        leases: &leases,
        domain: &wanted.domain,
        mtu: mtu(&config, network, (host, &records))?,
        hosts: network.host_addresses.iter().flatten().copied().collect(),
    };
    let text = match wanted.part {
        Some(DnsmasqPart::Hosts) => dnsmasq.hosts(),
        Some(DnsmasqPart::Names) => dnsmasq.names(),
        Some(DnsmasqPart::Options) => dnsmasq.options(),
        None if dnsmasq.hosts.is_empty() => bail!(
            "network {} has no host_address on which a dnsmasq of this host could be; say hosts, names or \
             options for a dnsmasq elsewhere",
            network.name
        ),
        None => dnsmasq.configuration(&network.id.host_end()),
    };
    output.print(&text)?;
    Ok(Answer::Yes)
}

/// The network of this name. One that is wrong, or may be in a part that cannot be read, is none.
fn named<'a>(config: &'a Config, name: &str) -> Result<&'a NetworkConfig> {
    if let Some(error) = config.incomplete() {
        bail!("{error}");
    }
    match config.networks.get(name) {
        Some(Ok(network)) => Ok(network),
        Some(Err(errors)) => bail!("{errors}"),
        None => {
            let known: Vec<&str> = config.networks.keys().map(String::as_str).collect();
            bail!(
                "no network is named {name:?}; there are {}",
                known.join(", ")
            )
        }
    }
}

/// The network's MTU as it stands, or as it would be made.
fn mtu(
    config: &Config,
    network: &NetworkConfig,
    (host, records): (&dyn Host, &Records),
) -> Result<Mtu> {
    if let Some(stands) = records.networks.get(&network.id) {
        return Ok(stands.network.mtu);
    }
    if let Some(given) = network.mtu {
        return Ok(given);
    }
    let made = resolve::network(config, network, &host.facts()?).map_err(anyhow::Error::msg);
    let made = made.with_context(|| {
        format!(
            "network {} has no mtu, and what its way out leaves cannot be told",
            network.name
        )
    });
    Ok(made?.mtu)
}
