//! The first hook after an upgrade in place: what stands is of an earlier version, whose records knew
//! less and whose tables were others.

use serde_json::Value;

use super::stage::rules_of;
use super::*;

/// What later versions note besides, each of which may be missing.
const LATER: [&str; 16] = [
    "address_pairs",
    "basis",
    "besides",
    "call",
    "clamp_mss",
    "dhcp_servers",
    "guard_base",
    "host_end",
    "incoming",
    "ipv6_addresses",
    "keep",
    "made_addresses",
    "remotes",
    "said",
    "security",
    "stateless",
];

fn forget(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !LATER.contains(&name.as_str()));
            fields.values_mut().for_each(forget);
        }
        Value::Array(values) => values.iter_mut().for_each(forget),
        _ => {}
    }
}

/// Makes the records what the first version would have written.
fn age(world: &World) {
    for file in world.state_files() {
        let path = world.state_dir().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let mut record: Value = serde_json::from_str(&text).unwrap();
        forget(&mut record);
        std::fs::write(path, record.to_string()).unwrap();
    }
}

#[test]
fn the_first_hook_after_an_upgrade_may_die_anywhere() {
    World::run(|world| {
        let (vm, comes) = (Vm::new(1), Vm::new(2));
        let empty = world.dump();
        world.bring_up(&[&vm]);
        let (whole, rules) = (world.kernel(), rules_of(world, &vm));
        let count = world.config_dir().join("count");
        age(world);
        let fault = format!("count:{}", count.display());
        assert_silent(&world.call("prepare", &comes).fault(&fault).end());
        world.ok("release", &comes);
        assert_same(&world.kernel(), &whole, "after an upgrade");
        let changes: u32 = std::fs::read_to_string(count).unwrap().parse().unwrap();
        assert!(changes > 5, "{changes}");
        for change in 1..=changes {
            age(world);
            let fault = format!("die-after:{change}");
            let outcome = world.call("prepare", &comes).fault(&fault).end();
            assert_eq!(outcome.code, 128 + 9, "{fault}: {outcome:#?}");
            assert_eq!(rules_of(world, &vm), rules, "{fault}");
            assert_eq!(world.open_taps().len(), 1, "{fault}: it stays open");
            world.ok("reconnect", &vm);
            world.ok("release", &comes);
            assert_same(&world.kernel(), &whole, &fault);
        }
        world.take_down(&[&vm]);
        assert_same(&world.dump(), &empty, "after the last one");
    });
}
