//! A network that joins the machines of one host.

use super::support::netns::run;
use super::support::world::{BRIDGE, CONFIG, assert_same};
use super::support::{Vm, World};

const LOCAL: &str = r#"
[network.inside]
id = "inside"
type = "local"
"#;

fn on_it(number: u8) -> Vm {
    Vm::new(number).with(|nic| "brqinside".clone_into(&mut nic.bridge))
}

#[test]
fn it_is_a_bridge_without_a_way_out() {
    World::run(|world| {
        world.configure(&(CONFIG.to_owned() + LOCAL));
        let before = world.dump();
        let (first, second) = (on_it(1), on_it(2));
        world.bring_up(&[&first, &second]);

        let taps = [&first, &second].map(|vm| vm.nics[0].tap.clone());
        assert!(world.open_taps().iter().eq(&taps));
        let ports = run("ip -o link show master brqinside");
        assert_eq!(ports.lines().count(), 2, "taps alone: {ports}");
        assert!(run("ip link show brqinside").contains("mtu 1500"));

        world.take_down(&[&first, &second]);
        assert_same(&world.dump(), &before, "all have stopped");
    });
}

#[test]
fn it_stands_beside_a_vxlan_network() {
    World::run(|world| {
        world.configure(&(CONFIG.to_owned() + LOCAL));
        let before = world.dump();
        let (inside, tunnelled) = (on_it(1), Vm::new(2));
        world.bring_up(&[&inside, &tunnelled]);
        world.take_down(&[&inside]);
        assert!(run("ip -o link show").contains(BRIDGE));
        world.take_down(&[&tunnelled]);
        assert_same(&world.dump(), &before, "all have stopped");
    });
}
