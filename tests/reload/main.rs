//! A changed configuration, and machines that run.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests are about files, processes and the kernel"
)]

#[path = "../support/mod.rs"]
mod support;

mod killed;
mod races;
mod refused;
mod shared;
mod told;

use std::collections::BTreeSet;
use std::fs;

use support::call::assert_silent;
use support::netns::run;
use support::world::{CONFIG, assert_same};
use support::{Outcome, Vm, World};

/// A network with two groups and a port of the configuration's.
const GROUPS: &str = r#"
[security_group.db]
ingress = [{ ethertype = "ipv4", protocol = "tcp", port = 5432, remote_group = "web" }]
egress = [{ any = true }]

[port.three]
mac = "fa:16:3e:00:00:03"
fixed_ips = ["192.168.101.3"]
security_groups = ["web"]
"#;

fn reload(world: &World) -> Outcome {
    world.vmhook(&["reload"])
}

fn dry_run(world: &World) -> String {
    world.vmhook(&["reload", "--dry-run"]).ok()
}

fn configuration() -> String {
    format!("{CONFIG}{GROUPS}")
}

fn edited(from: &str, to: &str) -> String {
    let configuration = configuration();
    assert!(configuration.contains(from), "{from}");
    configuration.replace(from, to)
}

/// One machine in `web`, one in `db`, both by their metadata, and one by the configuration.
fn three() -> [Vm; 3] {
    let with = |number, group: &str| Vm::new(number).with(|nic| group.clone_into(&mut nic.group));
    [with(1, "web"), with(2, "db"), with(3, "db")]
}

fn bring_up(world: &World) -> [Vm; 3] {
    let vms = three();
    world.configure(&configuration());
    world.bring_up(&[&vms[0], &vms[1], &vms[2]]);
    vms
}

/// Notes a connection of the network's zone, as if its packets had passed.
fn connect(protocol: &str, from: &str, to: &str, port: u16) {
    let state = match protocol {
        "tcp" => "--state ESTABLISHED",
        _ => "",
    };
    run(&format!(
        "conntrack -I -w 4097 -s {from} -d {to} -p {protocol} --sport 40000 --dport {port} -t 100 \
         {state}"
    ));
}

/// The connections there are, in [`connect`]'s words.
fn connections() -> BTreeSet<String> {
    let all = run("conntrack -L -w 4097");
    let line = |line: &str| {
        let field = |name: &str| {
            let mut words = line.split_whitespace();
            words
                .find_map(|word| word.strip_prefix(name))
                .unwrap_or("-")
                .to_owned()
        };
        let protocol = line.split_whitespace().next().unwrap_or_default();
        format!(
            "{protocol} {} {} {}",
            field("src="),
            field("dst="),
            field("dport=")
        )
    };
    let entries = all.lines().filter(|line| line.contains("src="));
    entries.map(line).collect()
}

#[test]
fn a_configuration_that_says_the_same_changes_nothing() {
    World::run(|world| {
        bring_up(world);
        let before = world.dump();
        let same = "every port is as the configuration says\n";
        assert_eq!(dry_run(world), format!("# {same}# nothing is to be done\n"));
        assert_eq!(reload(world).ok(), same);
        assert_same(&world.dump(), &before, "after a reload");
    });
}

#[test]
fn a_reload_leads_where_a_start_with_the_new_configuration_leads() {
    World::run(|world| {
        let new = edited("port = 22", "port = 2222")
            .replace("port = 5432", "ports = \"5000-6000\"")
            .replace(
                "[\"192.168.101.3\"]",
                "[\"192.168.101.33\", \"2001:db8::3\"]",
            )
            .replace("[\"web\"]", "[\"db\", \"web\"]");
        let vms = bring_up(world);
        let old = world.kernel();
        world.configure(&new);
        let printed = dry_run(world);
        assert_same(&world.kernel(), &old, "a dry run");
        let said = reload(world).ok();
        assert_eq!(
            said,
            "domain vm1, interface fa:16:3e:00:00:01: rules of web\n\
             domain vm2, interface fa:16:3e:00:00:02: rules of db\n\
             domain vm3, interface fa:16:3e:00:00:03: addresses 192.168.101.3 -> 192.168.101.33, \
             2001:db8::3; groups web -> db, web\n"
        );
        assert!(
            said.lines()
                .all(|line| printed.contains(&format!("# {line}\n")))
        );
        let reloaded = world.kernel();
        assert_ne!(reloaded, old);
        assert!(dry_run(world).ends_with("# nothing is to be done\n"));

        world.take_down(&[&vms[0], &vms[1], &vms[2]]);
        world.bring_up(&[&vms[0], &vms[1], &vms[2]]);
        assert_same(
            &world.kernel(),
            &reloaded,
            "started with the new configuration",
        );

        world.configure(&configuration());
        reload(world).ok();
        assert_same(&world.kernel(), &old, "and back");
    });
}

