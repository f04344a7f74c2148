//! `vmhook check`: what is wrong with the configuration, and what vmhook makes of the rest.

use anyhow::{Result, bail};
use vmhook::apply::survey;
use vmhook::config::{Config, ConfigErrors};
use vmhook::facts::{HostFacts, IptablesBackend};
use vmhook::firewall::guard::IBRNAME_PROBE;
use vmhook::hook::{load_config, with_sources};
use vmhook::host::{self, Host, HostError};
use vmhook::installation::CONFIG;
use vmhook::model::Family;
use vmhook::resolve;
use vmhook::transaction::Records;

use crate::output::{BAD, GOOD, HEAD, NOTE, Output, styled};
use crate::words::{group_words, hardened_words, host_words, join, network_words, port_words};
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
