//! What all machines share: how rules are written, and networks.

use super::*;

/// The configuration with this `[firewall]`.
fn written(firewall: &str) -> String {
    format!("{}\n[firewall]\n{firewall}\n", configuration())
}

/// How the records say that rules are written, each way once.
fn recorded(world: &World) -> BTreeSet<String> {
    let read = |file: &str, pointer: &str| {
        let text = fs::read_to_string(world.state_dir().join(file)).expect("a record");
        let record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let options = record.pointer(pointer).expect("it says how");
        options.to_string()
    };
    let files = world.state_files();
    let domains = files.iter().filter(|file| file.starts_with("domains/"));
    let domains = domains.map(|file| read(file, "/record/want/options"));
    domains.chain([read("host", "/record/options")]).collect()
}

#[test]
fn how_rules_are_written_changes_while_machines_run() {
    World::run(|world| {
        let vms = bring_up(world);
        let reference = world.kernel();
        for (firewall, said) in [
            ("comments = false", "comments true -> false"),
            ("ipset = false", "ipset true -> false"),
            (
                "chain_prefix = \"mine\"",
                "chain_prefix neutron-linuxbri -> mine",
            ),
            (
                "comments = false\nipset = false\nchain_prefix = \"mine\"",
                "chain_prefix neutron-linuxbri -> mine; comments true -> false; ipset true -> false",
            ),
        ] {
            world.configure(&written(firewall));
            assert!(dry_run(world).contains(&format!("# [firewall]: {said}\n")));
            assert_eq!(reload(world).ok(), format!("[firewall]: {said}\n"));
            assert_eq!(recorded(world).len(), 1, "{firewall}");
            let reloaded = world.dump();
            world.vmhook(&["sync"]).ok();
            assert_same(&world.dump(), &reloaded, firewall);
            assert!(dry_run(world).ends_with("# nothing is to be done\n"));

            world.take_down(&[&vms[0], &vms[1], &vms[2]]);
            world.bring_up(&[&vms[0], &vms[1], &vms[2]]);
            let kernel = &reloaded[..reloaded.find("== state").expect("a dump")];
            assert_same(&world.kernel(), kernel, "started so");

            world.configure(&configuration());
            reload(world).ok();
            assert_same(&world.kernel(), &reference, "and back");
        }
    });
}

#[test]
fn a_machine_that_starts_later_is_written_like_the_others() {
    World::run(|world| {
        let vms = three();
        world.configure(&configuration());
        world.bring_up(&[&vms[0]]);
        // Read by its hook, and not brought to the first machine yet.
        world.configure(&written("comments = false"));
        world.bring_up(&[&vms[1]]);
        assert!(world.rules().contains("--comment"));
        assert_eq!(recorded(world).len(), 1);
        reload(world).ok();
        world.bring_up(&[&vms[2]]);
        let rules = world.rules();
        let mut filter = rules.lines().filter(|line| !line.contains("Set zone"));
        assert!(filter.all(|line| !line.contains("--comment")), "{rules}");
    });
}

#[test]
fn peers_come_and_go_while_machines_run() {
    World::run(|world| {
        let vms = bring_up(world);
        let kernel = world.kernel();
        let index = || {
            let link = run("ip -o link show vxlan-267");
            link.split(':').next().map(str::to_owned)
        };
        let device = index();
        world.configure(&edited(
            "[\"172.16.0.32\"]",
            "[\"172.16.0.33\", \"172.16.0.34\"]",
        ));
        let said = "network selfservice: peers (flood) 172.16.0.32 -> 172.16.0.33, 172.16.0.34\n";
        let printed = dry_run(world);
        assert!(printed.starts_with(&format!("# {said}")), "{printed}");
        for other in ["ip link", "iptables", "nft", "ipset", "conntrack"] {
            assert!(!printed.contains(other), "{other}: {printed}");
        }
        assert_eq!(reload(world).ok(), said);
        let peers = || {
            let entries = run("bridge fdb show dev vxlan-267");
            let words: Vec<String> = entries.split_whitespace().map(str::to_owned).collect();
            let peers = words.windows(2).filter(|pair| pair[0] == "dst");
            peers.map(|pair| pair[1].clone()).collect::<BTreeSet<_>>()
        };
        let new = ["172.16.0.33", "172.16.0.34"].map(str::to_owned);
        assert_eq!(peers(), new.clone().into());
        assert_eq!(index(), device, "it is the same device");
        world.vmhook(&["sync"]).ok();
        assert_eq!(peers(), new.into(), "what is recorded");

        world.configure(&configuration());
        reload(world).ok();
        assert_same(&world.kernel(), &kernel, "and back");
        world.take_down(&[&vms[0], &vms[1], &vms[2]]);
        assert!(world.state_files().is_empty());
    });
}

#[test]
fn a_tunnel_that_would_be_another_is_refused_with_both() {
    World::run(|world| {
        bring_up(world);
        let before = world.dump();
        run("ip address add 172.16.0.39/24 dev eth0");
        for (from, to, had, says) in [
            ("vni = 267", "vni = 268", "VNI 267", "VNI 268"),
            ("vni = 267", "vni = 267\nmtu = 1400", "MTU 1450", "MTU 1400"),
            ("172.16.0.31", "172.16.0.39", "172.16.0.31", "172.16.0.39"),
            (
                "[network.selfservice]",
                "vxlan_port = 4789\n[network.selfservice]",
                "8472",
                "4789",
            ),
        ] {
            world.configure(&edited(from, to).replace("172.16.0.32", "172.16.0.33"));
            let outcome = reload(world);
            assert_eq!(outcome.code, 1, "{outcome:#?}");
            for word in [had, says, "stop its domains first", "nothing was changed"] {
                assert!(outcome.err.contains(word), "{word}: {outcome:#?}");
            }
            assert_same(&world.dump(), &before, to);
        }
    });
}

#[test]
fn a_network_that_cannot_be_had_stays_and_the_reload_says_so_and_does_the_rest() {
    World::run(|world| {
        bring_up(world);
        run("ip link add out0 type bridge");
        run("ip address add 203.0.113.1/24 dev out0");
        let new = edited("vni = 267", "vni = 267\nhost_address = \"203.0.113.77/24\"");
        world.configure(&new.replace("port = 22", "port = 2222"));
        let outcome = reload(world);
        assert_eq!(outcome.code, 1, "{outcome:#?}");
        let cause = "network selfservice stays as it was made: host_address 203.0.113.77/24";
        assert!(outcome.err.contains(cause), "{outcome:#?}");
        assert!(outcome.out.contains("rules of web"), "{outcome:#?}");
    });
}
