//! The boundary against a real kernel, each test in a network namespace of its own.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "these tests are about files, processes and the kernel"
)]

#[path = "../support/mod.rs"]
mod support;

mod connections;
mod forwarding;
mod limits;
mod links;
mod place;
mod rules;
mod sets;

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use support::netns::{attempt, in_a_new_namespace, run};
use vmhook::facts::IptablesBackend;
use vmhook::facts::{BridgeFact, LinkFact, LinkKind, VxlanFact};
use vmhook::host::{Host, HostError, Machine, Paths};
use vmhook::model::{
    FdbEntry, IfName, MacAddr, Mtu, NetworkId, OuterHeader, Tunnel, TunnelOptions, Vni, Vtep, Zone,
};
use vmhook::plan::link::{Bridge, LinkChange, VxlanDevice};
use vmhook::plan::{NftFamily, RestoreInput};

const NETWORK: &str = "c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee";
const BRIDGE: &str = "brqc08e7dcd-4a";
const DEVICE: &str = "vxlan-267";

fn name(text: &str) -> IfName {
    text.parse().unwrap()
}

fn mtu(bytes: u32) -> Mtu {
    bytes.try_into().unwrap()
}

fn vtep(address: &str) -> Vtep {
    address.parse::<IpAddr>().unwrap().try_into().unwrap()
}

fn mac() -> MacAddr {
    "1e:c5:d4:be:d4:71".parse().unwrap()
}

fn machine() -> Machine {
    machine_in(Path::new("/nonexistent"), Duration::from_secs(90))
}

fn machine_in(folder: &Path, limit: Duration) -> Machine {
    let paths = Paths {
        config_dir: folder.to_owned(),
        state_dir: folder.to_owned(),
    };
    Machine::new(paths, limit)
}

fn bridge(bytes: u32) -> LinkChange {
    LinkChange::AddBridge(Bridge {
        name: name(BRIDGE),
        mac: mac(),
        mtu: mtu(bytes),
        network: network(),
    })
}

fn network() -> NetworkId {
    NETWORK.parse().unwrap()
}

fn device(bytes: u32) -> VxlanDevice {
    VxlanDevice {
        tunnel: Tunnel {
            vni: Vni::try_from(267).unwrap(),
            device: name(DEVICE),
            local: vtep("172.16.0.31"),
            underlay: name("eth0"),
            port: 8472,
            options: TunnelOptions::default(),
        },
        outer: OuterHeader::default(),
        mtu: mtu(bytes),
        network: network(),
    }
}

fn enslave(device: &str) -> LinkChange {
    LinkChange::Enslave {
        device: name(device),
        bridge: name(BRIDGE),
    }
}

fn raise(device: &str) -> LinkChange {
    LinkChange::Raise(name(device))
}

/// The underlay of the reference: `eth0` with the host's tunnel address.
fn underlay() {
    run("ip link add eth0 type veth peer name wire");
    run("ip link set eth0 up");
    run("ip address add 172.16.0.31/24 dev eth0");
}

fn apply(host: &Machine, changes: impl IntoIterator<Item = LinkChange>) {
    for change in changes {
        host.change_link(&change).unwrap();
    }
}

fn refusal(host: &Machine, change: &LinkChange) -> String {
    host.change_link(change).unwrap_err().to_string()
}

fn link(host: &Machine, device: &str) -> LinkFact {
    let facts = host.facts().unwrap();
    facts.link(&name(device)).unwrap().clone()
}

fn names(host: &Machine) -> Vec<String> {
    let links = host.facts().unwrap().links;
    links.into_iter().map(|link| link.name).collect()
}

fn setting(path: &str) -> String {
    let path = format!("/proc/sys/net/{path}");
    fs::read_to_string(path).unwrap().trim().to_owned()
}

fn script(folder: &Path, name: &str, line: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{line}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}
