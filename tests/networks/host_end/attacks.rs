//! What no machine may do by the host's end, whatever its port may: by real frames, each before one that
//! arrives. Each time the guard's rule is taken away at the end, and then the frame arrives too.

use std::net::UdpSocket;

use super::stage::{
    END, LONG, Machine, configuration, host, host_as, next, outside, pings_at_once, web,
};
use crate::support::frames::{self, BROADCAST, End, end};
use crate::support::netns::run;
use crate::support::{Packets, Vm, World};

/// Ports of which less is checked than of others, or nothing, and one of any address.
const PORTS: &str = r#"
[security_group.open]
egress = [{ any = true }]
ingress = [{ any = true }]

[port.any-pair]
mac = "fa:16:3e:00:00:11"
fixed_ips = ["192.168.101.17", "2001:db8:101::17"]
allowed_address_pairs = [{ ip = "0.0.0.0/0" }, { ip = "::/0" }]
security_groups = ["open"]

[port.no-address]
mac = "fa:16:3e:00:00:12"
fixed_ips = []
security_groups = ["open"]

[port.not-hardened]
mac = "fa:16:3e:00:00:13"
fixed_ips = []
security_groups = ["open"]
hardened = false

[port.no-security]
mac = "fa:16:3e:00:00:14"
port_security = false

[port.trusted]
mac = "fa:16:3e:00:00:15"
device_owner = "network:router_gateway"

[port.victim]
mac = "fa:16:3e:00:00:20"
port_security = false
"#;

const ATTACKERS: [u8; 5] = [0x11, 0x12, 0x13, 0x14, 0x15];

/// A machine of one of these ports, which the configuration alone describes.
fn of_port(number: u8) -> Vm {
    let mut vm = Vm::new(number);
    vm.nics[0].group.clear();
    vm.nics[0].ip = format!("192.168.101.{number}");
    vm
}

/// What arrives at a machine of these frames: each is followed by a ping that does.
fn arrive(
    from: &Packets,
    own: End,
    at: &Packets,
    to: End,
    frames: &[(&str, Vec<u8>)],
) -> Vec<String> {
    let mut arrived = Vec::new();
    for (number, (what, frame)) in (1_u16..).zip(frames) {
        let marker = frames::numbered_ping(own, to, number);
        from.send(frame);
        from.send(&marker);
        let mut seen = false;
        let bare = frames::untagged(frame);
        let wanted = |it: &[u8]| it.starts_with(&marker) || frames::untagged(it).starts_with(&bare);
        while let Some(got) = at.receive(LONG, wanted) {
            if got.starts_with(&marker) {
                break;
            }
            seen = true;
        }
        arrived.extend(seen.then(|| (*what).to_owned()));
    }
    arrived
}

/// Everything by which one can say to another machine that one is the host.
fn as_the_host(own: [u8; 6], to: End, to6: End) -> Vec<(&'static str, Vec<u8>)> {
    let host4 = host();
    let host6 = host_as("2001:db8:101::1");
    let link_local = host_as(&link_local());
    let posing = |host: End| End { mac: own, ..host };
    let about = |host: End| -> Vec<u8> {
        let std::net::IpAddr::V6(ip) = host.ip else {
            panic!("IPv6")
        };
        [&[0x20, 0, 0, 0][..], &ip.octets(), &[2, 1], &own].concat()
    };
    let other = End {
        mac: own,
        ip: "2001:db8:101::66".parse().expect("an address"),
    };
    let nobody = End {
        mac: own,
        ip: "::".parse().expect("an address"),
    };
    let gratuitous = End {
        mac: BROADCAST,
        ..host4
    };
    vec![
        ("an answer", frames::arp_reply(own, posing(host4), to)),
        ("a question", frames::arp_request(own, posing(host4), to)),
        (
            "a gratuitous answer",
            frames::arp_reply(own, posing(host4), gratuitous),
        ),
        (
            "an answer with the host's MAC address",
            frames::arp_reply(host4.mac, host4, to),
        ),
        ("a ping", frames::echo_request(posing(host4), to)),
        ("a ping of IPv6", frames::echo_request(posing(host6), to6)),
        (
            "a ping from its link-local address",
            frames::echo_request(posing(link_local), to6),
        ),
        (
            "an advertisement",
            frames::icmpv6(posing(host6), to6, 136, &about(host6)),
        ),
        (
            "an advertisement from another address",
            frames::icmpv6(other, to6, 136, &about(host6)),
        ),
        (
            "an advertisement of the link-local address",
            frames::icmpv6(other, to6, 136, &about(link_local)),
        ),
        (
            "a look for duplicates",
            frames::icmpv6(nobody, to6, 135, &about(host6)[..20]),
        ),
        (
            "a tagged answer",
            frames::tagged(0, &frames::arp_reply(own, posing(host4), to)),
        ),
    ]
}

