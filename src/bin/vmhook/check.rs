//! `vmhook check`: what is wrong with the configuration, and what vmhook makes of the rest.

use std::net::IpAddr;

use anyhow::{Result, bail};
use vmhook::apply::survey;
use vmhook::config::{
    Config, ConfigErrors, GuestMtu, HostConfig, NetworkConfig, NetworkKindConfig, PortConfig,
};
use vmhook::facts::{HostFacts, IptablesBackend};
use vmhook::firewall::guard::IBRNAME_PROBE;
use vmhook::hook::{load_config, with_sources};
use vmhook::host::{self, Host, HostError};
use vmhook::installation::CONFIG;
use vmhook::model::{Family, Ipv6Addresses, Network, SecurityGroup};
use vmhook::resolve;
use vmhook::transaction::Records;

use crate::output::{BAD, GOOD, HEAD, NOTE, Output, styled};
use crate::{Answer, existing, notes, vxlan};

pub(crate) fn run(host: &dyn Host, output: &Output) -> Result<Answer> {
    let files = host.config_files();
    if let Some(Err(reason)) = files.first().map(|file| &file.text)
        && files.iter().all(|file| file.text.is_err())
    {
        bail!(
            "{}: {reason}; `vmhook setup` puts an example, vmhook.toml.example, into {CONFIG}",
            files[0].path
        );
    }
    let config = load_config(host);
    let mut findings = Findings::default();
    for error in config.all_errors() {
        findings.bad(&error.report());
    }
    let facts = with_sources(host, &config, host.facts()?)?;
    let mut summary = Summary::default();
    summary.configuration(&config, &facts);
    if host::is_root() {
        look_around(host, &mut summary, &mut findings);
        match survey(host) {
            Ok(survey) => {
                findings.of_standing(&config, &survey.records, &facts);
                for words in existing::unnamed_ports(&config, &survey.records, &facts) {
                    findings.bad(&words);
                }
            }
            Err(error) => findings.bad(&format!(" {error:#}")),
        }
    }
    findings.of_networks(&config, &facts);
    for note in &config.notes {
        let report = note.report_as("note");
        findings.note(report.trim_start_matches("note: ").trim_end());
    }
    for note in notes::of(&config) {
        findings.note(&note);
    }
    let limit = host::igmp_max_memberships();
    let groups = limit.map(|limit| vxlan::too_many_groups(&config, limit));
    groups
        .into_iter()
        .flatten()
        .for_each(|words| findings.note(&words));
    let verdict = findings.verdict();
    let Findings { texts, errors, .. } = findings;
    output.print(&(texts.concat() + &summary.text() + &verdict))?;
    Ok(if errors == 0 { Answer::Yes } else { Answer::No })
}

/// What is wrong.
#[derive(Default)]
struct Findings {
    texts: Vec<String>,
    errors: usize,
    /// Networks that this host cannot carry, where that is no error.
    elsewhere: usize,
}

impl Findings {
    /// The last line.
    fn verdict(&self) -> String {
        let words = match (self.errors, self.elsewhere) {
            (0, 0) => styled(GOOD, "the configuration is right"),
            (0, _) => styled(
                NOTE,
                "the configuration is right, but not for this host: see above",
            ),
            (1, _) => styled(BAD, "1 error"),
            (errors, _) => styled(BAD, &format!("{errors} errors")),
        };
        format!("\n{words}\n")
    }

    fn bad(&mut self, report: &str) {
        self.errors += 1;
        let report = report.strip_prefix("error:").unwrap_or(report).trim_end();
        let head = styled(BAD, "error:");
        self.texts.push(format!("{head}{report}\n\n"));
    }

    fn note(&mut self, words: &str) {
        let head = styled(NOTE, "note:");
        self.texts.push(format!("{head} {words}\n\n"));
    }

