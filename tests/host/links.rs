//! Bridges and VXLAN devices: made whole, compared with the reference, never somebody else's.

use super::*;

/// The lines of the reference's `ip -d link`, with our listed difference: the bridge's own
/// `nf_call_*` instead of the host's.
#[test]
fn bridge_and_vxlan_device_are_the_references() {
    in_a_new_namespace(|| {
        underlay();
        let host = machine();
        let vxlan = LinkChange::AddVxlan(device(1450));
        apply(&host, [bridge(1450), vxlan, enslave(DEVICE), raise(DEVICE)]);

        let shown = run(&format!("ip -d link show {BRIDGE}"));
        for part in [
            "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue",
            "link/ether 1e:c5:d4:be:d4:71 brd ff:ff:ff:ff:ff:ff",
            "bridge forward_delay 0 hello_time 200 max_age 2000 ageing_time 30000 \
             stp_state 0 priority 32768 vlan_filtering 0",
            "mcast_snooping 0",
            "nf_call_iptables 1 nf_call_ip6tables 1 nf_call_arptables 0 addrgenmode eui64",
            "alias vmhook:network=c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee",
        ] {
            assert!(shown.contains(part), "no \"{part}\" in {shown}");
        }
        let shown = run(&format!("ip -d link show {DEVICE}"));
        for part in [
            "mtu 1450 qdisc noqueue master brqc08e7dcd-4a state UNKNOWN",
            "vxlan id 267 local 172.16.0.31 dev eth0 srcport 0 0 dstport 8472 ttl auto \
             ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx",
            "learning on flood on",
            "addrgenmode eui64",
        ] {
            assert!(shown.contains(part), "no \"{part}\" in {shown}");
        }
    });
}

#[test]
fn what_was_made_is_read_back() {
    in_a_new_namespace(|| {
        underlay();
        let host = machine();
        let vxlan = LinkChange::AddVxlan(device(1450));
        apply(&host, [bridge(1450), vxlan, enslave(DEVICE), raise(DEVICE)]);

        let facts = host.facts().unwrap();
        let made = facts.link(&name(BRIDGE)).unwrap();
        let expected = LinkFact {
            index: made.index,
            name: BRIDGE.to_owned(),
            kind: LinkKind::Bridge(BridgeFact {
                forward_delay: 0,
                stp: false,
                group_fwd_mask: 0x4000,
                mcast_snooping: false,
                vlan_filtering: false,
                nf_call_iptables: true,
                nf_call_ip6tables: true,
            }),
            mtu: 1450,
            mac: Some(mac()),
            alias: Some(format!("vmhook:network={NETWORK}")),
            master: None,
            up: true,
            suppresses: false,
        };
        assert_eq!(*made, expected);

        let carrier = facts.carrier("172.16.0.31".parse().unwrap()).unwrap();
        assert_eq!(carrier.name, "eth0");
        assert!(matches!(carrier.kind, LinkKind::Veth(Some(_))));
        let port = facts.ports_of(made.index).next().unwrap();
        assert_eq!(port.name, DEVICE);
        let expected = VxlanFact {
            vni: Vni::try_from(267).ok(),
            local: "172.16.0.31".parse().ok(),
            group: None,
            underlay: Some(carrier.index),
            port: 8472,
            source_ports: (0, 0),
            udp_checksum: true,
            takes_no_checksum6: false,
            ttl: 0,
            tos: 0,
            learning: true,
            proxy: false,
        };
        assert_eq!(port.kind, LinkKind::Vxlan(expected));
    });
}

#[test]
fn an_ipv6_underlay_carries_as_well() {
    in_a_new_namespace(|| {
        underlay();
        let host = machine();
        let mut device = device(1430);
        device.tunnel.local = vtep("fd00:16::31");
        apply(&host, [LinkChange::AddVxlan(device)]);
        let shown = run(&format!("ip -d link show {DEVICE}"));
        assert!(
            shown.contains("id 267 local fd00:16::31 dev eth0"),
            "{shown}"
        );
        let entry = FdbEntry {
            device: name(DEVICE),
            mac: None,
            vtep: vtep("fd00:16::32"),
        };
        apply(&host, [LinkChange::AddFdb(entry.clone())]);
        assert_eq!(host.fdb(&name(DEVICE)).unwrap(), [entry]);
    });
}

#[test]
fn a_second_time_changes_nothing() {
    in_a_new_namespace(|| {
        underlay();
        let host = machine();
        let changes = [
            bridge(1450),
            LinkChange::AddVxlan(device(1450)),
            enslave(DEVICE),
            raise(DEVICE),
        ];
        apply(&host, changes.clone());
        let once = host.facts().unwrap();
        apply(&host, changes);
        assert_eq!(host.facts().unwrap(), once);
    });
}

