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
