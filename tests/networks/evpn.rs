//! EVPN with FRR: the daemons tell each other where ports are, vmhook tells them of its own.

use std::time::Instant;

use super::between_hosts::{configuration, reaches, twin, vm};
use super::hosts::{Hosts, Machine};
use super::routing::{Routing, until};
use super::support::netns::run;

const ROUTES: &str = "show bgp l2vpn evpn route";

#[test]
fn routing_daemons_carry_a_network_and_follow_its_machines() {
    let hosts = Hosts::configured(&configuration("172.16.0.@", "evpn = true"));
    let before = hosts.dump();
    let routing: Vec<Routing> = (0..3).map(|host| Routing::start(&hosts, host)).collect();
    let red = [(0, 1), (1, 2), (2, 3)].map(|(host, it)| hosts.start(host, vm("red", it, 1450)));
    let blue = [(1, 2), (2, 3)].map(|(host, it)| hosts.start(host, twin(it, 1450)));

    // Type 3: who carries the network.
    for (host, here) in routing.iter().enumerate() {
        let peers = (0..3).filter(|peer| *peer != host).map(|peer| 31 + peer);
        let best = peers.map(|peer| format!("*>i[3]:[0]:[32]:[172.16.0.{peer}]"));
        let best: Vec<String> = best.collect();
        let mut looks = 0;
        let settled = until(|| {
            looks += 1;
            if looks % 50 == 0 {
                look_again(&hosts, host, looks / 50);
            }
            let said = here.asked(ROUTES);
            best.iter().all(|route| said.contains(route))
        });
        assert!(settled, "host {host}: {}", here.asked(ROUTES));
    }
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        reaches(&red[from], &red[to], 1450);
    }
    reaches(&blue[0], &blue[1], 1450);
    assert!(!blue[0].pings_at_once("192.168.101.1"), "the networks meet");

    // Type 2: a MAC address, alone and with its address, for which the bridge answers elsewhere.
    let first = "[2]:[0]:[48]:[fa:16:3e:00:00:01]";
    let address = format!("{first}:[32]:[192.168.101.1]");
    routing[2].until(ROUTES, &[&format!("{first}\n"), &address]);
    let here = "ip neigh show 192.168.101.1 dev brqred";
    let known = || hosts.on(2, |_| run(here)).contains("fa:16:3e:00:00:01");
    assert!(until(known), "the bridge of host 2 does not answer for it");

    keeps_what_is_the_daemons(&hosts);

    let [moving, dying, asking] = red;
    let pings = asking.keep_pinging(moving.address());
    let moved = moving.move_to(1);
    assert!(asking.pings(moved.address()), "it is found again");
    let silence = pings.end().longest_silence;
    println!("EVPN: a moved machine was silent for {silence:?}");
    assert!(silence.as_secs() < 5, "{silence:?}");
    assert_eq!(asking.asks(moved.address()), moved.name());

    // A port that stops is withdrawn.
    moved.stop();
    let told = || routing[2].asked(ROUTES).contains(first);
    assert!(until(|| !told()), "{first} is still told");

    // A host dies: nobody says good-bye.
    let entries = || hosts.on(2, |_| run("bridge fdb show dev vxlan-267"));
    assert!(entries().contains("dst 172.16.0.32"), "{}", entries());
    let begin = Instant::now();
    hosts.on(1, |_| run("ip link set eth0 down"));
    assert!(until(|| !entries().contains("dst 172.16.0.32")));
    println!(
        "EVPN: a dead host's entries were gone after {:?}",
        begin.elapsed()
    );

    let rest = [dying, asking].into_iter().chain(blue);
    rest.for_each(Machine::stop);
    drop(routing);
    hosts.on(1, |_| run("ip link set eth0 up"));
    hosts.assert_unchanged_since(&before);
}

/// FRR 8.4 on a busy machine now and then holds its peers for unreachable, and asks again only when a
/// route changes: so one does.
fn look_again(hosts: &Hosts, host: usize, time: u32) {
    let verb = if time % 2 == 1 { "add" } else { "del" };
    hosts.on(host, |_| {
        for peer in (31..34).filter(|peer| *peer != 31 + host) {
            run(&format!("ip route {verb} 172.16.0.{peer}/32 dev eth0"));
        }
    });
}

/// A repair brings back what is ours, and takes nothing that a daemon wrote.
fn keeps_what_is_the_daemons(hosts: &Hosts) {
    hosts.on(2, |world| {
        let entries = || {
            let shown = run("bridge fdb show br brqred") + &run("ip neigh show dev brqred");
            let mut lines: Vec<String> = shown.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let good = entries();
        run("ip neigh del 192.168.101.3 dev brqred");
        run("bridge link set dev vxlan-267 learning on neigh_suppress off");
        world.vmhook(&["sync"]).ok();
        assert_eq!(entries(), good);
        let port = run("bridge -d link show dev vxlan-267");
        assert!(
            port.contains("learning off") && port.contains("neigh_suppress on"),
            "{port}"
        );
    });
}