fn link_local() -> String {
    let addresses = run(&format!("ip -br address show {END}"));
    let link_local = addresses
        .split_whitespace()
        .find(|it| it.starts_with("fe80"));
    let with_prefix = link_local.expect("it has one");
    with_prefix.trim_end_matches("/64").to_owned()
}

/// Attack: to answer in the host's name.
#[test]
fn nobody_passes_for_the_host_whatever_its_port_may() {
    World::run(|world| {
        world.configure(&(configuration() + PORTS));
        let victim = Machine::without_address(world, of_port(0x20));
        let (to, to6) = (
            end("fa:16:3e:00:00:20", "192.168.101.32"),
            end("fa:16:3e:00:00:20", "2001:db8:101::20"),
        );
        for number in ATTACKERS {
            let evil = Machine::without_address(world, of_port(number));
            let own = End {
                ip: format!("192.168.101.{}", if number == 0x11 { 17 } else { number })
                    .parse()
                    .expect("an address"),
                ..evil.own()
            };
            let sent = as_the_host(own.mac, to, to6);
            let (from, at) = (evil.packets(), victim.packets());
            let arrived = arrive(&from, own, &at, to, &sent);
            assert_eq!(arrived, Vec::<String>::new(), "port {number:#x}");
            evil.stop(world);
        }
        let evil = Machine::without_address(world, of_port(0x14));
        run("nft flush chain bridge vmhook posing");
        let sent = as_the_host(evil.own().mac, to, to6);
        let arrived = arrive(&evil.packets(), evil.own(), &victim.packets(), to, &sent);
        assert_eq!(arrived.len(), sent.len() - 1, "{arrived:?}");
        assert!(!arrived.contains(&"an answer with the host's MAC address".to_owned()));
    });
}

/// A service on every address of a host with a leg outside, and a machine of which nothing is checked.
fn beside_a_service(test: impl FnOnce(&UdpSocket, &Packets) + Send) {
    World::run(|world| {
        world.configure(&(configuration() + PORTS));
        let _outside = outside();
        run("ip -6 address add 2001:db8:99::1/64 dev out0 nodad");
        let evil = Machine::without_address(world, of_port(0x14));
        let service = UdpSocket::bind("[::]:7000").expect("nobody else listens");
        test(&service, &evil.packets());
    });
}

const OWN: (&str, &str) = ("192.168.101.20", "192.168.101.1");
const OWN6: (&str, &str) = ("2001:db8:101::14", "2001:db8:101::1");

/// The machine says to the host that it comes from this address, and what it goes to.
fn say(wire: &Packets, (from, to): (&str, &str), words: &str) {
    let from = end("fa:16:3e:00:00:14", from);
    let frame = frames::udp(from, host_as(to), (4000, 7000), words.as_bytes());
    wire.send(&frame);
}

/// Attack: to reach more of the host than its end.
#[test]
fn a_machine_reaches_the_host_at_its_end_alone() {
    beside_a_service(|service, wire| {
        for to in [
            "172.16.0.31",
            "172.16.0.255",
            "203.0.113.1",
            "203.0.113.255",
            "127.0.0.1",
            "127.0.0.53",
        ] {
            say(wire, (OWN.0, to), &format!("to {to}"));
        }
        for to in ["2001:db8:99::1", "2001:db8:99::", "::1"] {
            say(wire, (OWN6.0, to), &format!("to {to}"));
        }
        say(wire, OWN, "honest");
        assert_eq!(next(service), "honest");
        say(wire, OWN6, "honest, IPv6");
        assert_eq!(next(service), "honest, IPv6");
        say(wire, (OWN.0, "192.168.101.255"), "to all of the network");
        assert_eq!(next(service), "to all of the network");

        // What the sender wrote decides, not what dstnat made of it.
        run(&format!(
            "iptables -t nat -A PREROUTING -i {END} -p udp -j DNAT --to 192.168.101.1:7000"
        ));
        say(wire, (OWN.0, "172.16.0.31"), "to another one, translated");
        say(wire, OWN, "honest, translated");
        assert_eq!(next(service), "honest, translated");

        run("nft flush chain inet vmhook from_end");
        say(wire, (OWN.0, "172.16.0.31"), "unkept");
        assert_eq!(next(service), "unkept");
    });
}