#[test]
fn only_ports_that_use_what_changed_are_touched() {
    World::run(|world| {
        bring_up(world);
        world.configure(&edited("port = 5432", "port = 3306"));
        let printed = dry_run(world);
        assert!(printed.contains("i00000002-7"), "{printed}");
        for other in [
            "00000001",
            "00000003",
            "nft",
            "ip link",
            "add ",
            "conntrack -D",
        ] {
            assert!(!printed.contains(other), "{other}: {printed}");
        }
        assert!(printed.contains("iptables-restore --noflush"), "{printed}");
        assert!(
            !printed.contains("ip6tables-restore"),
            "IPv4's rule alone: {printed}"
        );
    });
}

#[test]
fn connections_that_are_not_allowed_any_more_go_and_no_others() {
    World::run(|world| {
        bring_up(world);
        world.configure(
            &edited(
                "protocol = \"tcp\", port = 22 }",
                "protocol = \"tcp\", ports = \"80-90\", remote = \"10.0.0.0/8\" }",
            )
            .replace("[\"192.168.101.3\"]", "[\"192.168.101.33\"]"),
        );
        let go = [
            ("tcp", "10.0.0.1", "192.168.101.1", 22),
            ("tcp", "192.0.2.1", "192.168.101.1", 80),
            ("udp", "10.0.0.1", "192.168.101.1", 85),
            // Of an address that is nobody's any more, and of one that was somebody else's.
            ("tcp", "192.168.101.3", "10.0.0.1", 80),
            ("tcp", "10.0.0.1", "192.168.101.33", 85),
        ];
        let stay = [
            ("tcp", "10.0.0.1", "192.168.101.1", 85),
            ("tcp", "192.168.101.1", "10.0.0.1", 22),
            ("udp", "192.168.101.1", "10.0.0.1", 53),
            // Their rules are as they were.
            ("tcp", "192.168.101.1", "192.168.101.2", 5432),
            ("tcp", "192.168.101.2", "10.0.0.1", 22),
            ("tcp", "10.0.0.1", "10.0.0.2", 22),
        ];
        for (protocol, from, to, port) in go.into_iter().chain(stay) {
            connect(protocol, from, to, port);
        }
        assert_eq!(connections().len(), go.len() + stay.len());
        reload(world).ok();
        let words = |(protocol, from, to, port)| format!("{protocol} {from} {to} {port}");
        assert_eq!(connections(), stay.map(words).into());
    });
}

#[test]
fn who_leaves_a_group_loses_what_its_members_may() {
    World::run(|world| {
        bring_up(world);
        connect("tcp", "192.168.101.1", "192.168.101.2", 5432);
        connect("tcp", "192.168.101.3", "192.168.101.2", 5432);
        let last = "security_groups = [\"web\"]\n";
        world.configure(&edited(last, "security_groups = [\"default\"]\n"));
        reload(world).ok();
        let left = "tcp 192.168.101.1 192.168.101.2 5432".to_owned();
        assert_eq!(connections(), [left].into());
    });
}

/// A network's DHCP servers are elements of its ports, and change no rule.
#[test]
fn a_networks_dhcp_servers_concern_its_ports_alone() {
    const OTHER: &str = "[network.other]\nid = \"other\"\ntype = \"vxlan\"\nvni = 268\n";
    World::run(|world| {
        let with = |servers: &str| {
            let network = edited("vni = 267\n", &format!("vni = 267\n{servers}\n"));
            world.configure(&format!("{network}{OTHER}"));
        };
        let [vm1, _, vm3] = three();
        let elsewhere = Vm::new(2).with(|nic| "brqother".clone_into(&mut nic.bridge));
        with("");
        world.bring_up(&[&vm1, &elsewhere, &vm3]);
        let before = world.kernel();

        with("dhcp_servers = [\"192.168.101.2\", \"fe80::2\"]");
        let printed = dry_run(world);
        for other in [&elsewhere.nics[0].tap[..], "tables-restore", "ipset"] {
            assert!(!printed.contains(other), "{other}: {printed}");
        }
        let said = reload(world).ok();
        let line = |vm: u8| {
            let mac = format!("fa:16:3e:00:00:0{vm}");
            format!("domain vm{vm}, interface {mac}: DHCP servers any -> 192.168.101.2, fe80::2\n")
        };
        assert_eq!(said, line(1) + &line(3));
        assert!(dry_run(world).ends_with("# nothing is to be done\n"));
        let limited = run("nft list set bridge vmhook dhcp");
        let is_limited = |vm: &Vm| limited.contains(&vm.nics[0].tap);
        assert!(is_limited(&vm1) && is_limited(&vm3) && !is_limited(&elsewhere));

        with("dhcp_servers = [\"fe80::2\", \"192.168.101.2\"]");
        let same = "every port is as the configuration says\n";
        assert_eq!(reload(world).ok(), same, "in another order");

        with("");
        reload(world).ok();
        assert_same(&world.kernel(), &before, "anybody may again");
    });
}

