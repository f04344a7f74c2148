//! Guests that are none of ours: vmhook neither helps nor hinders them, whatever state it is in.

use super::{BRIDGE, CONFIG, MAC, TAP, host};
use crate::support::{DomainSpec, Nic};

/// A bridge that is somebody else's, and does not change with each port that comes and goes.
pub(super) const MAKE_BR0: &str = "set -e
    ip link add br0 address 02:00:00:00:00:01 type bridge
    echo 1 >/proc/sys/net/ipv6/conf/br0/disable_ipv6
    ip link add port0 type veth peer name port1
    ip link set port1 up
    ip link set port0 master br0 up
    ip link set br0 up
    until grep -q up /sys/class/net/br0/operstate; do :; done";

#[test]
fn a_guest_without_an_interface_of_ours_never_meets_vmhook() {
    let lab = host(CONFIG);
    lab.ok(MAKE_BR0);
    let mut plain = lab.define(&DomainSpec::new("plain"));
    let mut other = lab.define(&DomainSpec::new("other").nic(Nic::on_bridge("br0", MAC)));
    let tables = "nft list tables; ls -A /run/vmhook 2>&1";
    let before = (lab.dump(), lab.run(tables).out);

    for config in [
        CONFIG,
        "[network.broken",
        "[host]\nlocal_ip = \"172.16.0.99\"\n",
    ] {
        lab.configure(config);
        plain.start().ok();
        other.start().ok();
        assert_eq!(lab.run(tables).out, before.1, "with {config:?}");
        plain.destroy();
        other.destroy();
    }
    lab.configure(CONFIG);
    lab.assert_unchanged_since(&before.0);
}

#[test]
fn with_a_broken_configuration_only_guests_on_bridges_of_ours_are_refused() {
    let lab = host("[network.broken");
    lab.ok(MAKE_BR0);
    let before = lab.dump();
    let theirs = Nic::on_bridge("br0", "fa:16:3e:00:00:01");
    let ours = Nic::on_bridge(BRIDGE, MAC).target(TAP);

    let mut mixed = lab.define(&DomainSpec::new("mixed").nic(theirs).nic(ours));
    let refused = mixed.start();
    assert!(!refused.succeeded(), "{refused:#?}");
    let told = "vmhook: domain mixed, interface fa:16:3e:be:71:21: ";
    assert!(refused.err.contains(told), "{refused:#?}");
    assert!(
        refused.err.contains("/etc/vmhook/vmhook.toml:1"),
        "{refused:#?}"
    );
    lab.assert_unchanged_since(&before);
}