#[test]
fn the_hosts_own_stack_says_nothing_on_a_bridge() {
    in_a_new_namespace(|| {
        underlay();
        let host = machine();
        apply(&host, [bridge(1450), LinkChange::AddVxlan(device(1450))]);
        apply(&host, [enslave(DEVICE)]);
        let ipv4 = format!("ipv4/conf/{BRIDGE}");
        assert_eq!(setting(&format!("{ipv4}/arp_ignore")), "1");
        assert_eq!(setting(&format!("{ipv4}/arp_announce")), "2");
        assert_eq!(setting(&format!("ipv4/conf/{DEVICE}/arp_ignore")), "8");
        for device in [BRIDGE, DEVICE] {
            assert_eq!(setting(&format!("ipv6/conf/{device}/disable_ipv6")), "1");
            assert_eq!(run(&format!("ip -6 address show dev {device}")), "");
        }
    });
}

#[test]
fn a_tap_is_made_quiet() {
    in_a_new_namespace(|| {
        run("ip tuntap add tap7a8c0a54-75 mode tap");
        let host = machine();
        let quiet = LinkChange::QuietTap(name("tap7a8c0a54-75"));
        apply(&host, [quiet.clone(), quiet]);
        assert_eq!(setting("ipv6/conf/tap7a8c0a54-75/disable_ipv6"), "1");
        assert_eq!(link(&host, "tap7a8c0a54-75").kind, LinkKind::Tun);
    });
}

#[test]
fn a_tap_without_ipv6_is_quiet_already() {
    in_a_new_namespace(|| {
        run("ip tuntap add tap0 mode tap");
        run("ip link set tap0 mtu 1200");
        apply(&machine(), [LinkChange::QuietTap(name("tap0"))]);
    });
}

#[test]
fn the_bridge_keeps_its_mtu_whatever_its_ports_have() {
    for wanted in [1450, 1500, 9000] {
        in_a_new_namespace(|| {
            let host = machine();
            apply(&host, [bridge(wanted)]);
            for (port, bytes) in [("tap0", 1400), ("tap1", 1280), ("tap2", 9100)] {
                run(&format!("ip tuntap add {port} mode tap"));
                run(&format!(
                    "ip link set {port} mtu {bytes} master {BRIDGE} up"
                ));
                assert_eq!(link(&host, BRIDGE).mtu, wanted, "after {port}");
            }
            run("ip link set tap1 mtu 1300");
            run("ip link delete tap0");
            assert_eq!(link(&host, BRIDGE).mtu, wanted);
        });
    }
}

#[test]
fn the_bridge_keeps_its_address_when_its_last_port_leaves() {
    in_a_new_namespace(|| {
        let host = machine();
        apply(&host, [bridge(1450)]);
        run("ip tuntap add tap0 mode tap");
        run("ip link set tap0 address 02:00:00:00:00:01");
        apply(&host, [enslave("tap0")]);
        assert_eq!(link(&host, BRIDGE).mac, Some(mac()));
        run("ip link delete tap0");
        assert_eq!(link(&host, BRIDGE).mac, Some(mac()));
    });
}

#[test]
fn a_bridge_of_ours_is_brought_back_to_its_form() {
    in_a_new_namespace(|| {
        let host = machine();
        apply(&host, [bridge(1450)]);
        let made = link(&host, BRIDGE);
        run(&format!(
            "ip link set {BRIDGE} mtu 1400 down address 02:00:00:00:00:01"
        ));
        run(&format!(
            "ip link set {BRIDGE} type bridge forward_delay 1500 mcast_snooping 1 \
             nf_call_iptables 0"
        ));
        assert_ne!(link(&host, BRIDGE), made);
        apply(&host, [bridge(1450)]);
        assert_eq!(link(&host, BRIDGE), made);
        run(&format!(
            "ip link set {BRIDGE} type bridge group_fwd_mask 0"
        ));
        assert_ne!(link(&host, BRIDGE), made);
        apply(&host, [bridge(1450)]);
        assert_eq!(link(&host, BRIDGE), made);
    });
}

#[test]
fn a_device_is_down_until_it_is_a_port_of_its_bridge() {
    in_a_new_namespace(|| {
        underlay();
        let host = machine();
        apply(&host, [bridge(1450), LinkChange::AddVxlan(device(1450))]);
        assert!(!link(&host, DEVICE).up);
        assert_eq!(
            refusal(&host, &raise(DEVICE)),
            "cannot bring vxlan-267 up: it is a port of no bridge"
        );
        apply(&host, [enslave(DEVICE)]);
        assert!(!link(&host, DEVICE).up);
        apply(&host, [raise(DEVICE)]);
        assert!(link(&host, DEVICE).up);
    });
}

