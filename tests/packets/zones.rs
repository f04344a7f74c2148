//! One address on two networks: two conversations.

use super::*;

#[test]
fn a_conversation_on_one_network_opens_nothing_on_another_with_the_same_addresses() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let other_nic = Nic::new(OTHER_BRIDGE, "tap9f8e7d6c-5b", "fa:16:3e:be:71:21");
    let machine = Machine::new(&lab, "both", &[web1_nic(), other_nic]);
    machine.call("prepare");
    let taps = machine.plug();
    machine.call("start");
    machine.call("started");
    let one = Way {
        tap: &taps[0],
        peer: peer.packets("vxlan-267"),
    };
    let two = Way {
        tap: &taps[1],
        peer: peer.packets("vxlan-268"),
    };

    one.ask();
    assert!(
        one.is_answered(1),
        "the answer on the network of the question"
    );
    assert!(!two.is_answered(2), "nobody asked on the other network");
    two.ask();
    assert!(two.is_answered(3));
    assert!(one.is_answered(4));

    // The zones alone tell the two apart.
    machine.call("stopped");
    machine.call("start");
    lab.ok("iptables -t raw -F PREROUTING");
    one.ask();
    assert!(two.is_answered(5), "without zones one question opens both");
}

/// A machine's interface and the peer on its network.
struct Way<'a> {
    tap: &'a Tap,
    peer: Packets,
}

impl Way<'_> {
    /// The guest asks a name server.
    fn ask(&self) {
        let question = frames::udp(web1(), peer_v4(), (4000, 53), b"who?");
        self.tap.send(&question);
        let asked = self.peer.receive(SOON, |frame| frame == question);
        assert!(asked.is_some(), "the guest may ask");
    }

    /// Whether the guest gets what a name server would answer.
    fn is_answered(&self, number: u16) -> bool {
        let answer = frames::udp(peer_v4(), web1(), (53, 4000), b"this one");
        let ping = frames::numbered_ping(peer_v4(), web1(), number);
        self.peer.send(&answer);
        self.peer.send(&ping);
        let first = self
            .tap
            .receive(SOON, |frame| frame == answer || frame == ping);
        let first = first.expect("the ping that follows must arrive");
        if first == answer {
            let ping = self.tap.receive(SOON, |frame| frame == ping);
            assert!(ping.is_some(), "both arrive");
        }
        first == answer
    }
}

/// The machine of the other network that has a neighbour's addresses there.
const TWIN: &str = "fixed_ips = [\"192.168.101.89\", \"2001:db8:101::89\"]";

/// ```text
///   web2  ── first fragment ──▶ brqc08e7dcd-4a     one address, one identification
///   other ── last fragment ───▶ brq2222aaaa-11
/// ```
#[test]
fn a_machine_completes_no_packet_of_its_namesake_on_another_network() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let other = "network = \"other\"\nmac = \"fa:16:3e:be:71:21\"\n";
    let fixed = format!("{other}fixed_ips = [\"192.168.101.88\"]");
    let twin = machine::CONFIGURATION.replace(&fixed, &format!("{other}{TWIN}"));
    assert_ne!(twin, machine::CONFIGURATION);
    lab.configure(&twin);
    let (_web2, own) = boot(&lab, "web2", web2_nic());
    let other = Nic::new(OTHER_BRIDGE, "tap9f8e7d6c-5b", "fa:16:3e:be:71:21");
    let (_other, namesake) = boot(&lab, "other", other);
    let there = ["vxlan-267", "vxlan-268"].map(|link| peer.packets(link));
    let forged = |words: &[u8]| {
        [(web2(), peer_v4()), (web2_v6(), peer_v6())].map(|(from, to)| {
            let whole = frames::udp(from, to, (4000, 53), &[&[0; 40], words].concat());
            let [first, last] = frames::fragments(&whole, 16);
            own.send(&first);
            namesake.send(&with_source("fa:16:3e:be:71:21", last));
            own.send(&frames::echo_request(web2(), peer_v4()));
            let twin = end("fa:16:3e:be:71:21", "192.168.101.89");
            namesake.send(&frames::echo_request(twin, peer_v4()));
            there.each_ref().map(|link| got(link, words))
        })
    };
    assert_eq!(forged(b"with zones"), [[false; 2]; 2]);
    lab.ok("nft flush chain inet vmhook fragments");
    let [v4, v6] = forged(b"without");
    assert!(v4.contains(&true) && v6.contains(&true), "{v4:?}, {v6:?}");
}

fn with_source(mac: &str, mut frame: Vec<u8>) -> Vec<u8> {
    frame[6..12].copy_from_slice(&frames::mac(mac));
    frame
}

/// Whether these words come before the ping that is sent last.
fn got(link: &Packets, words: &[u8]) -> bool {
    let seen = std::cell::Cell::new(false);
    let ping = link.receive(SOON, |frame| {
        let has = frame.windows(words.len()).any(|part| part == words);
        seen.set(seen.get() || has);
        frame[12..14] == [8, 0] && frame[23] == 1
    });
    assert!(ping.is_some(), "the ping that follows must arrive");
    seen.get()
}
