//! What differs from what was applied: each kind is found, named, and repaired by `sync`.

use super::*;

#[test]
fn what_somebody_took_away_is_named_and_sync_brings_it_back() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        run("iptables -D neutron-linuxbri-i7a8c0a54-7 -p icmp -j RETURN");
        host.differs("lacks -A neutron-linuxbri-i7a8c0a54-7 -p icmp -j RETURN");

        run("iptables -D INPUT -j neutron-linuxbri-INPUT");
        host.differs("missing: jump iptables -t filter -A INPUT -j neutron-linuxbri-INPUT, host");

        let element = format!("{{ \"{TAP}\" . {MAC} . 192.168.101.88 }}");
        let words = ["delete", "element", "bridge", "vmhook", "v4", &element];
        assert!(Command::new("nft").args(words).status().unwrap().success());
        host.differs(&format!(
            "missing: set element bridge vmhook v4 {element}, interface {MAC}"
        ));

        run("bridge fdb del 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.32");
        host.differs(
            "missing: FDB entry 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.32, \
             network selfservice",
        );

        run("ip link set vxlan-267 down");
        host.differs("different: link vxlan-267, network selfservice");
        host.differs("is down");

        let said = host.sync().ok();
        assert!(
            said.starts_with("repaired: device ~vxlan-267, fdb +1, rules v4 +"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
        host.is_well();
        run("nft flush ruleset");
        let script = host.run(VMHOOK, &["sync", "--script"], "INPUT").ok();
        assert!(script.starts_with("# repaired:\nnft -f - <<"), "{script}");
        assert!(script.contains("\niptables-restore --noflush"), "{script}");
        host.is_well();
        assert_eq!(
            host.sync().ok(),
            "the kernel had everything as it was applied\n"
        );
    });
}

/// What somebody does, how they undo it (or else `sync` does), and what is found meanwhile.
const CHANGES: [[&str; 3]; 8] = [
    [
        "iptables -I neutron-linuxbri-sg-chain 1 -j ACCEPT",
        "iptables -D neutron-linuxbri-sg-chain 1",
        "different chain iptables -t filter neutron-linuxbri-sg-chain",
    ],
    [
        "iptables -I FORWARD 1 -s 192.0.2.1 -j neutron-linuxbri-sg-chain",
        "iptables -D FORWARD 1",
        "different jump iptables -t filter -A FORWARD -j neutron-filter-top",
    ],
    [
        "bridge fdb append 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.66",
        "bridge fdb del 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.66",
        "extra fdb_entry 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.66",
    ],
    [
        "ip link set brqc08e7dcd-4a type bridge nf_call_iptables 0",
        "ip link set brqc08e7dcd-4a type bridge nf_call_iptables 1",
        "different link brqc08e7dcd-4a",
    ],
    [
        "ip link set tap7a8c0a54-75 nomaster",
        "ip link set tap7a8c0a54-75 master brqc08e7dcd-4a",
        "different tap tap7a8c0a54-75",
    ],
    [
        "ip link set tap7a8c0a54-75 down",
        "ip link set tap7a8c0a54-75 up",
        "different tap tap7a8c0a54-75",
    ],
    [
        "nft add element bridge vmhook has6 {tap7a8c0a54-75}",
        "nft delete element bridge vmhook has6 {tap7a8c0a54-75}",
        "extra set_element bridge vmhook has6 { \"tap7a8c0a54-75\" }",
    ],
    [
        "nft insert rule bridge vmhook from_vm accept",
        "",
        "different tables bridge vmhook, inet vmhook",
    ],
];

#[test]
fn a_change_of_each_kind_is_found_and_named() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        for [change, back, found] in CHANGES {
            run(change);
            let report = host.report("LIVE");
            assert_eq!(report["verdict"], "differs", "{change}");
            let wrong = wrong(&report);
            assert!(wrong.iter().any(|it| it == found), "{change}: {wrong:?}");
            if back.is_empty() {
                host.sync().ok();
            } else {
                run(back);
            }
            host.is_well();
        }
    });
}

#[test]
fn a_flush_of_all_nftables_is_told_whole() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        run("nft flush ruleset");
        let wrong = wrong(&host.report("LIVE"));
        let kinds: Vec<&str> = wrong.iter().filter_map(|it| it.split(' ').nth(1)).collect();
        for kind in ["chain", "rule", "jump", "tables", "set_element"] {
            assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
        }
        assert!(!kinds.contains(&"link"), "{kinds:?}");
        host.sync().ok();
        host.is_well();
    });
}
