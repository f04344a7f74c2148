//! Machines that name what a running one uses.

use super::endpoints::Cable;
use super::reference::assert_filter_tables_are_neutrons;
use super::strangers::MAKE_BR0;
use super::{ADDRESS, BRIDGE, CONFIG, DEVICE, MAC, TAP, host, port, web1};
use crate::support::{DomainSpec, Nic, frames};

const UUID: &str = "5a0c7f43-0f5e-4a6e-8b57-2d8e1c3f9a02";
const INTRUDERS_MAC: &str = "fa:16:3e:00:00:02";

/// A machine of its own UUID.
fn intruder(nics: &[Nic]) -> DomainSpec {
    let spec = DomainSpec::new("intruder").uuid(UUID);
    nics.iter().cloned().fold(spec, DomainSpec::nic)
}

/// libvirt calls `stopped` and `release` for each of them with the running guest's tap in the XML.
#[test]
fn a_running_guest_keeps_packets_and_rules_whoever_else_names_its_tap_or_address() {
    let lab = host(&format!(
        "{CONFIG}{}",
        port("intruder", INTRUDERS_MAC, "192.168.101.2")
    ));
    lab.ok(MAKE_BR0);
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    web1.boot();
    let running = lab.dump();

    let ours = Nic::on_bridge(BRIDGE, INTRUDERS_MAC).mtu(1450);
    let elsewhere = Nic::on_bridge("br0", "fa:16:3e:00:00:03");
    let same_address = Nic::on_bridge(BRIDGE, MAC).mtu(1450);
    let by_us = format!("{TAP} is in use by domain web1");
    let by_us_too = String::from("is in use by domain web1; stop that domain");
    let by_libvirt = format!("The {TAP} interface already exists");
    for (what, nics, said) in [
        (
            "its tap, on its bridge",
            vec![ours.clone().target(TAP)],
            &by_us,
        ),
        (
            "its tap, elsewhere",
            vec![elsewhere.clone().target(TAP)],
            &by_libvirt,
        ),
        (
            "its tap elsewhere, beside a port of its own",
            vec![ours.clone(), elsewhere.target(TAP)],
            &by_libvirt,
        ),
        ("its MAC address", vec![same_address], &by_us_too),
    ] {
        let start = lab.define(&intruder(&nics)).start();
        assert_eq!(start.code, 1, "{what}: {start:#?}");
        assert!(start.err.contains(said), "{what}: {start:#?}");
        assert!(lab.peer().pings(ADDRESS), "{what}\n{}", lab.dump());
        assert_filter_tables_are_neutrons(&lab);
        lab.assert_unchanged_but_for_the_count_since(&running);
    }

    let mut own = lab.define(&intruder(&[ours]));
    own.start().ok();
    own.destroy();
    let mut cable = Cable::between(&lab, TAP, &lab.peer(), DEVICE);
    cable.assert_refused(
        &mut web1,
        "another's MAC address",
        "ip link set eth0 address fa:16:3e:66:66:66; ping -c 1 -W 1 192.168.101.1; \
         ip link set eth0 address fa:16:3e:be:71:21",
        |frame| frame[6..12] == frames::mac("fa:16:3e:66:66:66"),
    );
    assert_filter_tables_are_neutrons(&lab);
    lab.assert_unchanged_but_for_the_count_since(&running);
    web1.destroy();
    lab.assert_unchanged_since(&before);
}
