//! Configurations as an operator writes them, and what `vmhook check` has to say of each.
//!
//! A case is a folder under `fixtures/config`: `vmhook.toml`, perhaps `conf.d/*.toml`, and
//! `report.txt`: every error, then what is usable. A new case is a new folder.
//! `UPDATE_GOLDEN=1 cargo test --test config` writes the reports anew.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test is its own boundary: it reads the cases, and helpers are tests too"
)]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use proptest::prelude::*;
use vmhook::config::{
    Checked, Config, ConfigError, NetworkConfig, NetworkKindConfig, PortConfig, Source,
    VxlanConfig, load,
};
use vmhook::model::{RemotePort, SecurityGroup, SecurityGroupRule, Vtep};

fn folder(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn sources(case: &Path) -> Vec<Source> {
    let mut paths = vec![case.join("vmhook.toml")];
    if case.join("conf.d").is_dir() {
        paths.extend(folder(&case.join("conf.d")));
    }
    let source = |path: PathBuf| Source {
        name: path.strip_prefix(case).unwrap().display().to_string(),
        text: fs::read_to_string(path).map_err(|error| error.to_string()),
    };
    paths.into_iter().map(source).collect()
}

fn line<T>(out: &mut String, what: &str, object: &Checked<T>, usable: impl Fn(&T) -> String) {
    let verdict = match object {
        Ok(value) => usable(value),
        Err(errors) => format!("broken: {errors}"),
    };
    writeln!(out, "{what}: {verdict}").unwrap();
}

fn network(network: &NetworkConfig) -> String {
    let mtu = network
        .mtu
        .map_or("of the underlay".to_owned(), |mtu| mtu.to_string());
    let kind = match &network.kind {
        NetworkKindConfig::Vxlan(vxlan) => tunnel(vxlan),
        NetworkKindConfig::Vlan(vlan) => format!("VLAN {} of {}", vlan.vlan, vlan.physical_network),
        NetworkKindConfig::Flat(flat) => format!("flat on {}", flat.physical_network),
        NetworkKindConfig::Local => "local".to_owned(),
        NetworkKindConfig::Bridge(existing) => format!("{existing:?}"),
    };
    let servers = network.dhcp_servers.as_ref();
    let servers = servers.map_or(String::new(), |servers| {
        format!(", DHCP servers {servers:?}")
    });
    let hosts = network.host_addresses.as_ref();
    let hosts = hosts.map_or(String::new(), |hosts| {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        format!(", host {}", hosts.join(" "))
    });
    format!(
        "bridge {}, MTU {mtu}, {kind}, security groups {:?}{servers}{hosts}{}",
        network.bridge,
        network.default_groups(),
        if network.keep { ", kept" } else { "" }
    )
}

fn tunnel(vxlan: &VxlanConfig) -> String {
    let flood: Vec<String> = vxlan.flood.iter().map(Vtep::to_string).collect();
    let (vni, options, outer) = (vxlan.vni, vxlan.options(), vxlan.outer.to_string());
    let port = vxlan
        .port
        .map_or(String::new(), |port| format!(", port {port}"));
    let hosts = vxlan.hosts.iter().map(|port| {
        let RemotePort {
            mac,
            addresses,
            vtep,
        } = port;
        format!("\n  {mac} {addresses:?} on {vtep}")
    });
    let hosts: String = hosts.collect();
    format!("VNI {vni}{port}, flood {flood:?}{options}{outer}{hosts}")
}

fn security_group(group: &SecurityGroup) -> String {
    let rule = |rule: &SecurityGroupRule| {
        format!(
            "\n  {} {} {:?}, other side {:?}",
            rule.direction, rule.family, rule.protocol, rule.remote
        )
    };
    let rules: String = group.rules.iter().map(rule).collect();
    format!("members {:?}{rules}", group.members)
}

fn port(port: &PortConfig) -> String {
    let PortConfig {
        mac,
        network,
        fixed_ips,
        security_groups,
        ..
    } = port;
    format!(
        "{mac}, network {network:?}, fixed IPs {fixed_ips:?}, security groups {security_groups:?}"
    )
}

fn report(config: &Config) -> String {
    let mut out = String::new();
    for error in config.all_errors() {
        writeln!(out, "{}", error.report()).unwrap();
    }
    match (config.incomplete(), config.lost_bridge()) {
        (Some(error), _) => writeln!(out, "incomplete: {error}").unwrap(),
        (None, Some(error)) => writeln!(out, "lost a bridge: {error}").unwrap(),
        (None, None) => {}
    }
    line(&mut out, "host", &config.host, |host| {
        let vtep = host
            .local_ip
            .as_ref()
            .map_or("not given".to_owned(), ToString::to_string);
        let (port, timeout) = (host.vxlan_port, host.hook_timeout);
        format!("local_ip {vtep}, vxlan_port {port}, hook_timeout {timeout:?}")
    });
    line(&mut out, "firewall", &config.firewall, |firewall| {
        format!("{firewall:?}")
    });
    for (name, checked) in &config.networks {
        line(&mut out, &format!("network {name}"), checked, network);
    }
    for (name, checked) in &config.security_groups {
        line(
            &mut out,
            &format!("security group {name}"),
            checked,
            security_group,
        );
    }
    for (name, checked) in &config.ports {
        line(&mut out, &format!("port {name}"), checked, port);
    }
    out
}

#[test]
fn each_case_is_reported_as_its_folder_says() {
    let update = env::var_os("UPDATE_GOLDEN").is_some();
    let cases = folder(Path::new("fixtures/config"));
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    for case in cases {
        let golden = case.join("report.txt");
        let got = report(&load(&sources(&case)));
        if update {
            fs::write(&golden, &got).unwrap();
        }
        let want = fs::read_to_string(&golden).unwrap_or_else(|error| format!("{error}\n"));
        if want != got {
            wrong.push(format!(
                "{}\n--- want\n{want}--- got\n{got}",
                case.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The page's blocks of TOML are one configuration, and nothing is wrong with it.
#[test]
fn the_recipes_of_the_reference_page_are_right() {
    let page = include_str!("../docs/configuration.md");
    let blocks = page.split("```toml\n").skip(1);
    let text: String = blocks
        .map(|block| block.split("```").next().unwrap())
        .collect();
    let config = of_text(&text);
    let errors: Vec<String> = config
        .all_errors()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(errors, [""; 0]);
    assert!(
        config.networks.len() >= 3 && config.ports.len() >= 7,
        "all are read"
    );
}

/// A key that the program reads and the page does not tell is one that nobody finds.
#[test]
fn the_reference_page_tells_every_key() {
    let page = include_str!("../docs/configuration.md");
    let readers = ["optional(", "required(", "choice("];
    let mut keys = BTreeSet::new();
    for file in sources_below(Path::new("src/config")) {
        let text = fs::read_to_string(file).unwrap();
        for reader in readers {
            let calls = text.split(reader).skip(1);
            let key = |call: &str| {
                Some(
                    call.trim_start()
                        .strip_prefix('"')?
                        .split_once('"')?
                        .0
                        .to_owned(),
                )
            };
            keys.extend(calls.filter_map(key));
        }
    }
    assert!(
        keys.contains("local_ip") && keys.contains("vni"),
        "{keys:?}"
    );
    keys.retain(|key| !page.contains(&format!("`{key}`")));
    assert_eq!(
        keys,
        BTreeSet::new(),
        "docs/configuration.md does not tell these"
    );
}

fn sources_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| sources_below(folder));
    files.into_iter().chain(below).collect()
}

fn of_text(text: &str) -> Config {
    load(&[Source {
        name: "vmhook.toml".to_owned(),
        text: Ok(text.to_owned()),
    }])
}

fn example() -> String {
    fs::read_to_string("fixtures/config/design-example/vmhook.toml").unwrap()
}

#[test]
fn no_key_is_ignored_in_silence() {
    let example = example();
    assert_eq!(of_text(&example).all_errors(), Vec::<&ConfigError>::new());
    for (at, line) in example
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains('='))
    {
        let changed = |(other, line): (usize, &str)| {
            let mark = if other == at { "x" } else { "" };
            format!("{mark}{line}\n")
        };
        let text: String = example.lines().enumerate().map(changed).collect();
        let config = of_text(&text);
        let errors = config.all_errors();
        assert!(
            errors.iter().any(|error| error
                .position
                .as_ref()
                .is_some_and(|here| here.line == at + 1)),
            "{line}: {errors:?}"
        );
    }
}

#[test]
fn brackets_without_end_are_an_error_and_no_crash() {
    for text in ["[", "[network.a]\nid = ", "a = "] {
        let deep = format!("{text}{}", "[".repeat(100_000));
        assert!(of_text(&deep).incomplete().is_some());
    }
}

proptest! {
    #[test]
    fn any_text_gives_a_configuration_with_one_line_errors(text in "\\PC*|[\\x00-\\x7f\u{e9}]*") {
        check_errors(&of_text(&text));
    }

    #[test]
    fn any_slip_in_a_good_file_gives_a_configuration(
        at in any::<prop::sample::Index>(),
        cut in 0..20_usize,
        put in "[a-z0-9\\[\\]{}=\"'.,#\n\t\u{e9}]{0,5}",
    ) {
        let mut text: Vec<char> = example().chars().collect();
        let from = at.index(text.len());
        let to = (from + cut).min(text.len());
        text.splice(from..to, put.chars());
        check_errors(&of_text(&String::from_iter(text)));
    }

    #[test]
    fn a_network_is_found_by_its_bridge_whatever_else_is_wrong(lines in "([a-z_]{1,6} = [0-9a-z\"\\[]{1,6}\n){0,4}") {
        prop_assume!(!lines.contains("bridge"));
        let config = of_text(&format!("[network.lab]\nid = \"lab\"\n{lines}"));
        let found = config.managed_bridge("brqlab").expect("the id was read");
        prop_assert_eq!(found.name, "lab");
        prop_assert!(found.network.is_err());
    }
}

fn check_errors(config: &Config) {
    for error in config.all_errors() {
        assert_eq!(error.to_string().lines().count(), 1);
        assert!(
            error
                .position
                .as_ref()
                .is_none_or(|at| at.line > 0 && at.column > 0 && at.width > 0)
        );
        assert!(error.report().ends_with('\n'));
    }
}
