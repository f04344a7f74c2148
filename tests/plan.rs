//! A plan prints as the commands that it amounts to, in their order.
#![expect(clippy::unwrap_used, reason = "the values are written here")]

use std::net::IpAddr;

use vmhook::model::{FdbEntry, IfName, OuterHeader, Tunnel, TunnelOptions, Vni, Vtep, Zone};
use vmhook::plan::link::{Bridge, LinkChange, VxlanDevice};
use vmhook::plan::{Directions, Forget, Plan, RestoreInput, Step};

fn name(text: &str) -> IfName {
    text.parse().unwrap()
}

fn vtep(text: &str) -> Vtep {
    let address: IpAddr = text.parse().unwrap();
    address.try_into().unwrap()
}

fn bridge() -> LinkChange {
    LinkChange::AddBridge(Bridge {
        name: name("brqlab"),
        mac: "1e:c5:d4:be:d4:71".parse().unwrap(),
        mtu: 1450.try_into().unwrap(),
        network: "lab".parse().unwrap(),
    })
}

fn device() -> LinkChange {
    LinkChange::AddVxlan(VxlanDevice {
        tunnel: Tunnel {
            vni: Vni::try_from(267).unwrap(),
            device: name("vxlan-267"),
            local: vtep("172.16.0.31"),
            underlay: name("eth0"),
            port: 8472,
            options: TunnelOptions::default(),
        },
        outer: OuterHeader::default(),
        mtu: 1450.try_into().unwrap(),
        network: "lab".parse().unwrap(),
    })
}

fn entry() -> FdbEntry {
    FdbEntry {
        device: name("vxlan-267"),
        mac: None,
        vtep: vtep("172.16.0.32"),
    }
}

#[test]
fn links_print_as_ip_and_bridge_take_them() {
    let enslave = LinkChange::Enslave {
        device: name("vxlan-267"),
        bridge: name("brqlab"),
    };
    let changes = vec![
        bridge(),
        device(),
        LinkChange::AddFdb(entry()),
        enslave,
        LinkChange::Raise(name("vxlan-267")),
        LinkChange::SetMtu {
            device: name("brqlab"),
            mtu: 1450.try_into().unwrap(),
        },
        LinkChange::QuietTap(name("vnet0")),
        LinkChange::RemoveFdb(entry()),
        LinkChange::Delete(name("vxlan-267")),
    ];
    let expected = "\
ip link add brqlab address 1e:c5:d4:be:d4:71 mtu 1450 type bridge forward_delay 0 stp_state 0 mcast_snooping 0 group_fwd_mask 0x4000 nf_call_iptables 1 nf_call_ip6tables 1
ip link set brqlab alias vmhook:network=lab
sysctl -qw net/ipv6/conf/brqlab/disable_ipv6=1
sysctl -qw net/ipv4/conf/brqlab/arp_ignore=1
sysctl -qw net/ipv4/conf/brqlab/arp_announce=2
ip link set brqlab up
ip link add vxlan-267 mtu 1450 type vxlan id 267 local 172.16.0.31 dev eth0 srcport 0 0 dstport 8472
ip link set vxlan-267 alias vmhook:network=lab
sysctl -qw net/ipv4/conf/vxlan-267/arp_ignore=8
sysctl -qw net/ipv6/conf/vxlan-267/disable_ipv6=1
bridge fdb append 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.32
ip link set vxlan-267 master brqlab
ip link set vxlan-267 up
ip link set brqlab mtu 1450
sysctl -qw net/ipv6/conf/vnet0/disable_ipv6=1
bridge fdb del 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.32
ip link del vxlan-267
";
    let steps = vec![Step::Links(changes)];
    assert_eq!(Plan { steps }.to_string(), expected);
}

#[test]
fn scripts_print_as_here_documents_and_empty_ones_not_at_all() {
    let rules = |v4: &str, v6: &str| {
        Step::Rules(RestoreInput {
            v4: v4.to_owned(),
            v6: v6.to_owned(),
            side_by_side: true,
        })
    };
    let steps = vec![
        Step::Nft("add table inet vmhook\n".to_owned()),
        rules("*filter\nCOMMIT\n", "*raw\nCOMMIT\n"),
        rules("", "*nat\nCOMMIT\n"),
    ];
    let expected = "\
nft -f - <<'END'
add table inet vmhook
END
iptables-restore --noflush <<'END'
*filter
COMMIT
END
ip6tables-restore --noflush <<'END'
*raw
COMMIT
END
ip6tables-restore --noflush <<'END'
*nat
COMMIT
END
";
    assert_eq!(Plan { steps }.to_string(), expected);
}

#[test]
fn connections_are_forgotten_by_zone_or_by_either_end() {
    let forget = |addresses: &[&str]| {
        Step::Connections(Forget {
            of: Directions::Both,
            zone: Zone::FIRST,
            addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
        })
    };
    let steps = vec![forget(&[]), forget(&["192.0.2.1", "2001:db8::1"])];
    let expected = "\
conntrack -D -f ipv4 -w 4097
conntrack -D -f ipv6 -w 4097
conntrack -D -f ipv4 -w 4097 -s 192.0.2.1
conntrack -D -f ipv4 -w 4097 -d 192.0.2.1
conntrack -D -f ipv6 -w 4097 -s 2001:db8::1
conntrack -D -f ipv6 -w 4097 -d 2001:db8::1
";
    assert_eq!(Plan { steps }.to_string(), expected);
}

#[test]
fn an_empty_plan_prints_nothing() {
    assert!(Plan::default().is_empty());
    assert_eq!(Plan::default().to_string(), "");
}