#[test]
fn a_wrong_configuration_changes_nothing_and_the_error_says_where() {
    World::run(|world| {
        bring_up(world);
        let before = world.dump();
        let cases = [
            ("port = 5432", "ports = \"6000-5000\"", "reversed"),
            (
                "remote_group = \"web\"",
                "remote = \"2001:db8::/32\"",
                "2001:db8::/32",
            ),
            (
                "remote_group = \"web\"",
                "remote_group = \"nobody-s\"",
                "nobody-s",
            ),
            (
                "protocol = \"tcp\", port = 5432",
                "protocol = \"gre\", port = 5432",
                "gre",
            ),
            (
                "[\"192.168.101.3\"]",
                "[\"192.168.101.300\"]",
                "192.168.101.300",
            ),
            ("[security_group.db]", "[security_group.db", "vmhook.toml:"),
            // Right as a file, and wrong for one machine alone.
            (
                "[security_group.db]",
                "[security_group.base]",
                "domain vm2, interface fa:16:3e:00:00:02: security group \"db\" is not defined",
            ),
            ("vni = 267", "vni = 268", "runs with"),
        ];
        for (from, to, said) in cases {
            // What is right beside it is not taken either.
            world.configure(&edited(from, to).replace("port = 22", "port = 23"));
            for arguments in [&["reload"][..], &["reload", "--dry-run"]] {
                let outcome = world.vmhook(arguments);
                assert_eq!(
                    (outcome.code, outcome.out.as_str()),
                    (1, ""),
                    "{outcome:#?}"
                );
                assert!(outcome.err.contains(said), "{said}: {outcome:#?}");
                let end = "vmhook: nothing was changed\n";
                assert!(outcome.err.ends_with(end), "{outcome:#?}");
                let place = ["vmhook.toml:", "domain vm"]
                    .iter()
                    .any(|it| outcome.err.contains(it));
                assert!(place, "{outcome:#?}");
                assert_same(&world.dump(), &before, to);
            }
        }
    });
}

#[test]
fn a_reload_that_fails_anywhere_changes_nothing() {
    World::run(|world| {
        bring_up(world);
        let kernel = world.kernel();
        world.configure(
            &(edited("port = 22", "port = 2222")
                .replace("\"192.168.101.3\"", "\"192.168.101.33\"")
                + "\n[firewall]\nchain_prefix = \"mine\"\n"),
        );
        for change in 1.. {
            let outcome = world.vmhook_with(&["reload"], Some(&format!("fail:{change}")));
            if outcome.succeeded() {
                assert!(change > 15, "{change} changes");
                break;
            }
            assert_eq!(outcome.code, 2, "{outcome:#?}");
            assert_same(&world.kernel(), &kernel, &format!("change {change} failed"));
        }
    });
}

#[test]
fn a_record_that_does_not_tell_the_metadata_stays_until_sync() {
    World::run(|world| {
        let vms = bring_up(world);
        let file = world.state_dir().join("domains").join(&vms[0].uuid);
        let text = fs::read_to_string(&file).expect("a record");
        let mut record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        record["record"]["want"]
            .as_object_mut()
            .expect("a want")
            .remove("said");
        fs::write(&file, record.to_string()).expect("a file can be written");

        world.configure(&edited("port = 22", "port = 2222"));
        let outcome = reload(world);
        assert_eq!(outcome.code, 1, "{outcome:#?}");
        assert!(
            outcome.err.contains("domain vm1 stays as it was"),
            "{outcome:#?}"
        );
        let has = |tap: &str, port: &str| {
            let chain = format!("neutron-linuxbri-i{tap}");
            let rules = world.rules();
            let mut lines = rules.lines();
            lines.any(|line| {
                line.contains(&chain) && line.ends_with("RETURN") && line.contains(port)
            })
        };
        assert!(has("00000001-7", "--dport 22 "), "as it was");
        assert!(
            has("00000003-7", "--dport 2222 "),
            "the other has the new rule"
        );

        let xml = vms[0].xml().replace("<domain ", "<domain id='1' ");
        let live = world.config_dir().join("live.xml");
        fs::write(&live, xml).expect("a file can be written");
        world
            .vmhook(&["sync", "--xml", &live.display().to_string()])
            .ok();
        reload(world).ok();
        assert!(has("00000001-7", "--dport 2222 "), "now it is known");
    });
}

#[test]
fn a_start_that_a_reload_serves_on_its_way_gets_the_new_rules() {
    World::run(|world| {
        let vms = three();
        world.configure(&configuration());
        world.bring_up(&[&vms[1]]);
        world.ok("prepare", &vms[0]);
        world.plug(&vms[0]);
        let lock = fs::File::open(world.state_dir()).expect("a folder");
        lock.lock().expect("nobody has it");
        let start = world.call("start", &vms[0]).begin();
        let wants = || {
            world
                .state_files()
                .iter()
                .any(|it| it.starts_with("wants/"))
        };
        while !wants() {
            std::thread::yield_now();
        }
        start.pause();
        drop(lock);
        world.configure(&edited("port = 22", "port = 2222"));
        reload(world).ok();
        assert!(!wants(), "it is served");
        start.resume();
        assert_silent(&start.end());
        let rules = world.rules();
        assert!(rules.contains("--dport 2222 "), "{rules}");
        assert!(!rules.contains("--dport 22 "), "{rules}");
    });
}
