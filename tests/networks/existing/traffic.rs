//! What goes on, and what is filtered.

use std::net::UdpSocket;
use std::time::Duration;

use super::stage::{HOST, LAN, Machine, OUTSIDE, ROUTER, Stage, Talk, asks, is_silent, vm};
use crate::support::Vm;
use crate::support::frames::{self, end};
use crate::support::netns::run;
use crate::support::world::assert_same;

#[test]
fn the_hosts_own_traffic_goes_on_while_machines_come_and_go() {
    Stage::run(|stage| {
        stage.assert_host_works("before");
        let before = stage.world.dump();
        let mut ssh = stage
            .outside
            .enter(|| Talk::begin(HOST, 22))
            .expect("it answers");
        let mut web = stage
            .outside
            .enter(|| Talk::begin(HOST, 8080))
            .expect("it answers");
        let (first, second) = (vm(1, "web"), vm(2, "web"));

        let _first = stage.start(&first);
        stage.assert_host_works("while one machine runs");
        let _second = stage.start(&second);
        assert!(ssh.goes_on() && web.goes_on(), "with two machines");
        stage.stop(&first);
        assert!(ssh.goes_on() && web.goes_on(), "one has stopped");
        stage.assert_host_works("while the other machine runs");
        stage.stop(&second);
        assert!(ssh.goes_on() && web.goes_on(), "all have stopped");
        stage.assert_host_works("after");
        assert_same(&stage.world.dump(), &before, "all have stopped");
    });
}

#[test]
fn a_machine_is_filtered_as_on_any_network() {
    Stage::run(|stage| {
        let (first, second) = (vm(1, "web"), vm(2, "narrow"));
        let (web, narrow) = (stage.start(&first), stage.start(&second));
        let (at, other) = (first.nics[0].ip.as_str(), second.nics[0].ip.as_str());
        for from in [&stage.outside, &stage.router] {
            assert_eq!(from.enter(|| asks(at, 22)).as_deref(), Some("vm1"));
            assert!(
                from.enter(|| is_silent(at, 23)),
                "its group says nothing of it"
            );
        }
        for (to, name) in [(OUTSIDE, "outside"), (ROUTER, "router"), (HOST, "host")] {
            assert_eq!(web.enter(|| asks(to, 22)).as_deref(), Some(name));
            assert_eq!(narrow.enter(|| asks(to, 22)).as_deref(), Some(name));
        }
        assert_eq!(web.enter(|| asks(other, 22)).as_deref(), Some("vm2"));
        assert!(
            web.enter(|| is_silent(other, 23)),
            "vm2 lets in port 22 alone"
        );

        let published = web.enter(|| asks(HOST, 8080));
        assert_eq!(
            published.as_deref(),
            Some("container"),
            "the host publishes it to all"
        );
        assert!(
            narrow.enter(|| is_silent(HOST, 8080)),
            "vm2 may speak to port 22 alone"
        );
        assert_eq!(
            asks(other, 23).as_deref(),
            Some("vm2"),
            "what the host sends is not filtered"
        );
    });
}

/// The host only carries the bridge: it is on it neither before nor while machines are.
#[test]
fn without_the_host_machines_meet_the_bridges_ports_and_these_each_other() {
    Stage::run(|stage| {
        run("ip address del 10.5.0.1/24 dev br0");
        let config = super::stage::LAN.replace("host_unfiltered = true\n", "");
        stage.world.configure(&config);
        let machine = vm(1, "web");
        let running = stage.start(&machine);
        let at = machine.nics[0].ip.as_str();
        assert_eq!(stage.outside.enter(|| asks(at, 22)).as_deref(), Some("vm1"));
        assert!(stage.outside.enter(|| is_silent(at, 23)));
        assert_eq!(
            running.enter(|| asks(ROUTER, 22)).as_deref(),
            Some("router")
        );
        let between = stage.outside.enter(|| asks(ROUTER, 22));
        assert_eq!(between.as_deref(), Some("router"), "FORWARD drops");

        run("ip address add 10.5.0.1/24 dev br0");
        assert!(running.enter(|| is_silent(HOST, 22)), "closed to the host");
        assert!(is_silent(at, 22), "and the host to it");
    });
}