#[test]
fn an_mtu_is_brought_back() {
    in_a_new_namespace(|| {
        let host = machine();
        apply(&host, [bridge(1450)]);
        let device = name(BRIDGE);
        let mtu = mtu(1400);
        apply(&host, [LinkChange::SetMtu { device, mtu }]);
        assert_eq!(link(&host, BRIDGE).mtu, 1400);
    });
}

#[test]
fn somebody_elses_link_of_that_name_is_left_alone() {
    in_a_new_namespace(|| {
        underlay();
        run(&format!("ip link add {BRIDGE} type bridge"));
        run(&format!("ip link set {BRIDGE} alias office"));
        run(&format!(
            "ip link add {DEVICE} type vxlan id 267 local 172.16.0.31 dev eth0 dstport 8472"
        ));
        run(&format!("ip address add 192.0.2.1/24 dev {DEVICE}"));
        let host = machine();
        let before = host.facts().unwrap();
        for (change, words) in [
            (bridge(1450), "alias office"),
            (LinkChange::AddVxlan(device(1450)), "with address 192.0.2.1"),
        ] {
            let refusal = refusal(&host, &change);
            assert!(refusal.contains(words), "{refusal}");
        }
        assert_eq!(host.facts().unwrap(), before);
    });
}

#[test]
fn a_device_of_ours_with_another_vni_is_not_taken_for_the_wanted_one() {
    in_a_new_namespace(|| {
        underlay();
        let host = machine();
        let mut other = device(1450);
        other.tunnel.vni = Vni::try_from(268).unwrap();
        apply(&host, [LinkChange::AddVxlan(other)]);
        let words = refusal(&host, &LinkChange::AddVxlan(device(1450)));
        assert!(
            words.ends_with("it is there with other settings"),
            "{words}"
        );
    });
}

#[test]
fn what_the_kernel_refuses_leaves_nothing_and_is_told_in_its_words() {
    in_a_new_namespace(|| {
        underlay();
        let host = machine();
        let before = names(&host);
        let words = refusal(&host, &LinkChange::AddVxlan(device(1500)));
        assert_eq!(
            words,
            "cannot make VXLAN device vxlan-267 with MTU 1500 over eth0: \
             Invalid argument"
        );
        assert_eq!(names(&host), before);

        run("ip link add other type vxlan id 267 dstport 8472 dev eth0");
        let words = refusal(&host, &LinkChange::AddVxlan(device(1450)));
        assert!(words.contains("VNI already exists"), "{words}");

        let mut nowhere = device(1450);
        nowhere.tunnel.underlay = name("eth9");
        let words = refusal(&host, &LinkChange::AddVxlan(nowhere));
        assert!(words.ends_with("there is no device eth9"), "{words}");
    });
}

#[test]
fn what_a_crash_left_half_made_is_cleared_away() {
    in_a_new_namespace(|| {
        run("ip link add vmhook-new type bridge");
        let host = machine();
        apply(&host, [bridge(1450)]);
        assert_eq!(names(&host), ["lo", BRIDGE]);
    });
}

#[test]
fn only_links_with_our_alias_are_deleted() {
    in_a_new_namespace(|| {
        run("ip link add brqother type bridge");
        let host = machine();
        apply(&host, [bridge(1450)]);
        let delete = |device| LinkChange::Delete(name(device));
        apply(&host, [delete(BRIDGE), delete(BRIDGE), delete("gone")]);
        let words = refusal(&host, &delete("brqother"));
        assert!(words.contains("somebody else's"), "{words}");
        run("ip link set brqother alias not-vmhook:network=x");
        host.change_link(&delete("brqother")).unwrap_err();
        assert_eq!(names(&host), ["lo", "brqother"]);
    });
}

#[test]
fn a_port_cannot_join_a_bridge_that_is_not_there() {
    in_a_new_namespace(|| {
        run("ip tuntap add tap0 mode tap");
        let words = refusal(&machine(), &enslave("tap0"));
        assert_eq!(
            words,
            "cannot make tap0 a port of brqc08e7dcd-4a: there is no device brqc08e7dcd-4a"
        );
    });
}

#[test]
fn five_hundred_links_are_read_at_one_moment() {
    in_a_new_namespace(|| {
        for number in 0..250 {
            run(&format!(
                "ip link add v{number} type veth peer name w{number}"
            ));
        }
        let mut found = names(&machine());
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 501);
    });
}

#[test]
fn a_text_that_no_link_can_have_for_a_name_is_the_name_of_none() {
    in_a_new_namespace(|| {
        for text in ["", "sixteen-letters-", "tap+", "..", &"x".repeat(4000)] {
            assert_eq!(machine().link(text).unwrap(), None, "{text}");
        }
    });
}
