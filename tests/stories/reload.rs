//! A rule is taken away while guests use it: who may go on notices nothing, who may not is cut.

use super::endpoints::is_echo_request;
use super::{ADDRESS, BRIDGE, CONFIG, OTHER, SOON, host, web1};
use crate::support::{DomainSpec, Guest, Nic};

const WEB2: &str = "192.168.101.89";
const WEB2_TAP: &str = "tap7a8c0a55-75";

/// Both guests may be pinged, the second by a group of its own.
const GROUPS: &str = "
[security_group.second]
ingress = [
  { protocol = \"icmp\" },
  { ethertype = \"ipv4\", protocol = \"tcp\", port = 22 },
]
egress = [{ any = true }]

[port.web2]
mac = \"fa:16:3e:be:71:22\"
fixed_ips = [\"192.168.101.89\"]
security_groups = [\"second\"]
";

fn web2() -> DomainSpec {
    let nic = Nic::on_bridge(BRIDGE, "fa:16:3e:be:71:22");
    let nic = nic.target(WEB2_TAP).mtu(1450);
    DomainSpec::new("web2").nic(nic.address("192.168.101.89/24"))
}

fn number(guest: &Guest<'_>) -> String {
    guest.virsh("domid").ok()
}

#[test]
fn who_may_go_on_loses_nothing_and_who_may_not_gets_nothing_more() {
    let with_both = format!("{CONFIG}{GROUPS}");
    let lab = host(&with_both);
    let peer = lab.peer();
    let (mut web1, mut web2) = (lab.define(&web1()), lab.define(&web2()));
    web1.start().ok();
    web2.start().ok();
    web1.wait();
    web2.wait();
    let numbers = [number(&web1), number(&web2)];
    let [stays, goes] = [ADDRESS, WEB2].map(|address| peer.keep_pinging(address));

    let (head, second) = with_both.split_at(with_both.find(GROUPS).expect("it is there"));
    let less = second.replacen("  { protocol = \"icmp\" },\n", "", 1);
    lab.configure(&format!("{head}{less}"));
    let said = "domain web2, interface fa:16:3e:be:71:22: rules of second\n";
    let printed = lab.ok("/usr/bin/vmhook reload --dry-run");
    assert!(printed.starts_with(&format!("# {said}")), "{printed}");
    assert!(
        printed.contains("neutron-linuxbri-i7a8c0a55-7"),
        "{printed}"
    );
    assert!(
        !printed.contains("7a8c0a54"),
        "web1 has nothing of it: {printed}"
    );
    assert_eq!(lab.ok("/usr/bin/vmhook reload"), said);

    // What comes to the guest from here on: pings go on at the other end, and none arrives before an
    // honest word that is sent behind fifty of them.
    let (plug, tunnel) = (lab.packets(WEB2_TAP), peer.packets("vxlan-267"));
    let ping = is_echo_request([192, 168, 101, 1]);
    let to_web2 = |frame: &[u8]| ping(frame) && frame[30..34] == [192, 168, 101, 89];
    for _ in 0..50 {
        assert!(tunnel.receive(SOON, to_web2).is_some(), "{OTHER} goes on");
    }
    let ssh = peer.banner(WEB2, 22);
    assert_eq!(ssh.as_deref(), Some("this is port 22\n"));
    let is_tcp = |frame: &[u8]| frame[12..14] == [8, 0] && frame[23] == 6;
    let first = plug.receive(SOON, |frame| to_web2(frame) || is_tcp(frame));
    let first = first.expect("the honest word arrives");
    assert!(is_tcp(&first), "a ping came through: {first:02x?}");

    let (stays, goes) = (stays.end(), goes.end());
    assert_eq!(stays.lost, 0, "{stays:?}");
    assert!(goes.lost >= 50, "{goes:?}");
    assert_eq!(
        [number(&web1), number(&web2)],
        numbers,
        "nobody was restarted"
    );
    web2.sh(&format!("ping -c 1 -W 2 {OTHER}")).ok();

    lab.configure(&with_both);
    lab.ok("/usr/bin/vmhook reload");
    assert!(peer.pings(WEB2), "and back");
}
