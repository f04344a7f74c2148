//! A reload that is killed at any of its acts: what stands then, and what makes an end of it.

use std::fmt::Write as _;

use super::*;

/// Everything that a reload serves, changed at once.
fn new() -> String {
    let firewall = "\n[firewall]\ncomments = false\nipset = false\nchain_prefix = \"mine\"\n";
    edited("port = 22", "port = 2222")
        .replace("\"192.168.101.3\"", "\"192.168.101.33\"")
        .replace("172.16.0.32", "172.16.0.33")
        .replace(
            "vni = 267",
            "vni = 267\nhost_address = \"192.168.101.250/24\"",
        )
        + firewall
}

/// What a state is: the kernel, and what the records say of each machine.
fn state(world: &World) -> String {
    let mut text = world.kernel();
    let files = world.state_files();
    let domains = files.iter().filter(|file| file.starts_with("domains/"));
    for file in domains {
        let record = fs::read_to_string(world.state_dir().join(file)).expect("a record");
        let mut record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
        let want = record["record"]["want"].as_object_mut().expect("a want");
        for told in ["generation", "caller", "call"] {
            want.remove(told);
        }
        writeln!(text, "{file} {record}").expect("a String takes any text");
    }
    text
}

/// The rules that stand for each machine's tap or in its chains, in each family, less its prefix.
fn chains() -> Vec<String> {
    ["iptables-save", "ip6tables-save"]
        .iter()
        .flat_map(|save| (1..=3).map(move |number| (save, format!("0000000{number}-7"))))
        .map(|(save, name)| {
            let rules = run(save);
            let own = rules.lines().filter(|line| line.starts_with("-A"));
            let own = own.filter(|line| line.contains(&name));
            format!("{name} {}", own.collect::<Vec<_>>().join("\n"))
        })
        .collect()
}

/// The number of changes that a reload to the new configuration makes; it is made.
fn changes(world: &World) -> u32 {
    let count = world.config_dir().join("count");
    world.configure(&new());
    let fault = format!("count:{}", count.display());
    world.vmhook_with(&["reload"], Some(&fault)).ok();
    let text = fs::read_to_string(count).expect("a count");
    text.parse().expect("a number")
}

#[test]
fn a_reload_that_dies_anywhere_ends_as_one_of_both_whoever_comes_next() {
    World::run(|world| {
        bring_up(world);
        let visitor = Vm::new(4).with(|nic| "web".clone_into(&mut nic.group));
        let old = (state(world), chains());
        let changes = changes(world);
        let new_state = (state(world), chains());
        assert!(changes > 15, "{changes}");
        let mut met = BTreeSet::new();
        // To die before a change is to die after the one before it.
        let deaths = (1..=changes).map(|change| (change, format!("die-after:{change}")));
        for (change, fault) in [(0, "die-before:1".to_owned())].into_iter().chain(deaths) {
            world.configure(&configuration());
            reload(world).ok();
            assert_same(&state(world), &old.0, "back");

            world.configure(&new());
            let outcome = world.vmhook_with(&["reload"], Some(&fault));
            assert_eq!(outcome.code, 128 + 9, "{fault}: {outcome:#?}");
            let stands = chains();
            let whole = stands.iter().zip(old.1.iter().zip(&new_state.1));
            for (stands, (old, new)) in whole {
                assert!([old, new].contains(&stands), "{fault}: {stands}");
            }

            match change % 3 {
                0 => drop(world.vmhook(&["sync"]).ok()),
                1 => drop(reload(world).ok()),
                _ => {
                    world.ok("prepare", &visitor);
                    world.ok("release", &visitor);
                }
            }
            let now = state(world);
            met.insert(now == old.0);
            if now != old.0 {
                assert_same(&now, &new_state.0, &fault);
            }
            assert!(change % 3 != 1 || now != old.0, "{fault}: it was reloaded");
        }
        assert_eq!(met.len(), 2, "both ends are met");
    });
}
