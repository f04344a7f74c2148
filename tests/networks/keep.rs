//! `keep = true`: a network that stays when its last machine has stopped.

use super::support::netns::run;
use super::support::world::{BRIDGE, CONFIG, assert_refuses, assert_same};
use super::support::{Vm, World};

fn kept() -> String {
    CONFIG.replace("vni = 267", "vni = 267\nkeep = true")
}

fn links() -> Vec<String> {
    let links = run("ip -br link");
    let names = links
        .lines()
        .filter_map(|line| line.split(['@', ' ']).next());
    let ours = names.filter(|name| name.starts_with("brq") || name.starts_with("vxlan-"));
    ours.map(str::to_owned).collect()
}

fn index_of_the_bridge() -> String {
    let link = run(&format!("ip -o link show {BRIDGE}"));
    link.split(':').next().unwrap_or_default().to_owned()
}

#[test]
fn its_links_stay_after_the_last_machine_and_serve_the_next() {
    World::run(|world| {
        world.configure(&kept());
        let (first, second) = (Vm::new(1), Vm::new(2));
        world.bring_up(&[&first]);
        let made = links();
        assert_eq!(made, [BRIDGE, "vxlan-267"]);
        let index = index_of_the_bridge();
        world.take_down(&[&first]);
        let standing = world.kernel();
        world.vmhook(&["sync"]).ok();
        world.daemon_start().end();
        assert_same(&world.kernel(), &standing, "repaired");
        assert!(world.open_taps().is_empty());

        world.bring_up(&[&second]);
        world.take_down(&[&second]);
        assert_same(&world.kernel(), &standing, "another one came and went");
        assert_eq!(index_of_the_bridge(), index, "the very same");
    });
}

#[test]
fn it_goes_at_the_reload_that_finds_it_kept_no_more() {
    let without_network = CONFIG
        .split("\n[network")
        .next()
        .expect("[host]")
        .to_owned();
    for (config, said) in [
        (CONFIG, "network selfservice: keep true -> false\n"),
        (
            &without_network,
            "network selfservice: keep true -> false\n",
        ),
    ] {
        World::run(|world| {
            let before = world.dump();
            world.configure(&kept());
            let vm = Vm::new(1);
            world.bring_up(&[&vm]);
            world.take_down(&[&vm]);
            world.configure(config);
            let plan = world.vmhook(&["reload", "--dry-run"]).ok();
            assert!(plan.contains(&format!("ip link del {BRIDGE}")), "{plan}");
            assert_eq!(world.vmhook(&["reload"]).ok(), said);
            assert_same(&world.dump(), &before, "kept no more");
        });
    }
}

#[test]
fn one_that_nobody_uses_and_the_configuration_has_otherwise_goes_at_a_reload() {
    World::run(|world| {
        let (before, vm) = (world.dump(), Vm::new(1));
        world.configure(&kept());
        world.bring_up(&[&vm]);
        let changed = kept().replace("vni = 267", "vni = 268");
        world.configure(&changed);
        let running = world.vmhook(&["reload"]);
        let words = "stop its domains first, and run `vmhook reload` then";
        assert!(
            running.code == 1 && running.err.contains(words),
            "{running:?}"
        );
        world.take_down(&[&vm]);

        let words = [
            "network selfservice stands with VNI 267",
            "the configuration now says VNI 268",
            "run `vmhook reload`, by which it goes, and try again",
        ];
        assert_refuses(world, &vm, &words);
        let checked = world.vmhook(&["check"]).ok();
        let words = "starts on it are refused until `vmhook reload` lets it go";
        assert!(checked.contains(words), "{checked}");
        let plan = world.vmhook(&["reload", "--dry-run"]).ok();
        assert!(plan.contains(&format!("ip link del {BRIDGE}")), "{plan}");
        let said = world.vmhook(&["reload"]).ok();
        assert!(
            said.starts_with("network selfservice goes: it stands with VNI 267"),
            "{said}"
        );
        assert_same(&world.dump(), &before, "nothing stands");
        let again = world.vmhook(&["reload"]).ok();
        assert!(!again.contains("selfservice"), "once: {again}");
        world.bring_up(&[&vm]);
        assert_eq!(links(), [BRIDGE, "vxlan-268"]);
    });
}

#[test]
fn a_network_that_runs_is_kept_from_a_reload_on() {
    World::run(|world| {
        let vm = Vm::new(1);
        world.bring_up(&[&vm]);
        world.configure(&kept());
        let said = world.vmhook(&["reload"]).ok();
        assert_eq!(said, "network selfservice: keep false -> true\n");
        world.take_down(&[&vm]);
        assert_eq!(links(), [BRIDGE, "vxlan-267"]);
    });
}

#[test]
fn kept_or_not_it_stays_while_somebody_elses_port_is_on_its_bridge() {
    World::run(|world| {
        let before = world.dump();
        world.configure(&kept());
        let vm = Vm::new(1);
        world.bring_up(&[&vm]);
        world.take_down(&[&vm]);
        run("ip link add guest type veth peer name elsewhere");
        run(&format!("ip link set guest master {BRIDGE}"));
        world.configure(CONFIG);
        world.vmhook(&["reload"]).ok();
        assert_eq!(links(), [BRIDGE, "vxlan-267"]);
        world.configure(&CONFIG.replace("vni = 267", "vni = 268"));
        let words = format!("take what else is on {BRIDGE} off it and run `vmhook sync`");
        assert_refuses(world, &vm, &[&words]);
        world.configure(CONFIG);
        run("ip link delete guest");
        world.vmhook(&["sync"]).ok();
        assert_same(&world.dump(), &before, "nobody is on it");
    });
}
