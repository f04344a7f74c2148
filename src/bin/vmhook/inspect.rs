//! `vmhook inspect`: what a domain has, and whether the kernel has all of it.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use vmhook::apply::{Survey, survey, survey_in_peace};
use vmhook::config::Config;
use vmhook::domain::Domain;
use vmhook::event::Call;
use vmhook::hook::load_config;
use vmhook::host::Host;
use vmhook::inspect::{
    Check, InterfaceReport, Kind, Report, Scope, Sourced, Status, Subject, Verdict, inspect,
};

use crate::arguments::{Format, InspectArguments};
use crate::output::{BAD, FAINT, GOOD, HEAD, NOTE, Output, printable, styled};
use crate::{Answer, input, libvirt, need_root};

pub(crate) fn run(wanted: &InspectArguments, host: &dyn Host, output: &Output) -> Result<Answer> {
    need_root("inspect")?;
    let domain = match (&wanted.xml, &wanted.domain) {
        (Some(file), _) => input::domain(file)?,
        (None, Some(name)) => libvirt::domain(name)?,
        (None, None) => bail!("no domain is named"),
    };
    let report = look(&domain, host)?;
    let text = match wanted.format {
        Format::Text => text(&report),
        Format::Json => serde_json::to_string_pretty(&report)? + "\n",
    };
    output.print(&text)?;
    let well = report.verdict.is_well();
    Ok(if well { Answer::Yes } else { Answer::No })
}

/// A hook may be at work just now: what is wrong counts only if it is so under the lock too.
fn look(domain: &Domain, host: &dyn Host) -> Result<Report> {
    let config = load_config(host);
    let report = report(domain, &config, &survey(host)?);
    if report.verdict != Verdict::Differs {
        return Ok(report);
    }
    let (config, survey) = (load_config(host), survey_in_peace(host, Call::Unknown)?);
    Ok(self::report(domain, &config, &survey))
}

fn report(domain: &Domain, config: &Config, survey: &Survey) -> Report {
    inspect(Subject {
        domain,
        config,
        facts: &survey.facts,
        records: &survey.records,
        observed: survey.observed.as_ref(),
    })
}

fn text(report: &Report) -> String {
    let state = if report.running {
        "runs"
    } else {
        "is shut off"
    };
    let domain = styled(HEAD, &format!("domain {}", printable(&report.domain)));
    let mut parts = vec![format!("{domain} {}, {state}\n", report.uuid)];
    for interface in &report.interfaces {
        let scope = Scope::Interface(interface.mac.value);
        parts.extend([head(&scope), values(interface), had(report, &scope)]);
    }
    for scope in other_scopes(report) {
        parts.extend([head(scope), had(report, scope)]);
    }
    let wrong: String = report
        .checks
        .iter()
        .filter(|it| !it.is_well())
        .map(problem)
        .collect();
    if !wrong.is_empty() {
        parts.push(format!("\n{wrong}"));
    }
    let note = |note: &String| format!("\n{} {note}", styled(NOTE, "note:"));
    parts.extend(report.notes.iter().map(note));
    if !report.notes.is_empty() {
        parts.push("\n".to_owned());
    }
    parts.push(format!("\n{}\n", verdict(report)));
    parts.concat()
}

fn head(scope: &Scope) -> String {
    format!("\n{}\n", styled(HEAD, &scope.to_string()))
}

/// Everything that is checked and is not one interface's, each once.
fn other_scopes(report: &Report) -> Vec<&Scope> {
    let mut scopes: Vec<&Scope> = Vec::new();
    for check in &report.checks {
        let is_interface = matches!(check.scope, Scope::Interface(_));
        if !is_interface && !scopes.contains(&&check.scope) {
            scopes.push(&check.scope);
        }
    }
    scopes
}

