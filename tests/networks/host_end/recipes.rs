//! The recipes of `docs/operations.md`, as an operator follows them: masquerading, port forwarding, and a
//! host whose `FORWARD` drops what nobody accepts, as Docker has it.

use std::net::TcpListener;
use std::time::Duration;

use super::stage::{
    END, LONG, Machine, asked_by, configuration, connects, outside, pings, pings_at_once, ports,
    web,
};
use crate::support::netns::run;
use crate::support::world::assert_same;
use crate::support::{Namespace, World};

const SOON: Duration = Duration::from_millis(500);

const MASQUERADE: [&str; 2] = [
    "sysctl -qw net.ipv4.ip_forward=1",
    "iptables -t nat -A POSTROUTING -s 192.168.101.0/24 -o out0 -j MASQUERADE",
];

const FORWARD_SSH: &str = "iptables -t nat -A PREROUTING -i out0 -d 203.0.113.1 -p tcp --dport 2222 \
                           -j DNAT --to-destination 192.168.101.8:22";

/// What a host needs besides whose `FORWARD` drops.
const LET_THROUGH: [&str; 2] = [
    "iptables -I FORWARD -i vmh-c08e7dcd-4a -o out0 -j ACCEPT",
    "iptables -I FORWARD -i out0 -o vmh-c08e7dcd-4a -m conntrack --ctstate ESTABLISHED,RELATED,DNAT -j ACCEPT",
];

fn follow(lines: &[&str]) {
    for line in lines {
        run(line);
    }
}

/// A TCP service of the world outside.
fn service_outside(outside: &Namespace) -> TcpListener {
    outside.enter(|| TcpListener::bind("203.0.113.9:80").expect("nobody else listens"))
}

/// The machine goes out as the host, and comes in by the host's port as its group lets it.
fn goes_out_and_is_found(machine: &Machine, outside: &Namespace) {
    let web = service_outside(outside);
    let client = machine
        .connects("203.0.113.9:80", LONG)
        .expect("it gets out");
    assert_eq!(asked_by(&web, client).to_string(), "203.0.113.1");
    assert!(machine.pings("203.0.113.9"));

    let ssh = machine.serves(22);
    let client = outside.enter(|| connects("203.0.113.1:2222", LONG));
    let asked_by = asked_by(&ssh, client.expect("its port is forwarded"));
    assert_eq!(asked_by.to_string(), "203.0.113.9", "as who it is");
}

#[test]
fn machines_go_out_as_the_host_and_are_found_at_a_port_of_it() {
    World::run(|world| {
        world.configure(&configuration());
        let outside = outside();
        MASQUERADE
            .into_iter()
            .chain([FORWARD_SSH])
            .for_each(|line| {
                run(line);
            });
        let before = world.dump();
        let machine = Machine::start(world, web(8));
        goes_out_and_is_found(&machine, &outside);

        // Where no group lets it in, a port that is forwarded leads nowhere.
        run(&FORWARD_SSH.replace("2222", "2323").replace(":22", ":23"));
        let _telnet = machine.serves(23);
        assert!(
            outside
                .enter(|| connects("203.0.113.1:2323", SOON))
                .is_none()
        );
        run(&FORWARD_SSH
            .replace("2222", "2323")
            .replace(":22", ":23")
            .replace("-A", "-D"));
        machine.stop(world);
        assert_same(&world.dump(), &before, "the machine has stopped");
    });
}

/// ```text
///   one ── tap ─ brq… ─ tap ── other
///                  └─ vmp-… ═ vmh-…     iptables -P FORWARD DROP
/// ```
#[test]
fn a_host_whose_forward_drops_needs_two_lines_for_what_it_routes_and_none_for_what_it_bridges() {
    World::run(|world| {
        world.configure(&(configuration() + &ports(&[8, 9])));
        let outside = outside();
        for program in ["iptables", "ip6tables"] {
            run(&format!("{program} -P FORWARD DROP"));
        }
        let one = Machine::start(world, web(8)).with_ipv6();
        let other = Machine::start(world, web(9)).with_ipv6();
        for address in [
            "192.168.101.1",
            "192.168.101.9",
            "2001:db8:101::1",
            "2001:db8:101::9",
        ] {
            assert!(one.pings(address), "{address}");
        }
        assert!(pings("192.168.101.9") && pings("2001:db8:101::9"));

        MASQUERADE
            .into_iter()
            .chain([FORWARD_SSH])
            .for_each(|line| {
                run(line);
            });
        let ssh = one.serves(22);
        assert!(
            !one.pings_at_once("203.0.113.9"),
            "the host does not route yet"
        );
        assert!(
            outside
                .enter(|| connects("203.0.113.1:2222", SOON))
                .is_none()
        );
        drop(ssh);
        follow(&LET_THROUGH);
        goes_out_and_is_found(&one, &outside);
        let unasked = outside.enter(|| {
            run("ip route add 192.168.101.0/24 via 203.0.113.1");
            pings_at_once("192.168.101.9")
        });
        assert!(!unasked, "what nobody forwards does not come in");
        drop(other);
    });
}

/// What is not this host's machine is behind its network's way out, and FORWARD must let that through too.
#[test]
fn the_host_meets_machines_of_other_hosts_though_its_forward_drops() {
    World::run(|world| {
        world.configure(&configuration());
        let machine = Machine::start(world, web(8));
        run("iptables -P FORWARD DROP");
        // Another host, at the other end of the wire.
        let there = Namespace::new();
        run(&format!("ip link set wire netns {}", there.path()));
        there.enter(|| {
            run("ip address add 172.16.0.32/24 dev wire");
            run("ip link set wire up");
            run("ip link add vxlan-267 mtu 1450 type vxlan id 267 local 172.16.0.32 dev wire dstport 8472");
            run("bridge fdb append 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.31");
            run("ip address add 192.168.101.77/24 dev vxlan-267");
            run("ip link set vxlan-267 up");
        });
        assert!(machine.pings("192.168.101.77"), "a machine of this host");
        assert!(pings("192.168.101.77"), "the host");
        assert!(there.enter(|| pings("192.168.101.1")));
        let listed = run("iptables -S neutron-linuxbri-FORWARD");
        let of_end = listed.lines().filter(|line| line.contains("vmp-"));
        assert_eq!(of_end.count(), 2, "{END}: {listed}");
    });
}
