//! A configuration that is missing or wrong: starts are refused with the place, and what runs is
//! left alone.

use super::*;

/// What stops every start on a bridge that may be managed, and what is said of it.
fn broken() -> Vec<(String, Vec<&'static str>)> {
    let broken = |from: &str, to: &str, words: &[&'static str]| {
        assert!(CONFIG.contains(from));
        (CONFIG.replace(from, to), words.to_vec())
    };
    vec![
        broken("vni = 267", "vni = ", &["vmhook.toml:7"]),
        broken("vni = 267", "", &["vni", "vmhook.toml:4"]),
        broken("vni = 267", "vni = 0", &["vni", "0", "vmhook.toml:7"]),
        broken(
            "vni = 267",
            "vni = \"x\"",
            &["network.selfservice.vni", "vmhook.toml:7"],
        ),
        broken(
            "vni = 267",
            "vni = 267\nvin = 268",
            &["vin", "vmhook.toml:8"],
        ),
        broken(
            "172.16.0.31",
            "172.16.0",
            &["host.local_ip", "vmhook.toml:2"],
        ),
        broken(
            "type = \"vxlan\"",
            "type = \"vxlna\"",
            &["vxlna", "vmhook.toml:6"],
        ),
    ]
}

#[test]
fn starts_are_refused_with_file_and_line() {
    World::run(|world| {
        for (toml, words) in broken() {
            world.configure(&toml);
            let nova = &["interface fa:16:3e:00:00:01"];
            assert_refuses(world, &Vm::new(1), &[nova, &words[..]].concat());
        }
        std::fs::remove_file(world.config_dir().join("vmhook.toml")).unwrap();
        assert_refuses(
            world,
            &Vm::new(1),
            &["vmhook.toml", "there is no such file"],
        );
    });
}

#[test]
fn a_broken_part_stops_the_start_of_what_it_may_be_about() {
    World::run(|world| {
        let parts = world.config_dir().join("conf.d");
        std::fs::create_dir(&parts).unwrap();
        std::fs::write(parts.join("10-more.toml"), "[port.web1]\nmac = \n").unwrap();
        assert_refuses(world, &Vm::new(1), &["10-more.toml:2"]);
    });
}

#[test]
fn a_bridge_whose_name_is_no_safe_name_is_managed_and_refused() {
    World::run(|world| {
        let bridge = "[network.selfservice]\nbridge = \"br+\"";
        world.configure(&CONFIG.replace("[network.selfservice]", bridge));
        let vm = Vm::new(1).with(|nic| nic.bridge = "br+".into());
        assert_refuses(
            world,
            &vm,
            &["interface fa:16:3e:00:00:01", "br+", "vmhook.toml:5"],
        );
    });
}

#[test]
fn an_error_in_one_object_stops_only_who_uses_it() {
    World::run(|world| {
        let group = "[security_group.broken]\ningress = [{ port = 22 }]\n";
        world.configure(&format!("{CONFIG}{group}"));
        world.bring_up(&[&Vm::new(1)]);
        let uses_it = Vm::new(2).with(|nic| nic.group = "broken".into());
        assert_refuses(
            world,
            &uses_it,
            &["interface fa:16:3e:00:00:02", "security_group.broken"],
        );
    });
}

#[test]
fn what_runs_is_not_touched_and_can_end() {
    for (toml, words) in broken() {
        World::run(|world| {
            let empty = world.dump();
            let vm = Vm::new(1);
            world.bring_up(&[&vm]);
            let before = world.dump();
            world.configure(&toml);
            for operation in ["started", "reconnect"] {
                world.ok(operation, &vm);
                assert_same(
                    &world.kernel(),
                    &before[..before.find("== state").unwrap()],
                    operation,
                );
            }
            run("iptables -F neutron-linuxbri-i00000001-7");
            world.ok("reconnect", &vm);
            assert!(
                before.starts_with(&world.kernel()),
                "repaired from its record: {words:?}"
            );
            world.take_down(&[&vm]);
            assert_same(&world.dump(), &empty, "after its end");
        });
    }
}

#[test]
fn what_changes_between_prepare_and_start_counts_for_the_next_start() {
    World::run(|world| {
        let vm = Vm::new(1).with(|nic| nic.group = "web".into());
        world.ok("prepare", &vm);
        world.plug(&vm);
        world.configure("this is no TOML");
        world.ok("start", &vm);
        assert!(world.rules().contains("--dport 22"));
    });
}