    /// Networks that nothing is wrong with but that cannot be made on this host. Elsewhere than as
    /// root on the host itself the answer says nothing: the configuration may be another host's.
    fn of_networks(&mut self, config: &Config, facts: &HostFacts) {
        for network in config.networks.values().flatten() {
            let Err(cause) = resolve::network(config, network, facts) else {
                continue;
            };
            // That [host] is broken has been told.
            if config.host.is_err() {
                continue;
            }
            let named = format!("network {}", network.name);
            let cause = match cause.strip_prefix(&named) {
                Some(rest) if rest.starts_with(' ') => format!(" {cause}"),
                _ => format!(" {named}: {cause}"),
            };
            if host::is_root() {
                self.bad(&cause);
            } else {
                self.elsewhere += 1;
                let head = styled(NOTE, "on this host:");
                self.texts.push(format!("{head}{cause}\n\n"));
            }
        }
    }

    /// Networks whose links stand otherwise than the configuration says: they are made anew only when
    /// no machine is on them.
    fn of_standing(&mut self, config: &Config, records: &Records, facts: &HostFacts) {
        for record in records.networks.values() {
            let stands = &record.network;
            let mut networks = config.networks.values().flatten();
            let Some(network) = networks.find(|network| network.id == stands.id) else {
                continue;
            };
            let says = resolve::network(config, network, facts);
            if says.is_ok_and(|says| !says.has_same_links(stands)) {
                let until = match (records.index.uses(&stands.id), stands.keep) {
                    (true, false) => {
                        "and `vmhook reload` are refused until its last machine has stopped"
                    }
                    (true, true) => {
                        "and `vmhook reload` are refused until its last machine has stopped; then \
                         `vmhook reload` lets it go"
                    }
                    (false, true) => "are refused until `vmhook reload` lets it go",
                    (false, false) => "are refused while somebody else's port is on its bridge",
                };
                self.note(&format!(
                    "network {} stands with another type, tunnel or MTU than the configuration says: \
                     starts on it {until}",
                    network.name
                ));
            }
        }
    }
}

/// What is right: names and words, in two columns.
#[derive(Default)]
struct Summary(Vec<(String, String)>);

impl Summary {
    fn add(&mut self, name: &str, words: impl Into<String>) {
        self.0.push((name.to_owned(), words.into()));
    }

    fn object<T>(&mut self, name: &str, object: &Result<T, ConfigErrors>, words: fn(&T) -> String) {
        let words = object.as_ref().map_or_else(
            |_| styled(BAD, "broken: machines that need it do not start"),
            words,
        );
        self.add(name, words);
    }

    fn configuration(&mut self, config: &Config, facts: &HostFacts) {
        match &config.host {
            Ok(host) => self.add("host", host_words(config, host, facts)),
            Err(_) => self.object("host", &config.host, |_| String::new()),
        }
        self.object("firewall", &config.firewall, |firewall| {
            let comments = if firewall.comments { "with" } else { "without" };
            let hardened = hardened_words((!firewall.hardened).then_some(false));
            let prefix = &firewall.chain_prefix;
            format!("chains {prefix}-…, {comments} comments{hardened}")
        });
        for (name, network) in &config.networks {
            let name = format!("network {name}");
            match network {
                Ok(network) => self.add(&name, network_words(config, network, facts)),
                Err(_) => self.object(&name, network, |_| String::new()),
            }
        }
        for (name, group) in &config.security_groups {
            let words = group.as_ref().map(|group| group_words(config, group));
            let words = words.map_err(Clone::clone);
            self.object(&format!("security group {name}"), &words, String::clone);
        }
        for (name, group) in &config.address_groups {
            self.object(
                &format!("address group {name}"),
                group,
                |addresses| match addresses.as_slice() {
                    [] => "no address".to_owned(),
                    addresses => join(addresses.iter().map(ToString::to_string)),
                },
            );
        }
        for (name, port) in &config.ports {
            self.object(&format!("port {name}"), port, port_words);
        }
    }

