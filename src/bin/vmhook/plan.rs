//! `vmhook plan`: what would be run.

use std::fmt::Write;

use anyhow::Result;
use vmhook::apply::survey;
use vmhook::config::Config;
use vmhook::domain::Domain;
use vmhook::facts::IptablesBackend;
use vmhook::firewall::guard::{Capabilities, IBRNAME_PROBE};
use vmhook::hook::rehearsal::{Act, Rehearsal, World};
use vmhook::hook::{load_config, with_sources};
use vmhook::host::{self, Host};
use vmhook::plan::Plan;
use vmhook::refusal::Refusal;

use crate::arguments::PlanArguments;
use crate::output::{Output, printable};
use crate::{Answer, input, need_root};

pub(crate) fn run(wanted: &PlanArguments, host: &dyn Host, output: &Output) -> Result<Answer> {
    let domain = input::domain(&wanted.xml)?;
    let config = load_config(host);
    let name = domain.name.clone();
    let world = world(wanted, host, &config)?;
    let mut script = Script {
        strangers: strangers(&config, &domain),
        ..Script::default()
    };
    let played = rehearse(wanted, &config, domain, world)
        .and_then(|rehearsal| script.play(rehearsal, wanted.event.map(Act::from)));
    match played {
        Ok(()) => {
            output.print(&script.text(&name))?;
            Ok(Answer::Yes)
        }
        // Half a script would be run by somebody.
        Err(refusal) => {
            output.complain(&refusal.to_string());
            Ok(Answer::No)
        }
    }
}

/// Bridges that nobody manages, and that look as if somebody meant one of ours.
fn strangers(config: &Config, domain: &Domain) -> Vec<String> {
    let bridges = domain.interfaces.iter();
    let bridges = bridges.filter_map(|interface| interface.bridge.as_deref());
    let told = |bridge: &str| {
        let (hint, managed) = config.meant_bridge(bridge)?;
        let managed = match managed.as_slice() {
            [] => "no network is configured".to_owned(),
            managed => format!("the networks' bridges are {}", managed.join(", ")),
        };
        let bridge = printable(bridge);
        Some(format!("bridge {bridge} is no network's{hint} ({managed})"))
    };
    bridges.filter_map(told).collect()
}

fn rehearse<'a>(
    wanted: &PlanArguments,
    config: &'a Config,
    domain: Domain,
    world: World,
) -> Result<Rehearsal<'a>, Refusal> {
    let taps = wanted.tap.iter().cloned().collect();
    Rehearsal::new(config, domain, taps, world)
}

fn world(wanted: &PlanArguments, host: &dyn Host, config: &Config) -> Result<World> {
    if !wanted.from_host {
        return Ok(World::empty(config));
    }
    need_root("plan --from-host")?;
    let survey = survey(host)?;
    let mut assumed = vec!["this host as it is now".to_owned()];
    if !host::has_br_netfilter() {
        assumed.push("the kernel module br_netfilter is loaded first, its switches 0".to_owned());
    }
    let record = survey.records.host.as_ref();
    if let (None, Some(pid)) = (record, host.neutron_agent()?) {
        assumed.push(format!(
            "the Neutron Linux bridge agent (pid {pid}) is gone; while it runs every start is refused"
        ));
    }
    let known = record.map(|record| (record.capabilities, record.backend));
    let (capabilities, backend) = known.map_or_else(|| probe(host), Ok)?;
    Ok(World {
        facts: with_sources(host, config, survey.facts)?,
        records: survey.records,
        observed: survey.observed.filter(|_| survey.doubtful),
        capabilities,
        backend,
        machine_id: host.machine_id(),
        assumed,
    })
}

/// What the first start would find out.
fn probe(host: &dyn Host) -> Result<(Capabilities, IptablesBackend)> {
    let ibrname = host.nft_accepts(IBRNAME_PROBE)?;
    Ok((Capabilities { ibrname }, host.iptables_backend()?))
}

/// The plans, under what was assumed for them.
#[derive(Default)]
struct Script {
    assumed: Vec<String>,
    /// Bridges that may be slips.
    strangers: Vec<String>,
    /// What an operator should know of its interfaces.
    remarks: Vec<String>,
    plans: String,
}

impl Script {
    fn play(&mut self, mut rehearsal: Rehearsal<'_>, act: Option<Act>) -> Result<(), Refusal> {
        if !rehearsal.concerns_us()? {
            self.plans
                .push_str("# it has no interface on a managed bridge: nothing is run\n");
            return Ok(());
        }
        let acts = act.as_ref().map(std::slice::from_ref);
        let acts = acts.unwrap_or_else(|| rehearsal.until_it_runs());
        let played = acts.iter().try_for_each(|act| {
            rehearsal.advance_to(*act)?;
            let plan = rehearsal.play(*act)?;
            self.add(*act, &plan);
            Ok(())
        });
        self.assumed.clone_from(&rehearsal.world().assumed);
        self.remarks = rehearsal.remarks()?;
        played
    }

    fn add(&mut self, act: Act, plan: &Plan) {
        let nothing = if plan.is_empty() {
            "# nothing is to be done\n"
        } else {
            ""
        };
        // Writing to a String cannot fail.
        let _ = write!(self.plans, "\n# {act}\n{nothing}{plan}");
    }

    fn text(&self, domain: &str) -> String {
        let printable = |c: char| if c.is_control() { '?' } else { c };
        let domain: String = domain.chars().map(printable).collect();
        let mut text = format!("# vmhook plan: domain {domain}\n");
        for line in &self.assumed {
            let _ = writeln!(text, "# assumed: {line}");
        }
        for line in self.strangers.iter().chain(&self.remarks) {
            let _ = writeln!(text, "# {line}");
        }
        text + &self.plans
    }
}