/// The values of an interface, one a line, with who says so.
fn values(interface: &InterfaceReport) -> String {
    fn row<T: ToString>(name: &'static str, it: &Sourced<T>) -> [String; 3] {
        [name.to_owned(), it.value.to_string(), it.origin.clone()]
    }
    fn list<T: ToString>(name: &'static str, it: &Sourced<Vec<T>>) -> [String; 3] {
        let words: Vec<_> = it.value.iter().map(ToString::to_string).collect();
        let words = if words.is_empty() {
            "none".to_owned()
        } else {
            words.join(", ")
        };
        [name.to_owned(), words, it.origin.clone()]
    }
    let InterfaceReport {
        mac,
        network,
        bridge,
        device,
        vni,
        tap,
        mtu,
        addresses,
        address_pairs,
        security,
        security_groups,
        dhcp_servers,
    } = interface;
    let mut rows = vec![row("network", network), row("bridge", bridge)];
    rows.extend(device.as_ref().map(|device| row("device", device)));
    rows.extend(vni.as_ref().map(|vni| row("VNI", vni)));
    rows.extend(tap.as_ref().map(|tap| row("tap", tap)));
    rows.extend([
        row("MAC", mac),
        row("MTU", mtu),
        list("addresses", addresses),
    ]);
    let has_pairs = !address_pairs.value.is_empty();
    rows.extend(has_pairs.then(|| list("besides", address_pairs)));
    rows.extend([row("security", security), list("groups", security_groups)]);
    rows.extend(
        dhcp_servers
            .as_ref()
            .map(|servers| list("DHCP from", servers)),
    );
    let width = rows
        .iter()
        .map(|row| row[1].chars().count())
        .max()
        .unwrap_or(0)
        .min(40);
    let line = |[name, value, origin]: &[String; 3]| {
        let from = styled(FAINT, origin);
        format!("  {name:<9}  {value:<width$}  {from}\n")
    };
    rows.iter().map(line).collect()
}

/// How many things of each kind the kernel has of those that were applied.
fn had(report: &Report, scope: &Scope) -> String {
    let mut counts: BTreeMap<Kind, (usize, usize)> = BTreeMap::new();
    let checks = report.checks.iter().filter(|check| check.scope == *scope);
    for check in checks.filter(|check| check.status != Status::Extra) {
        let (well, all) = counts.entry(check.kind).or_default();
        *well += usize::from(check.is_well());
        *all += 1;
    }
    let count = |(kind, (well, all)): (Kind, (usize, usize))| {
        let style = if well == all { GOOD } else { BAD };
        format!(
            "{} {}",
            kind.word(),
            styled(style, &format!("{well}/{all}"))
        )
    };
    let counts: Vec<String> = counts.into_iter().map(count).collect();
    if counts.is_empty() {
        return String::new();
    }
    format!("  in kernel  {}\n", counts.join(", "))
}

fn problem(check: &Check) -> String {
    let detail = check.detail.as_deref();
    let detail = detail.map(|text| format!("\n    {}", text.replace("; ", "\n    ")));
    format!(
        "{} {} {}, {}{}\n",
        styled(BAD, &format!("{}:", check.status)),
        check.kind.word(),
        check.object,
        check.scope,
        detail.unwrap_or_default()
    )
}

/// The domain as an argument of a shell: its name, or its UUID where a shell would read the name
/// otherwise.
fn argument(report: &Report) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name = &report.domain;
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(plain) {
        name
    } else {
        report.uuid.as_str()
    }
}

fn verdict(report: &Report) -> String {
    let wrong = report
        .checks
        .iter()
        .filter(|check| !check.is_well())
        .count();
    let all = report.checks.len();
    let sync = format!("`vmhook sync {}`", argument(report));
    let words = match report.verdict {
        Verdict::AsApplied => format!("all {all} things are in the kernel as they were applied"),
        Verdict::Differs if report.has_unserved_interfaces() => format!(
            "{wrong} of {all} things differ from what was applied; mend what the note says, then {sync}"
        ),
        Verdict::Differs if report.has_changed_interfaces() => {
            format!("{wrong} of {all} things differ from what was applied; {sync} makes them right")
        }
        Verdict::Differs => {
            format!("{wrong} of {all} things differ from what was applied; `vmhook sync` repairs")
        }
        Verdict::NoRecord => {
            format!(
                "it runs, but nothing was applied for it: its ports are closed; {sync} opens them"
            )
        }
        Verdict::Left => {
            "it is shut off, but something of it is left; `vmhook sync` removes it".to_owned()
        }
        Verdict::NothingLeft => "it is shut off, and nothing of it is left".to_owned(),
        Verdict::NotOurs => "it has no interface on a managed bridge".to_owned(),
    };
    let style = if report.verdict.is_well() { GOOD } else { BAD };
    styled(style, &words)
}
