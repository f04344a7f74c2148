//! A network that names its DHCP servers: replies of others reach no guest.
//!
//! The guest's groups let everything in, so that it is the guard that decides. Where no frame may
//! come, it comes once the guard's table is gone.

use std::cell::Cell;

use super::machine::CONFIGURATION;
use super::*;

/// The address that the other host's DHCPv6 server answers from.
const SERVER_V6: &str = "fe80::f816:3eff:fe00:101";

/// The configuration, in which the first network has these DHCP servers.
fn with_servers(servers: &str) -> String {
    CONFIGURATION
        .replacen("mtu = 1450", &format!("mtu = 1450\n{servers}"), 1)
        .replace(
            "{ protocol = \"icmp\" },\n  { protocol = \"ipv6-icmp\" },",
            "{ any = true },",
        )
}

fn limited() -> String {
    with_servers(&format!(
        "dhcp_servers = [\"192.168.101.1\", \"{SERVER_V6}\"]"
    ))
}

/// The other host, as a server with this address.
fn server(ip: &str) -> End {
    end("fa:16:3e:00:01:01", ip)
}

fn everybody() -> End {
    end("ff:ff:ff:ff:ff:ff", "255.255.255.255")
}

/// A reply, in as many frames as it takes.
struct Reply {
    what: &'static str,
    frames: Vec<Vec<u8>>,
}

const WORDS: &[u8] = b"an offer that is long enough for two fragments of it";

fn reply(what: &'static str, from: &str, to: End, ports: (u16, u16)) -> Reply {
    let frames = vec![frames::udp(server(from), to, ports, WORDS)];
    Reply { what, frames }
}

/// The same in two fragments, the first of which carries so many bytes behind the IP header.
fn fragmented(what: &'static str, Reply { frames, .. }: Reply, first: u16) -> Reply {
    let frames = frames::fragments(&frames[0], first).into();
    Reply { what, frames }
}

fn behind_options(what: &'static str, Reply { frames, .. }: Reply) -> Reply {
    let frames = vec![frames::behind_extension(60, &frames[0])];
    Reply { what, frames }
}

/// What the named servers say.
fn named() -> Vec<Reply> {
    let v4 = |what, to| reply(what, "192.168.101.1", to, (67, 68));
    let v6 = |what| reply(what, SERVER_V6, web2_v6(), (547, 546));
    vec![
        v4("an offer to all", everybody()),
        v4("an offer to the guest", web2()),
        fragmented("an offer in fragments", v4("", web2()), 16),
        v6("a DHCPv6 reply"),
        behind_options("a DHCPv6 reply behind options", v6("")),
        fragmented("a DHCPv6 reply in fragments", v6(""), 16),
        // A relay's may come from any port.
        reply(
            "a DHCPv6 reply from another port",
            SERVER_V6,
            web2_v6(),
            (1547, 546),
        ),
    ]
}

/// What anybody else might say.
fn strange() -> Vec<Reply> {
    let v4 = |what, to| reply(what, "192.168.101.2", to, (67, 68));
    let v6 = |what| reply(what, "fe80::2", web2_v6(), (547, 546));
    vec![
        v4("a strange offer to all", everybody()),
        v4("a strange offer to the guest", web2()),
        fragmented("a strange offer in fragments", v4("", web2()), 8),
        reply(
            "a strange offer from another port",
            "192.168.101.2",
            web2(),
            (6767, 68),
        ),
        v6("a strange DHCPv6 reply"),
        behind_options("a strange DHCPv6 reply behind options", v6("")),
        fragmented("a strange DHCPv6 reply in fragments", v6(""), 8),
        reply(
            "a strange DHCPv6 reply from another port",
            "fe80::2",
            web2_v6(),
            (1547, 546),
        ),
        reply(
            "a DHCPv6 reply from the server's global address",
            "2001:db8:101::1",
            web2_v6(),
            (547, 546),
        ),
    ]
}

/// One whose first fragment ends before the UDP header, so that it tells no port. The kernel takes no
/// such (RFC 8200, section 4.5) where it puts fragments together, guard or not.
fn untold() -> Vec<Reply> {
    let whole = reply("", SERVER_V6, web2_v6(), (547, 546));
    let what = "a DHCPv6 reply that its first fragment does not tell";
    vec![fragmented(what, behind_options("", whole), 8)]
}

