//! A stateless port beside a stateful one.

use super::*;

fn web3() -> End {
    end("fa:16:3e:be:71:23", "192.168.101.90")
}

#[test]
fn a_stateless_guest_is_untracked_and_its_stateful_neighbour_is_not() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let (_web1, tap1) = boot(&lab, "web1", web1_nic());
    let nic = Nic::new(BRIDGE, "tap3a3b3c3d-33", "fa:16:3e:be:71:23");
    let (_web3, tap3) = boot(&lab, "web3", nic);
    let tunnel = peer.packets("vxlan-267");
    let ask = |from, to| frames::udp(from, to, (4000, 53), b"who?");
    let answer = |from, to| frames::udp(from, to, (53, 4000), b"this one");

    tap3.send(&ask(web3(), peer_v4()));
    let asked = tunnel.receive(SOON, |frame| frame == ask(web3(), peer_v4()));
    assert!(asked.is_some(), "it may ask");
    let ping = frames::numbered_ping(peer_v4(), web3(), 1);
    tunnel.send(&answer(peer_v4(), web3()));
    tunnel.send(&ping);
    let answered = machine::first_arrives(&tap3, &answer(peer_v4(), web3()), &ping);
    assert!(!answered, "no rule allows the answer");

    tunnel.send(&ask(peer_v4(), web3()));
    let asked = tap3.receive(SOON, |frame| frame == ask(peer_v4(), web3()));
    assert!(asked.is_some(), "a rule allows the question");
    tap1.send(&ask(web1(), web3()));
    let asked = tap3.receive(SOON, |frame| frame == ask(web1(), web3()));
    assert!(asked.is_some(), "and its neighbour's");
    let ping = frames::numbered_ping(web3(), web1(), 2);
    tap3.send(&answer(web3(), web1()));
    tap3.send(&ping);
    let answered = machine::first_arrives(&tap1, &answer(web3(), web1()), &ping);
    assert!(answered, "the neighbour knows what it asked");

    let tracked = lab.ok("conntrack -L -w 4097 2>/dev/null");
    assert!(
        tracked.contains("src=192.168.101.88 dst=192.168.101.90"),
        "{tracked}"
    );
    let untracked = tracked.lines().all(|line| !line.contains("192.168.101.1 "));
    assert!(untracked, "{tracked}");
}