/// The container's way to a machine is through the host, which routes.
#[test]
fn what_the_host_routes_to_and_from_a_machine_is_filtered() {
    Stage::run(|stage| {
        run("iptables -I FORWARD -i br0 -o docker0 -j ACCEPT");
        let machine = vm(1, "narrow");
        let narrow = stage.start(&machine);
        let at = machine.nics[0].ip.as_str();
        let from_container = |port| stage.container.enter(|| asks(at, port));
        assert_eq!(from_container(22).as_deref(), Some("vm1"));
        assert!(stage.container.enter(|| is_silent(at, 23)));
        assert!(
            narrow.enter(|| is_silent("172.17.0.2", 80)),
            "it may speak to port 22 alone"
        );
        let wide = vm(2, "web");
        let wide = stage.start(&wide);
        assert_eq!(
            wide.enter(|| asks("172.17.0.2", 80)).as_deref(),
            Some("container")
        );
    });
}

#[test]
fn a_machine_sends_as_nobody_else() {
    Stage::run(|stage| {
        let machine = vm(1, "web");
        let running = stage.start(&machine);
        let (sends, hears) = (
            running.packets(),
            stage.outside.enter(|| stage.world.packets("wire")),
        );
        let own = end(&machine.nics[0].mac, &machine.nics[0].ip);
        let other = end("fa:16:3e:00:00:99", OUTSIDE);
        let spoofed = [
            frames::echo_request(end(&machine.nics[0].mac, "10.5.0.77"), other),
            frames::echo_request(end("fa:16:3e:00:00:77", &machine.nics[0].ip), other),
            frames::arp_request(own.mac, end(&machine.nics[0].mac, HOST), other),
            frames::tagged(7, &frames::echo_request(own, other)),
        ];
        let allowed = frames::echo_request(own, other);
        for frame in &spoofed {
            sends.send(frame);
        }
        sends.send(&allowed);
        let soon = Duration::from_secs(10);
        let first = hears.receive(soon, |frame| {
            frame[6..12] == own.mac || spoofed.iter().any(|it| it == frame)
        });
        assert_eq!(
            first.as_deref(),
            Some(&allowed[..]),
            "the first that passes"
        );
    });
}

/// A bridge hands these to the host and learns their source, past every filter, unless its port says
/// otherwise.
fn moves_nobody_by_reserved_addresses(machine: &Vm, running: &Machine) {
    run("ip link set br0 type bridge stp_state 1");
    let sends = running.packets();
    let stolen = frames::mac("fa:16:3e:00:00:77");
    for last in [0x00, 0x02, 0x03, 0x0e] {
        let group = [0x01, 0x80, 0xc2, 0, 0, last];
        sends.send(&frames::of_type(stolen, group, 0x88cc, &[0; 46]));
    }
    let own = frames::mac(&machine.nics[0].mac);
    sends.send(&frames::of_type(own, [0xff; 6], 0x88cc, &[0; 46]));
    let published = running.enter(|| asks(HOST, 22));
    assert_eq!(
        published.as_deref(),
        Some("host"),
        "what came after them has been seen"
    );
    let known = run("bridge fdb show br br0");
    assert!(known.contains(&machine.nics[0].mac), "{known}");
    assert!(!known.contains("fa:16:3e:00:00:77"), "{known}");
}

#[test]
fn a_machine_cannot_move_anybody_by_frames_for_reserved_addresses() {
    Stage::run(|stage| {
        let machine = vm(1, "web");
        let running = stage.start(&machine);
        moves_nobody_by_reserved_addresses(&machine, &running);
    });
}

