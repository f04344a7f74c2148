//! Interfaces that come, go and move while the guest runs.

use super::tenants::{OTHER_BRIDGE, OTHER_NETWORK, SECOND_MAC, TENANT};
use super::{BRIDGE, CONFIG, FORWARDED, MAC, TAP, host};
use crate::support::{DomainSpec, Guest, Lab, Nic, Outcome, Peer};

const HOT_MAC: &str = "fa:16:3e:00:00:77";
const HOT_TAP: &str = "taphotplug0-00";
/// The port's address on the first network, and on the other.
const HOT: &str = "192.168.101.77";
const HOT_ELSEWHERE: &str = "192.168.101.78";
const HOT_PORTS: &str = r#"
[port.hot]
mac = "fa:16:3e:00:00:77"
network = "selfservice"
fixed_ips = ["192.168.101.77"]
security_groups = ["mysecurity"]

[port.hot-elsewhere]
mac = "fa:16:3e:00:00:77"
network = "other"
fixed_ips = ["192.168.101.78"]
security_groups = ["mysecurity"]
"#;

/// A guest on both networks, so that both are there, and without addresses of its own.
fn web1() -> DomainSpec {
    DomainSpec::new("web1")
        .nic(Nic::on_bridge(BRIDGE, MAC).target(TAP).mtu(1450))
        .nic(Nic::on_bridge(OTHER_BRIDGE, SECOND_MAC).mtu(1450))
}

/// `attach-device`, `detach-device`, `update-device` of the running guest.
fn change(lab: &Lab, how: &str, nic: &Nic) {
    lab.write("/run/nic.xml", &nic.xml());
    lab.virsh(&[how, "web1", "/run/nic.xml", "--live"]).ok();
}

fn sync(lab: &Lab) -> Outcome {
    lab.command(&["vmhook", "sync", "web1"])
}

/// The guest gives its third interface this address alone.
fn address(guest: &mut Guest<'_>, address: &str) {
    guest
        .sh(&format!(
            "until ip link show eth2 >/dev/null 2>&1; do :; done; ip address flush dev eth2; \
             ip address add {address}/24 dev eth2; ip link set eth2 up"
        ))
        .ok();
}

/// The guest answers by an interface that has just been opened, as soon as it can.
fn reaches(other: &Peer<'_>, address: &str, why: &str, lab: &Lab) {
    assert!(other.pings_at_last(address), "{why}\n{}", lab.dump());
}

#[test]
fn interfaces_that_libvirt_plugs_in_out_and_elsewhere_are_closed_until_sync() {
    let lab = host(&format!("{CONFIG}{OTHER_NETWORK}{HOT_PORTS}"));
    lab.ok(TENANT);
    lab.define_network("selfservice", FORWARDED);
    let before = lab.dump();
    let (peer, tenant) = (lab.peer(), lab.other_host("tenant"));
    let mut web1 = lab.define(&web1());
    web1.boot();

    let here = Nic::on_bridge(BRIDGE, HOT_MAC).target(HOT_TAP).mtu(1450);
    change(&lab, "attach-device", &here);
    address(&mut web1, HOT);
    assert!(!peer.pings(HOT), "closed\n{}", lab.dump());
    let inspected = lab.command(&["vmhook", "inspect", "web1"]);
    assert_eq!(inspected.code, 1, "{inspected:#?}");
    let advice = "`vmhook sync web1` makes them right\n";
    assert!(inspected.out.ends_with(advice), "{inspected:#?}");
    let opened = format!("interface {HOT_MAC}: opened on network selfservice, tap {HOT_TAP}\n");
    assert!(sync(&lab).ok().contains(&opened));
    reaches(&peer, HOT, "opened", &lab);
    lab.ok("vmhook inspect web1");

    let there = Nic::on_bridge(OTHER_BRIDGE, HOT_MAC)
        .target(HOT_TAP)
        .mtu(1450);
    change(&lab, "update-device", &there);
    assert!(!tenant.pings(HOT), "closed there\n{}", lab.dump());
    assert!(!lab.run("vmhook inspect web1").succeeded());
    sync(&lab).ok();
    assert!(!tenant.pings(HOT), "the old address\n{}", lab.dump());
    address(&mut web1, HOT_ELSEWHERE);
    reaches(&tenant, HOT_ELSEWHERE, "opened", &lab);
    change(&lab, "update-device", &here);
    assert!(!peer.pings(HOT_ELSEWHERE), "closed here\n{}", lab.dump());
    sync(&lab).ok();
    address(&mut web1, HOT);
    reaches(&peer, HOT, "moved back", &lab);

    change(&lab, "detach-device", &here);
    lab.ok(&format!("while ip link show {HOT_TAP}; do :; done"));
    let closed = format!("interface {HOT_MAC}: closed on network selfservice\n");
    assert!(sync(&lab).ok().starts_with(&closed));

    // libvirt's own network: the network hook is called.
    let of_network = Nic::on_network("selfservice", HOT_MAC).mtu(1450);
    change(&lab, "attach-device", &of_network);
    address(&mut web1, HOT);
    assert!(!peer.pings(HOT), "closed\n{}", lab.dump());
    sync(&lab).ok();
    // libvirt begins with a second port for it.
    let unplugged = of_network.clone().with("<link state='down'/>");
    change(&lab, "update-device", &unplugged);
    change(&lab, "update-device", &of_network);
    reaches(&peer, HOT, "its link is up again", &lab);
    change(&lab, "detach-device", &of_network);
    lab.ok("until vmhook inspect web1; do :; done");
    assert!(!lab.ok("nft list ruleset").contains(HOT), "{}", lab.dump());

    change(&lab, "attach-device", &of_network);
    sync(&lab).ok();
    // With this libvirt takes its port back, and leaves it on its bridge.
    lab.virsh(&["domif-setlink", "web1", HOT_MAC, "down"]).ok();
    lab.ok("vmhook inspect web1");
    web1.destroy();
    lab.assert_unchanged_since(&before);
    assert_says_what_it_cannot_do(&lab);
}

/// Of a guest that is shut off, of one that nobody knows, and of a libvirt that is not there.
#[track_caller]
fn assert_says_what_it_cannot_do(lab: &Lab) {
    let off = "domain web1 is shut off, and nothing of it is left\n";
    assert_eq!(sync(lab).ok(), off);
    let unknown = lab.command(&["vmhook", "sync", "web2"]);
    assert_eq!(unknown.code, 2, "{unknown:#?}");
    lab.end_libvirtd("TERM");
    let nobody = sync(lab);
    assert_eq!(nobody.code, 2, "{nobody:#?}");
    assert!(nobody.err.contains("cannot reach libvirt"), "{nobody:#?}");
}