    fn text(&self) -> String {
        let width = self.0.iter().map(|(name, _)| name.chars().count()).max();
        let width = width.unwrap_or_default();
        let line = |(name, words): &(String, String)| {
            let gap = " ".repeat(width - name.chars().count());
            format!("{}{gap}  {words}\n", styled(HEAD, name))
        };
        self.0.iter().map(line).collect()
    }
}

fn host_words(config: &Config, host: &HostConfig, facts: &HostFacts) -> String {
    if host.local_ip.is_none() {
        return "no local_ip".to_owned();
    }
    let port = host.vxlan_port;
    let local = match resolve::local_ip(config, facts) {
        Ok(local) => local,
        Err(cause) => return format!("{cause}; UDP port {port}"),
    };
    let on = match facts.carrier(local.address()) {
        Some(link) => format!("on {} with MTU {}", link.name, link.mtu),
        None => "which no device of this host has".to_owned(),
    };
    format!("local_ip {local} {on}; UDP port {port}")
}

fn network_words(config: &Config, network: &NetworkConfig, facts: &HostFacts) -> String {
    let made = resolve::network(config, network, facts).ok();
    let mtu = made.as_ref().map(|network| network.mtu).or(network.mtu);
    let mtu = mtu.map_or("what its way out leaves".to_owned(), |mtu| mtu.to_string());
    let own = resolve::local_ip(config, facts).ok();
    let device = made.as_ref().and_then(Network::way_out);
    let device = device.map_or(String::new(), |device| format!(", device {device}"));
    let way = match &network.kind {
        NetworkKindConfig::Vxlan(vxlan) => vxlan::words(vxlan, &mtu, own),
        NetworkKindConfig::Vlan(vlan) => format!(
            "VLAN {} of physical network {}, MTU {mtu}",
            vlan.vlan, vlan.physical_network
        ),
        NetworkKindConfig::Flat(flat) => {
            format!("physical network {}, MTU {mtu}", flat.physical_network)
        }
        NetworkKindConfig::Local => format!("MTU {mtu}, on this host alone"),
        NetworkKindConfig::Bridge(named) => format!("{}, MTU {mtu}", existing::words(named)),
    };
    let dhcp = network.dhcp_servers.iter().map(|servers| {
        let servers = join(servers.iter().map(IpAddr::to_string));
        let servers = Some(servers).filter(|words| !words.is_empty());
        format!(", DHCP from {}", servers.as_deref().unwrap_or("nobody"))
    });
    let dhcp = dhcp.collect::<String>();
    let ipv6 = match network.ipv6_addresses {
        Ipv6Addresses::Listed => "",
        Ipv6Addresses::LinkLocal => ", any link-local IPv6 address",
        Ipv6Addresses::Prefix => ", any IPv6 address of a port's prefix",
    };
    let groups = network.security_groups.as_ref().map(|groups| {
        let groups = join(groups.iter().cloned());
        format!(", groups {} for ports that name none", or_none(&groups))
    });
    let groups = groups.unwrap_or_default();
    let hardened = hardened_words(network.hardened);
    let guests = guest_words(network);
    let bridge = &network.bridge;
    let host = host_end_words(network);
    format!("bridge {bridge}{device}{host}, {way}{guests}{dhcp}{ipv6}{groups}{hardened}")
}

/// The host's own end of it.
fn host_end_words(network: &NetworkConfig) -> String {
    let end = network.host_addresses.iter().map(|addresses| {
        let addresses = join(addresses.iter().map(ToString::to_string));
        format!(
            ", the host's end {} with {addresses}",
            network.id.host_end()
        )
    });
    end.collect()
}

/// What is done about guests that may send more than fits.
fn guest_words(network: &NetworkConfig) -> String {
    let told = match network.guest_mtu {
        None => "",
        Some(GuestMtu::Refuse) => ", guests that are not told it refused",
        Some(GuestMtu::Warn) => ", guests that are not told it let in",
    };
    let clamp = if network.clamp_mss {
        ", TCP segments clamped to it"
    } else {
        ""
    };
    format!("{told}{clamp}")
}

