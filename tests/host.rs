//! The boundary against a real kernel, each test in a network namespace of its own.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "these tests are about files, processes and the kernel"
)]

mod support;

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use support::netns::{attempt, in_a_new_namespace, run};
use vmhook::facts::{BridgeFact, LinkFact, LinkKind, VxlanFact};
use vmhook::host::{Host, HostError, IptablesBackend, Machine, Paths};
use vmhook::model::{FdbEntry, IfName, MacAddr, Mtu, NetworkId, Vni, Vtep, Vxlan, Zone};
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
        vxlan: Vxlan {
            vni: Vni::try_from(267).unwrap(),
            device: name(DEVICE),
            local: vtep("172.16.0.31"),
            underlay: name("eth0"),
            port: 8472,
            flood: Vec::new(),
        },
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

mod links {
    use super::*;

    /// The lines of the reference's `ip -d link`, with our listed difference: the bridge's own
    /// `nf_call_*` instead of the host's.
    #[test]
    fn bridge_and_vxlan_device_are_the_references() {
        in_a_new_namespace(|| {
            underlay();
            let host = machine();
            let vxlan = LinkChange::AddVxlan(device(1450));
            apply(&host, [bridge(1450), vxlan, enslave(DEVICE)]);

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
            apply(&host, [bridge(1450), vxlan, enslave(DEVICE)]);

            let facts = host.facts().unwrap();
            let made = facts.link(&name(BRIDGE)).unwrap();
            let expected = LinkFact {
                index: made.index,
                name: BRIDGE.to_owned(),
                kind: LinkKind::Bridge(BridgeFact {
                    forward_delay: 0,
                    stp: false,
                    mcast_snooping: false,
                    nf_call_iptables: true,
                    nf_call_ip6tables: true,
                }),
                mtu: 1450,
                mac: Some(mac()),
                alias: Some(format!("vmhook:network={NETWORK}")),
                master: None,
                up: true,
            };
            assert_eq!(*made, expected);

            let carrier = facts.carrier("172.16.0.31".parse().unwrap()).unwrap();
            assert_eq!(carrier.name, "eth0");
            assert_eq!(carrier.kind, LinkKind::Other("veth".to_owned()));
            let port = facts.ports_of(made.index).next().unwrap();
            assert_eq!(port.name, DEVICE);
            let expected = VxlanFact {
                vni: Vni::try_from(267).ok(),
                local: "172.16.0.31".parse().ok(),
                group: None,
                underlay: Some(carrier.index),
                port: 8472,
                learning: true,
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
            device.vxlan.local = vtep("fd00:16::31");
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
            run(&format!(
                "ip link add {DEVICE} type vxlan id 9 dstport 8472"
            ));
            let host = machine();
            let before = host.facts().unwrap();
            for change in [bridge(1450), LinkChange::AddVxlan(device(1450))] {
                let words = refusal(&host, &change);
                assert!(words.contains("somebody else's"), "{words}");
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
            other.vxlan.vni = Vni::try_from(268).unwrap();
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
            nowhere.vxlan.underlay = name("eth9");
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
}

mod forwarding {
    use super::*;

    fn flood(peer: u8) -> FdbEntry {
        FdbEntry {
            device: name(DEVICE),
            mac: None,
            vtep: vtep(&format!("172.16.1.{peer}")),
        }
    }

    fn sorted(mut entries: Vec<FdbEntry>) -> Vec<FdbEntry> {
        entries.sort();
        entries
    }

    #[test]
    fn a_hundred_peers_get_every_flooded_frame() {
        in_a_new_namespace(|| {
            underlay();
            let host = machine();
            apply(&host, [LinkChange::AddVxlan(device(1450))]);
            // Another device's entries are not this one's.
            run("ip link add other type vxlan id 9 dstport 8472 dev eth0");
            run("bridge fdb append 00:00:00:00:00:00 dev other dst 172.16.9.9");

            let wanted: Vec<_> = (1..=100).map(flood).collect();
            for _ in ["first", "again"] {
                apply(&host, wanted.iter().cloned().map(LinkChange::AddFdb));
                let found = sorted(host.fdb(&name(DEVICE)).unwrap());
                assert_eq!(found, sorted(wanted.clone()));
            }
            let shown = run(&format!("bridge fdb show dev {DEVICE}"));
            let line = "00:00:00:00:00:00 dst 172.16.1.7 self permanent";
            assert!(shown.lines().any(|one| one.trim() == line), "{shown}");

            for _ in ["first", "again"] {
                apply(&host, [LinkChange::RemoveFdb(flood(7))]);
                let found = host.fdb(&name(DEVICE)).unwrap();
                assert!(!found.contains(&flood(7)));
                assert_eq!(found.len(), 99);
            }
        });
    }

    #[test]
    fn an_address_has_one_remote_end_and_the_last_one_counts() {
        in_a_new_namespace(|| {
            underlay();
            let host = machine();
            apply(&host, [LinkChange::AddVxlan(device(1450))]);
            let to = |peer| FdbEntry {
                mac: "fa:16:3e:be:71:21".parse().ok(),
                ..flood(peer)
            };
            apply(&host, [to(1), to(2)].map(LinkChange::AddFdb));
            assert_eq!(host.fdb(&name(DEVICE)).unwrap(), [to(2)]);
        });
    }

    #[test]
    fn a_device_that_is_gone_has_no_entries() {
        in_a_new_namespace(|| {
            let host = machine();
            assert_eq!(host.fdb(&name(DEVICE)).unwrap(), []);
            apply(&host, [LinkChange::RemoveFdb(flood(1))]);
            let words = refusal(&host, &LinkChange::AddFdb(flood(1)));
            assert!(words.ends_with("there is no device vxlan-267"), "{words}");
        });
    }
}

mod rules {
    use super::*;

    fn restore(v4: &str, v6: &str, side_by_side: bool) -> RestoreInput {
        RestoreInput {
            v4: v4.to_owned(),
            v6: v6.to_owned(),
            side_by_side,
        }
    }

    #[test]
    fn the_generation_changes_with_every_commit_and_never_otherwise() {
        in_a_new_namespace(|| {
            let host = machine();
            let first = host.ruleset_generation().unwrap();
            run("nft list ruleset");
            apply(&host, [bridge(1450)]);
            assert_eq!(host.ruleset_generation().unwrap(), first);
            host.nft("add table inet vmhook").unwrap();
            let second = host.ruleset_generation().unwrap();
            assert_ne!(second, first);
            in_a_new_namespace(|| machine().nft("add table inet elsewhere").unwrap());
            assert_eq!(host.ruleset_generation().unwrap(), second);
            run("iptables-nft -N chain");
            assert_ne!(host.ruleset_generation().unwrap(), second);
        });
    }

    #[test]
    fn both_families_are_restored_side_by_side_or_one_after_the_other() {
        for side_by_side in [false, true] {
            in_a_new_namespace(|| {
                let host = machine();
                let four = "*filter\n:four - [0:0]\nCOMMIT\n";
                let six = "*filter\n:six - [0:0]\nCOMMIT\n";
                host.iptables_restore(&restore(four, six, side_by_side))
                    .unwrap();
                for (family, chain) in vmhook::model::Family::BOTH.into_iter().zip(["four", "six"])
                {
                    let saved = host.iptables_save(family).unwrap();
                    assert!(saved.contains(&format!(":{chain} - [0:0]")), "{saved}");
                }
            });
        }
    }

    #[test]
    fn a_failed_restore_shows_the_line_and_leaves_its_table_as_it_was() {
        in_a_new_namespace(|| {
            let host = machine();
            let text = "*filter\n:mine - [0:0]\n-A nowhere -j DROP\nCOMMIT\n";
            for input in [restore(text, "", false), restore("", text, false)] {
                let error = host.iptables_restore(&input).unwrap_err();
                let words = error.to_string();
                assert!(words.contains("tables-restore --noflush -w "), "{words}");
                assert!(words.ends_with("[-A nowhere -j DROP]"), "{words}");
                assert!(!words.contains('\n'), "{words}");
                assert!(matches!(error, HostError::Command { input, .. } if input == text));
            }
            assert!(
                !host
                    .iptables_save(vmhook::model::Family::Ipv4)
                    .unwrap()
                    .contains("mine")
            );
        });
    }

    #[test]
    fn nothing_to_restore_runs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let host = machine().with_programs_in(folder.path());
        host.iptables_restore(&RestoreInput::default()).unwrap();
    }

    #[test]
    fn our_table_is_listed_without_counters_and_its_absence_is_no_error() {
        in_a_new_namespace(|| {
            let host = machine();
            assert_eq!(host.nft_table(NftFamily::Bridge).unwrap(), None);
            host.nft("table bridge vmhook { chain c { counter drop; }\n}")
                .unwrap();
            let listed = host.nft_table(NftFamily::Bridge).unwrap().unwrap();
            assert!(listed.contains("counter drop"), "{listed}");
            assert!(!listed.contains("packets"), "{listed}");
            assert_eq!(host.nft_table(NftFamily::Inet).unwrap(), None);
        });
    }

    #[test]
    fn a_script_is_tried_without_being_applied() {
        in_a_new_namespace(|| {
            let host = machine();
            assert!(host.nft_accepts("add table bridge vmhook").unwrap());
            assert!(!host.nft_accepts("add chain bridge vmhook c").unwrap());
            assert_eq!(host.nft_table(NftFamily::Bridge).unwrap(), None);
            let words = host
                .nft("add chain bridge vmhook c")
                .unwrap_err()
                .to_string();
            assert!(words.starts_with("nft -f -: "), "{words}");
        });
    }

    #[test]
    fn the_backend_is_the_one_that_iptables_names() {
        let folder = tempfile::tempdir().unwrap();
        for (words, backend) in [
            ("iptables v1.8.9 (nf_tables)", IptablesBackend::Nft),
            ("iptables v1.8.9 (legacy)", IptablesBackend::Legacy),
            ("iptables v1.6.1", IptablesBackend::Legacy),
        ] {
            script(folder.path(), "iptables", &format!("echo '{words}'"));
            let host = machine().with_programs_in(folder.path());
            assert_eq!(host.iptables_backend().unwrap(), backend, "{words}");
        }
        assert!(machine().iptables_backend().is_ok());
    }
}

mod connections {
    use super::*;

    fn connect(zone: u16, from: &str, to: &str) {
        run(&format!(
            "conntrack -I -w {zone} -s {from} -d {to} -p udp --sport 1 --dport 2 -t 100"
        ));
    }

    fn left() -> Vec<String> {
        let all = run("conntrack -L") + &run("conntrack -L -f ipv6");
        let mut left: Vec<_> = all
            .lines()
            .filter_map(|line| {
                let field = |name: &str| {
                    line.split_whitespace()
                        .find_map(|word| word.strip_prefix(name))
                };
                Some(format!(
                    "{} {} {}",
                    field("zone=")?,
                    field("src=")?,
                    field("dst=")?
                ))
            })
            .collect();
        left.sort();
        left.dedup();
        left
    }

    fn some() {
        connect(4097, "10.0.0.1", "10.0.0.2");
        connect(4097, "10.0.0.3", "10.0.0.1");
        connect(4097, "10.0.0.3", "10.0.0.4");
        connect(4098, "10.0.0.1", "10.0.0.2");
        connect(4097, "fd00::1", "fd00::2");
        connect(4097, "fd00::3", "fd00::4");
    }

    #[test]
    fn an_address_is_forgotten_in_both_directions_and_in_its_zone_alone() {
        in_a_new_namespace(|| {
            some();
            let addresses = ["10.0.0.9", "10.0.0.1", "fd00::1"].map(|text| text.parse().unwrap());
            machine()
                .forget_connections(Zone::FIRST, &addresses)
                .unwrap();
            let expected = [
                "4097 10.0.0.3 10.0.0.4",
                "4097 fd00::3 fd00::4",
                "4098 10.0.0.1 10.0.0.2",
            ];
            assert_eq!(left(), expected);
        });
    }

    #[test]
    fn a_whole_zone_is_forgotten_and_an_empty_one_is_no_error() {
        in_a_new_namespace(|| {
            some();
            let host = machine();
            host.forget_connections(Zone::FIRST, &[]).unwrap();
            assert_eq!(left(), ["4098 10.0.0.1 10.0.0.2"]);
            host.forget_connections(Zone::FIRST, &[]).unwrap();
        });
    }
}

mod limits {
    use super::*;

    #[test]
    fn a_program_that_hangs_costs_the_works_time_and_not_the_undos() {
        let folder = tempfile::tempdir().unwrap();
        script(folder.path(), "nft", "read nothing < /dev/zero");
        script(folder.path(), "iptables-save", "echo saved");
        let host =
            machine_in(folder.path(), Duration::from_secs(6)).with_programs_in(folder.path());
        let words = host.nft("add table inet x").unwrap_err().to_string();
        assert!(words.contains("killed after "), "{words}");
        let error = host.write_and_save().unwrap_err();
        assert!(matches!(error, HostError::Busy { .. }), "{error}");
        host.begin_undo();
        assert_eq!(host.write_and_save().unwrap(), "saved\n");
    }

    trait WriteAndSave {
        fn write_and_save(&self) -> Result<String, HostError>;
    }

    impl WriteAndSave for Machine {
        /// A file is written whatever the time; a program is not started.
        fn write_and_save(&self) -> Result<String, HostError> {
            self.write_state("a", b"1").unwrap();
            self.iptables_save(vmhook::model::Family::Ipv4)
        }
    }

    #[test]
    fn one_machine_at_a_time_has_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("not/yet/there");
        let held = machine_in(&state, Duration::from_secs(90)).lock().unwrap();
        let late = machine_in(&state, Duration::from_millis(300));
        let words = late.lock().unwrap_err().to_string();
        assert!(words.contains("waiting for the lock"), "{words}");
        drop(held);
        machine_in(&state, Duration::from_secs(90)).lock().unwrap();
    }

    #[test]
    fn a_program_of_a_killed_hook_keeps_the_lock_until_it_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        // It leaves a child behind, as a hook does that is killed while iptables runs.
        let line = format!("(read end < {}) >/dev/null 2>&1 &", pipe.display());
        script(folder.path(), "nft", &line);

        let host = machine_in(folder.path(), Duration::from_secs(90));
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let host = host.with_programs_in(path);
        let guard = host.lock().unwrap();
        host.nft("").unwrap();
        drop(guard);
        let late = machine_in(folder.path(), Duration::from_millis(300));
        assert!(late.lock().is_err(), "the child runs still");
        fs::write(&pipe, "end\n").unwrap();
        machine_in(folder.path(), Duration::from_secs(90))
            .lock()
            .unwrap();
    }
}

mod place {
    use super::*;

    #[test]
    fn each_network_namespace_is_an_epoch_of_its_own() {
        let here = machine().epoch().unwrap();
        in_a_new_namespace(|| {
            let there = machine().epoch().unwrap();
            assert_eq!(there.boot, here.boot);
            assert_ne!(there.netns, here.netns);
        });
    }

    #[test]
    fn an_agent_in_another_namespace_is_no_matter() {
        let folder = tempfile::tempdir().unwrap();
        let agent = folder.path().join("neutron-linuxbridge-agent");
        fs::copy(run("which cat").trim(), &agent).unwrap();
        in_a_new_namespace(|| {
            let mut running = std::process::Command::new(&agent)
                .stdin(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            assert_eq!(machine().neutron_agent().unwrap(), Some(running.id()));
            in_a_new_namespace(|| assert_eq!(machine().neutron_agent().unwrap(), None));
            drop(running.stdin.take());
            running.wait().unwrap();
            assert_eq!(machine().neutron_agent().unwrap(), None);
        });
    }

    #[test]
    fn a_module_that_is_there_keeps_the_operators_switches() {
        in_a_new_namespace(|| {
            let switch = "bridge/bridge-nf-call-iptables";
            let (there, words) = attempt(&format!("test -e /proc/sys/net/{switch}"));
            assert!(
                there,
                "this kernel has br_netfilter built in or loaded: {words}"
            );
            for value in ["1", "0"] {
                fs::write(format!("/proc/sys/net/{switch}"), value).unwrap();
                machine().ensure_br_netfilter().unwrap();
                assert_eq!(setting(switch), value);
            }
        });
    }
}

fn script(folder: &Path, name: &str, line: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{line}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}
