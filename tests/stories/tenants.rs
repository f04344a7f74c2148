//! Several guests and several networks on one host.

use super::endpoints::is_echo_request;
use super::reference::assert_filter_tables_are_neutrons;
use super::{ADDRESS, CONFIG, FORWARDED, MAC, OTHER, OTHER_MAC, SOON, TAP, host, part, web1};
use crate::support::frames::{self, end};
use crate::support::{DomainSpec, Lab, Nic};

/// Who may ask the database.
const DATABASE: &str = r#"
[security_group.database]
ingress = [{ protocol = "tcp", port = 23, remote = "192.168.101.88/32" }]
egress = [{ any = true }]
"#;
/// What the domain itself says of its port.
const METADATA: &str = "<vmhook:ports xmlns:vmhook='urn:vmhook:ports:1'>\
    <vmhook:port mac='fa:16:3e:00:00:02'><vmhook:fixed-ip address='192.168.101.2'/>\
    <vmhook:security-group name='database'/></vmhook:port></vmhook:ports>";

fn database() -> DomainSpec {
    let nic = Nic::on_network("selfservice", "fa:16:3e:00:00:02").mtu(1450);
    DomainSpec::new("database")
        .metadata(METADATA)
        .nic(nic.address("192.168.101.2/24"))
}

#[test]
fn two_guests_start_at_once_and_one_may_ask_the_other_what_strangers_may_not() {
    let lab = host(&format!("{CONFIG}{DATABASE}"));
    lab.define_network("selfservice", FORWARDED);
    let before = lab.dump();
    let (mut web1, mut database) = (lab.define(&web1()), lab.define(&database()));

    std::thread::scope(|scope| {
        let one = scope.spawn(|| web1.start().ok());
        database.start().ok();
        one.join().expect("virsh starts it");
    });
    web1.wait();
    database.wait();
    let tap = lab.ok("virsh --quiet domiflist database");
    assert!(
        tap.trim_start().starts_with("vnet"),
        "libvirt names it: {tap}"
    );
    let asked = web1.sh("nc -w 2 192.168.101.2 23 </dev/null").out;
    assert_eq!(asked, "this is port 23\n", "{}", lab.dump());
    let peer = lab.peer();
    assert_eq!(peer.banner("192.168.101.2", 23), None, "{}", lab.dump());
    assert!(!peer.pings("192.168.101.2"), "{}", lab.dump());
    assert!(peer.pings(ADDRESS), "{}", lab.dump());

    database.destroy();
    assert_filter_tables_are_neutrons(&lab);
    assert!(peer.pings(ADDRESS), "the first lives on\n{}", lab.dump());
    web1.destroy();
    lab.assert_unchanged_since(&before);
}

/// Another network, whose owner uses the same addresses.
pub(super) const OTHER_NETWORK: &str = r#"
[network.other]
id = "0d3a7f52-3b1c-4f0e-9a55-2f4f0c6a7b11"
type = "vxlan"
vni = 268
mtu = 1450
flood = ["172.16.0.32"]

[port.web1-other]
mac = "fa:16:3e:00:02:68"
fixed_ips = ["192.168.101.88"]
security_groups = ["mysecurity"]
"#;
pub(super) const OTHER_BRIDGE: &str = "brq0d3a7f52-3b";
pub(super) const SECOND_MAC: &str = "fa:16:3e:00:02:68";
/// The name that libvirt gives the lab's first tap without one.
const SECOND_TAP: &str = "vnet0";

/// The other network's part on the other host, in a namespace of its own: the addresses are equal.
pub(super) const TENANT: &str = "set -e
    ip netns add tenant
    ip -n peer link add vxlan-268 address fa:16:3e:00:01:01 mtu 1450 type vxlan id 268 \
        local 172.16.0.32 dev eth0 dstport 8472
    bridge -n peer fdb append 00:00:00:00:00:00 dev vxlan-268 dst 172.16.0.31
    ip -n peer link set vxlan-268 netns tenant
    ip -n tenant address add 192.168.101.1/24 dev vxlan-268
    ip -n tenant link set vxlan-268 up";

#[test]
fn two_networks_with_equal_addresses_share_nothing_not_even_connections() {
    let lab = host(&format!("{CONFIG}{OTHER_NETWORK}"));
    lab.ok(TENANT);
    let before = lab.dump();
    let other_network = Nic::on_bridge(OTHER_BRIDGE, SECOND_MAC);
    let mut web1 = lab.define(&web1().nic(other_network.mtu(1450)));
    web1.boot();
    web1.sh(&part("eth1", ADDRESS)).ok();
    let (peer, tenant) = (lab.peer(), lab.other_host("tenant"));
    assert!(peer.pings(ADDRESS), "{}", lab.dump());
    assert!(tenant.pings(ADDRESS), "{}", lab.dump());

    // The guest asks 192.168.101.1 of the one network; 192.168.101.1 of the other answers.
    let question = {
        let there = peer.packets("vxlan-267");
        web1.sh(&format!("traceroute -n -q 1 -w 1 -m 1 {OTHER}"));
        let udp = |frame: &[u8]| frame[6..12] == frames::mac(MAC) && frame[23] == 17;
        there.receive(SOON, udp).expect("a datagram leaves")
    };
    let port = |at: usize| u16::from_be_bytes([question[at], question[at + 1]]);
    let answer = |mac| {
        let ends = (end(OTHER_MAC, OTHER), end(mac, ADDRESS));
        frames::udp(ends.0, ends.1, (port(36), port(34)), b"an answer")
    };
    let taps = (lab.packets(TAP), lab.packets(SECOND_TAP));
    let forged = answer(SECOND_MAC);
    tenant.packets("vxlan-268").send(&forged);
    assert!(tenant.pings(ADDRESS));
    let honest = is_echo_request([192, 168, 101, 1]);
    let arrived = taps
        .1
        .receive(SOON, |frame| frame == forged || honest(frame));
    assert_ne!(arrived, Some(forged), "{}", conntrack(&lab));
    peer.packets("vxlan-267").send(&answer(MAC));
    let arrived = taps.0.receive(SOON, |frame| frame == answer(MAC));
    assert!(arrived.is_some(), "the right answer\n{}", conntrack(&lab));

    web1.destroy();
    lab.assert_unchanged_since(&before);
}

fn conntrack(lab: &Lab) -> String {
    lab.run("conntrack -L; nft list ruleset").out
}