/// Attack: to speak to the host in the name of somebody who is elsewhere.
#[test]
fn a_machine_reaches_the_host_from_addresses_behind_its_end_alone() {
    beside_a_service(|service, wire| {
        for from in [
            "203.0.113.9",
            "172.16.0.32",
            "8.8.8.8",
            "192.168.101.1",
            "0.0.0.0",
            "127.0.0.1",
        ] {
            say(wire, (from, OWN.1), &format!("from {from}"));
        }
        for from in ["2001:db8:99::9", "2001:db8:101::1", "::", "::1"] {
            say(wire, (from, OWN6.1), &format!("from {from}"));
        }
        say(wire, OWN, "honest");
        assert_eq!(next(service), "honest");
        say(wire, OWN6, "honest, IPv6");
        assert_eq!(next(service), "honest, IPv6");
        say(wire, ("fe80::14", OWN6.1), "from a link-local address");
        assert_eq!(next(service), "from a link-local address");

        run("nft flush chain inet vmhook from_end");
        say(wire, ("2001:db8:99::9", OWN6.1), "unkept");
        assert_eq!(next(service), "unkept");
    });
}

/// A frame behind a VXLAN header (RFC 7348).
fn in_vxlan(vni: u32, frame: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = vni.to_be_bytes();
    [&[8, 0, 0, 0, high, middle, low, 0][..], frame].concat()
}

const OTHER: &str = r#"
[network.other]
id = "other"
type = "vxlan"
vni = 268
port = 4791
"#;

/// Attack: to put frames into any network by the host's tunnels.
#[test]
fn nothing_goes_to_a_tunnel_of_the_host() {
    World::run(|world| {
        world.configure(&(configuration() + PORTS));
        let (evil, victim) = (
            Machine::without_address(world, of_port(0x14)),
            Machine::without_address(world, of_port(0x20)),
        );
        // A network of another port comes to a standing one: no reload has told it.
        world.configure(&(configuration() + PORTS + OTHER));
        let beside = Machine::without_address(
            world,
            Vm::new(0x21).with(|nic| "brqother".clone_into(&mut nic.bridge)),
        );
        run(&format!(
            "iptables -t nat -A PREROUTING -i {END} -p udp --dport 5000 -j DNAT --to 172.16.0.31:8472"
        ));
        let (at, stray) = (victim.packets(), beside.packets());
        let (own, to) = (evil.own(), victim.own());
        let stranger = end("fa:16:3e:99:99:99", "192.168.101.99");
        let injected = |number| in_vxlan(267, &frames::numbered_ping(stranger, to, number));
        let outer = |ip: &str, port| frames::udp(own, host_as(ip), (4000, port), &injected(port));
        let wire = evil.packets();
        let send_all = || {
            for ip in [
                "192.168.101.1",
                "192.168.101.255",
                "255.255.255.255",
                "224.0.0.1",
            ] {
                wire.send(&outer(ip, 8472));
            }
            wire.send(&outer("192.168.101.1", 5000));
        };
        send_all();
        let inside = in_vxlan(268, &frames::arp_request(stranger.mac, stranger, to));
        wire.send(&frames::udp(own, host(), (4000, 4791), &inside));
        let marker = frames::numbered_ping(own, to, 1);
        wire.send(&marker);
        let first = |it: &[u8]| it.starts_with(&marker) || it[6..12] == stranger.mac;
        let got = at.receive(LONG, first).expect("the marker arrives");
        assert!(got.starts_with(&marker), "something came by the tunnel");
        let ports = run("nft list set inet vmhook tunnel_ports");
        for port in ["4789", "4791", "8472"] {
            assert!(ports.contains(port), "{ports}");
        }

        run("nft flush set inet vmhook tunnel_ports");
        for port in [8472, 5000] {
            wire.send(&outer("192.168.101.1", port));
            let got = at.receive(LONG, |it| it[6..12] == stranger.mac);
            assert!(got.is_some(), "port {port}, where nothing keeps it out");
        }
        wire.send(&frames::udp(own, host(), (4000, 4791), &inside));
        let got = stray.receive(LONG, |it| it[6..12] == stranger.mac);
        assert!(got.is_some(), "the other network's tunnel");
    });
}