/// Which of these reach the guest. The network is asked to carry a ping behind each.
fn arriving(from: &Packets, guest: &Tap, replies: &[Reply]) -> Vec<&'static str> {
    let arrives = |(number, reply): (usize, &Reply)| {
        let number = u16::try_from(number).unwrap();
        let mark = frames::numbered_ping(peer_v4(), web2(), number);
        for frame in &reply.frames {
            from.send(frame);
        }
        from.send(&mark);
        let seen = Cell::new(false);
        let told = guest.receive(SOON, |frame| {
            let words = frame
                .windows(8)
                .any(|part| part == &WORDS[WORDS.len() - 8..]);
            seen.set(seen.get() || words);
            frame == mark
        });
        assert!(told.is_some(), "the ping behind {} arrives", reply.what);
        seen.get().then_some(reply.what)
    };
    replies.iter().enumerate().filter_map(arrives).collect()
}

fn words(replies: &[Reply]) -> Vec<&'static str> {
    replies.iter().map(|reply| reply.what).collect()
}

#[test]
fn replies_come_from_the_networks_servers_alone() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    lab.configure(&limited());
    let (_web1, neighbour) = boot(&lab, "web1", web1_nic());
    let (_web2, guest) = boot(&lab, "web2", web2_nic());
    let tunnel = peer.packets("vxlan-267");
    assert_eq!(arriving(&tunnel, &guest, &named()), words(&named()));
    assert_eq!(arriving(&tunnel, &guest, &strange()), [""; 0]);

    let ping = frames::echo_request(web1(), web2());
    for port in [67, 6767] {
        let offer = frames::udp(web1(), web2(), (port, 68), WORDS);
        neighbour.send(&offer);
        neighbour.send(&ping);
        let first = guest.receive(SOON, |frame| frame == offer || frame == ping);
        assert_eq!(first.as_ref(), Some(&ping), "a neighbour is no server");
    }

    lab.ok("nft 'delete table bridge vmhook; delete table inet vmhook'");
    assert_eq!(arriving(&tunnel, &guest, &strange()), words(&strange()));
    assert_eq!(arriving(&tunnel, &guest, &untold()), [""; 0]);
}

/// A client looks at no source port, and a group that lets UDP in lets a neighbour's in.
#[test]
fn a_guest_answers_nobody_from_any_port() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web2, guest) = boot(&lab, "web2", web2_nic());
    let tunnel = peer.packets("vxlan-267");
    let mark = frames::echo_request(web2(), peer_v4());
    let v4 = |to, port| frames::udp(web2(), to, (port, 68), WORDS);
    let v6 = |port| frames::udp(web2_v6(), peer_v6(), (port, 546), WORDS);
    let offers = || {
        [
            v4(peer_v4(), 67),
            v4(peer_v4(), 6767),
            v4(everybody(), 6767),
            v6(547),
            v6(1547),
            frames::behind_extension(60, &v6(1547)),
        ]
    };
    let arrive = || {
        let sent = offers().map(|offer| {
            guest.send(&offer);
            guest.send(&mark);
            let next = || tunnel.receive(SOON, |frame| *frame == offer || *frame == mark);
            next().as_ref() == Some(&offer) && next().as_ref() == Some(&mark)
        });
        sent.map(u8::from)
    };
    assert_eq!(arrive(), [0; 6]);
    lab.ok("nft 'delete table bridge vmhook; delete table inet vmhook'");
    assert_eq!(
        arrive(),
        [0, 1, 1, 0, 1, 1],
        "from a server's port the rules drop it"
    );
}

#[test]
fn a_reload_changes_the_servers_of_guests_that_run() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    lab.configure(&with_servers(""));
    let (_web2, guest) = boot(&lab, "web2", web2_nic());
    let tunnel = peer.packets("vxlan-267");
    let all: Vec<Reply> = named().into_iter().chain(strange()).collect();
    let reload = |servers: &str| {
        lab.configure(&with_servers(servers));
        lab.ok("/usr/bin/vmhook reload")
    };
    assert_eq!(arriving(&tunnel, &guest, &all), words(&all), "anybody may");

    let told = reload("dhcp_servers = [\"192.168.101.2\"]");
    let web2 = "domain web2, interface fa:16:3e:be:71:22";
    assert_eq!(told, format!("{web2}: DHCP servers any -> 192.168.101.2\n"));
    let arrives = arriving(&tunnel, &guest, &all);
    assert_eq!(arrives, words(&strange()[..4]), "and no server over IPv6");

    let told = reload("dhcp_servers = []");
    assert_eq!(
        told,
        format!("{web2}: DHCP servers 192.168.101.2 -> none\n")
    );
    assert_eq!(arriving(&tunnel, &guest, &all), [""; 0]);

    reload("");
    assert_eq!(arriving(&tunnel, &guest, &all), words(&all), "as before");
}