fn group_words(config: &Config, group: &SecurityGroup) -> String {
    let written = config.rules_written(&group.name);
    let ingress = count(written.ingress, "ingress rule");
    let egress = count(written.egress, "egress rule");
    let members = match group.members.len() {
        0 => String::new(),
        members => format!(", {} elsewhere", count(members, "member")),
    };
    let stateless = if group.stateless { ", stateless" } else { "" };
    format!("{ingress}, {egress}{members}{stateless}")
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

fn or_none(words: &str) -> &str {
    if words.is_empty() { "none" } else { words }
}

fn port_words(port: &PortConfig) -> String {
    let network = port.network.iter().map(|name| format!(" on {name}"));
    let addresses = match port.fixed_ips.as_deref() {
        None => String::new(),
        Some([]) => "any".to_owned(),
        Some(addresses) => join(addresses.iter().map(ToString::to_string)),
    };
    let pairs = port.allowed_address_pairs.iter().flatten();
    let pairs = join(pairs.map(|(ip, mac)| match mac {
        None => ip.to_string(),
        Some(mac) => format!("{ip} with {mac}"),
    }));
    let groups = match port.security_groups.as_deref() {
        _ if !port.is_filtered() => String::new(),
        None => ", groups as its domain or network says".to_owned(),
        Some([]) => ", no groups: no packet".to_owned(),
        Some(groups) => format!(", groups {}", join(groups.iter().cloned())),
    };
    let with = |name: &str, words: String| match words.as_str() {
        "" => String::new(),
        words => format!(", {name} {words}"),
    };
    let network: String = network.collect();
    let addresses = with("addresses", addresses) + &with("besides", pairs);
    let security = match port.unfiltered() {
        Some(why) => format!(", {why}"),
        None => hardened_words(port.hardened).to_owned(),
    };
    format!("{}{network}{addresses}{groups}{security}", port.mac)
}

/// What somebody says about the guard's checks.
fn hardened_words(hardened: Option<bool>) -> &'static str {
    match hardened {
        None => "",
        Some(true) => ", hardened",
        Some(false) => ", not hardened",
    }
}

fn join(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

/// What every start needs of this host.
fn look_around(host: &dyn Host, summary: &mut Summary, findings: &mut Findings) {
    match host.iptables_backend() {
        Ok(IptablesBackend::Nft) => summary.add("iptables", "there, on nftables"),
        Ok(IptablesBackend::Legacy) => summary.add(
            "iptables",
            "there, the old one: rules are read back at every start",
        ),
        Err(error) => findings.bad(&format!(" {error}")),
    }
    let policy = |family| Ok(format!("{family} {}", host::forward_policy(family)?));
    let policies: Result<Vec<String>, HostError> = Family::BOTH.map(policy).into_iter().collect();
    match policies {
        Ok(policies) => summary.add("FORWARD policy", policies.join(", ")),
        Err(error) => findings.bad(&format!(" {error}")),
    }
    match host.nft_accepts(IBRNAME_PROBE) {
        Ok(true) => summary.add("nft", "there"),
        Ok(false) => summary.add(
            "nft",
            "there; the kernel lacks `meta ibrname`: unknown ports of one bridge reach each other",
        ),
        Err(error) => findings.bad(&format!(" {error}")),
    }
    let module = if host::has_br_netfilter() {
        "loaded"
    } else {
        "not loaded; the first start loads it"
    };
    summary.add("br_netfilter", module);
    match host.neutron_agent() {
        Ok(None) => {}
        Ok(Some(pid)) => findings.bad(&format!(
            " a Neutron Linux bridge agent runs here (pid {pid}); every start is refused"
        )),
        Err(error) => findings.bad(&format!(" {error}")),
    }
}