/// The port is in the first fragment, and nothing else.
#[test]
fn nothing_goes_to_a_tunnel_of_the_host_in_fragments() {
    World::run(|world| {
        world.configure(&(configuration() + PORTS));
        let evil = Machine::without_address(world, of_port(0x14));
        let victim = Machine::without_address(world, of_port(0x20));
        let (own, to) = (evil.own(), victim.own());
        let stranger = end("fa:16:3e:99:99:99", "192.168.101.99");
        let inside = in_vxlan(267, &frames::numbered_ping(stranger, to, 1));
        let whole = frames::udp(own, host(), (4000, 8472), &inside);
        let (wire, at) = (evil.packets(), victim.packets());
        let [first, last] = frames::fragments(&whole, 8);
        let marker = frames::numbered_ping(own, to, 2);
        for part in [&first, &last, &first, &marker] {
            wire.send(part);
        }
        let one = |it: &[u8]| it.starts_with(&marker) || it[6..12] == stranger.mac;
        let got = at.receive(LONG, one).expect("the marker arrives");
        assert!(got.starts_with(&marker), "something came by the tunnel");

        run("nft flush set inet vmhook tunnel_ports");
        for part in [&first, &last] {
            wire.send(part);
        }
        let got = at.receive(LONG, |it| it[6..12] == stranger.mac);
        assert!(got.is_some(), "where nothing keeps it out");
    });
}

/// Attack: to reach another host's tunnel in this host's name.
#[test]
fn nothing_goes_to_another_hosts_tunnel_behind_masquerading() {
    World::run(|world| {
        world.configure(&configuration());
        let outside = outside();
        let machine = Machine::start(world, web(8));
        run("sysctl -qw net.ipv4.ip_forward=1");
        run("iptables -t nat -A POSTROUTING -s 192.168.101.0/24 -o out0 -j MASQUERADE");
        let [vxlan, other] = [8472, 8473].map(|port| {
            outside.enter(|| UdpSocket::bind(("0.0.0.0", port)).expect("nobody else listens"))
        });
        let socket = machine.udp();
        let say =
            |to: &str, words: &str| socket.send_to(words.as_bytes(), to).expect("it goes out");
        say("203.0.113.9:8472", "to a tunnel");
        say("203.0.113.9:8473", "to another port");
        assert_eq!(next(&other), "to another port");

        run("nft flush chain inet vmhook from_end");
        run("nft flush chain inet vmhook forward");
        say("203.0.113.9:8472", "unkept");
        assert_eq!(next(&vxlan), "unkept");
    });
}

/// Attack: by the host from one tenant's network to another's.
#[test]
fn two_networks_with_ends_do_not_reach_each_other() {
    World::run(|world| {
        let other = OTHER.replace(
            "vni = 268",
            "vni = 268\nhost_address = \"192.168.102.1/24\"",
        );
        world.configure(&(configuration() + &other));
        run("sysctl -qw net.ipv4.ip_forward=1");
        let one = Machine::start(world, web(8));
        let beside = Vm::new(9).with(|nic| {
            "brqother".clone_into(&mut nic.bridge);
            "192.168.102.9".clone_into(&mut nic.ip);
            "web".clone_into(&mut nic.group);
        });
        let beside = Machine::start(world, beside);
        assert!(pings_at_once("192.168.101.8") && pings_at_once("192.168.102.9"));
        assert!(one.pings("192.168.101.1"));
        assert!(!one.pings_at_once("192.168.102.9"));
        assert!(!one.pings_at_once("192.168.102.1"), "its end neither");
        assert!(!beside.pings_at_once("192.168.101.8"));

        run("nft flush chain inet vmhook forward");
        assert!(one.pings("192.168.102.9"), "where nothing keeps it out");
    });
}