/// As where the host's network is restarted: a port that leaves its bridge loses what it had.
#[test]
fn nor_once_its_tap_has_left_the_bridge_come_back_and_been_repaired() {
    Stage::run(|stage| {
        let machine = vm(1, "web");
        let running = stage.start(&machine);
        let tap = &machine.nics[0].tap;
        run(&format!("ip link set {tap} nomaster"));
        run(&format!("ip link set {tap} master br0"));
        stage.world.vmhook(&["sync"]).ok();
        moves_nobody_by_reserved_addresses(&machine, &running);
    });
}

/// Whoever reaches a tunnel's port of the host is in all of its networks.
#[test]
fn a_machine_does_not_reach_a_tunnels_end_though_the_host_is_on_its_bridge() {
    Stage::run(|stage| {
        let tunnel = "[host]\nlocal_ip = \"10.5.0.1\"\n[network.far]\nid = \"far\"\n\
                      type = \"vxlan\"\nvni = 267\nport = 7001\n";
        stage
            .world
            .configure(&(super::stage::LAN.to_owned() + tunnel));
        let machine = vm(1, "web");
        let running = stage.start(&machine);
        let far = crate::support::Vm::new(2).with(|nic| "brqfar".clone_into(&mut nic.bridge));
        stage.world.bring_up(&[&far]);

        let hears = stage.world.packets("br0");
        let sends = running.enter(|| UdpSocket::bind("0.0.0.0:0").expect("a socket"));
        let to = |port: u16, what: &[u8]| {
            running.enter(|| sends.send_to(what, (HOST, port)).expect("it is sent"));
        };
        to(7001, b"into the tunnel");
        to(7002, b"to somebody else");
        let soon = Duration::from_secs(10);
        let got = hears.receive(soon, |frame| {
            frame.ends_with(b"into the tunnel") || frame.ends_with(b"to somebody else")
        });
        let got = got.expect("the host gets what is not for the tunnel");
        assert!(got.ends_with(b"to somebody else"), "the first that came");
        stage.world.take_down(&[&far]);
    });
}

/// The host takes two tags of VLAN 0 for none, and behind the second the guard sees no port.
#[test]
fn two_tags_do_not_carry_a_machine_to_a_tunnels_end() {
    Stage::run(|stage| {
        let tags = LAN.replace("bridge = \"br0\"", "bridge = \"br0\"\nhardened = false");
        let tunnel = "[host]\nlocal_ip = \"10.5.0.1\"\n[network.far]\nid = \"far\"\n\
                      type = \"vxlan\"\nvni = 267\nport = 7001\n";
        stage.world.configure(&(tags + tunnel));
        let machine = vm(1, "web");
        let running = stage.start(&machine);
        let far = crate::support::Vm::new(2).with(|nic| "brqfar".clone_into(&mut nic.bridge));
        stage.world.bring_up(&[&far]);
        let hears = stage.world.packets("br0");
        let bridge = "fa:16:3e:00:00:01";
        run(&format!("ip link set br0 address {bridge}"));
        let (from, to) = (
            end(&machine.nics[0].mac, &machine.nics[0].ip),
            end(bridge, HOST),
        );
        let udp = |port, tags: &[u8]| frames::udp(from, to, (4000, port), tags);
        let sends = running.packets();
        let once = |tags| frames::tagged(0, &udp(7001, tags));
        sends.send(&udp(7001, b"none"));
        sends.send(&once(b"one"));
        sends.send(&frames::tagged(0, &once(b"two")));
        sends.send(&frames::service_tagged(0, &once(b"service")));
        let service = frames::service_tagged(0, &udp(7001, b"inside"));
        sends.send(&frames::tagged(0, &service));
        sends.send(&frames::tagged(0, &udp(7002, b"last")));

        let soon = Duration::from_secs(10);
        let got = hears.receive(soon, |frame| {
            let words: [&[u8]; 6] = [b"none", b"one", b"two", b"service", b"inside", b"last"];
            words.iter().any(|word| frame.ends_with(word))
        });
        let got = got.expect("the host gets what has one tag and is not for the tunnel");
        assert!(got.ends_with(b"last"), "the first that came: {got:?}");
        stage.world.take_down(&[&far]);
    });
}
