//! A network with `clamp_mss`: TCP fits its MTU, whatever the guests believe.
//!
//! A frame that arrives is compared byte for byte with one that its sender would have made of the
//! smaller offer: so its checksum is right, and nothing else of it was touched.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use super::machine::{CONFIGURATION, start_host_with};
use super::*;

/// The configuration, in which the first network clamps.
fn clamping() -> String {
    CONFIGURATION.replacen("mtu = 1450", "mtu = 1450\nclamp_mss = true", 1)
}

/// Who sends or gets a frame.
#[derive(Clone, Copy)]
enum Station<'a> {
    Guest(&'a Tap),
    Peer(&'a Packets),
}

impl Station<'_> {
    fn send(self, frame: &[u8]) {
        match self {
            Self::Guest(tap) => tap.send(frame),
            Self::Peer(link) => link.send(frame),
        }
    }

    fn receive(self, wanted: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        match self {
            Self::Guest(tap) => tap.receive(SOON, wanted),
            Self::Peer(link) => link.receive(SOON, wanted),
        }
    }
}

/// The way from one station to another.
#[derive(Clone, Copy)]
struct Way<'a> {
    from: (Station<'a>, End),
    to: (Station<'a>, End),
    ports: (u16, u16),
}

impl Way<'_> {
    /// A segment with these flags and this offer arrives with the other one.
    #[track_caller]
    fn carries(self, flags: &str, offered: u16, arriving: u16) {
        let segment = |mss| {
            let ends = (self.from.1, self.to.1);
            frames::tcp_offering(ends.0, ends.1, self.ports, (flags, mss))
        };
        let (sent, wanted) = (segment(offered), segment(arriving));
        // All but checksum, urgent pointer and offer, so that one that arrives otherwise is shown.
        let known = sent.len() - 8;
        self.from.0.send(&sent);
        let came = self
            .to
            .0
            .receive(|frame| frame.len() == sent.len() && frame[..known] == sent[..known]);
        let came = came.expect("it arrives");
        assert!(came == wanted, "{flags} with {offered}: {came:02x?}");
    }
}

fn way<'a>(from: (Station<'a>, End), to: (Station<'a>, End)) -> Way<'a> {
    let ports = (4000, 22);
    Way { from, to, ports }
}

#[test]
fn what_opens_a_connection_offers_what_the_network_carries() {
    let lab = Lab::new();
    let peer = start_host_with(&lab, &clamping());
    let (_web1, first) = boot(&lab, "web1", web1_nic());
    let (_web2, second) = boot(&lab, "web2", web2_nic());
    let elsewhere = Nic::new(OTHER_BRIDGE, "tap9e8d7c6b-88", "fa:16:3e:be:71:21");
    let (_other, other) = boot(&lab, "other", elsewhere);
    let links = ["vxlan-267", "vxlan-268"].map(|link| peer.packets(link));
    let [there, there_too] = [Station::Peer(&links[0]), Station::Peer(&links[1])];
    let [first, second, other] = [&first, &second, &other].map(|tap| Station::Guest(tap));

    let outward = way((second, web2()), (there, peer_v4()));
    let inward = way((there, peer_v4()), (second, web2()));
    let local = way((first, web1()), (second, web2()));
    for way in [outward, inward, local] {
        way.carries("S", 1460, 1410);
    }
    let outward_v6 = way((second, web2_v6()), (there, peer_v6()));
    let inward_v6 = way((there, peer_v6()), (second, web2_v6()));
    for way in [outward_v6, inward_v6] {
        way.carries("S", 1440, 1390);
    }
    // Never more than was offered.
    outward.carries("S", 1410, 1410);
    outward.carries("S", 536, 536);
    inward_v6.carries("S", 1220, 1220);
    // What answers offers as well.
    let answer = Way {
        ports: (22, 4000),
        ..outward
    };
    answer.carries("SA", 1460, 1410);
    // Only what opens a connection is touched, and only what offers, and on this network.
    outward.carries("A", 1460, 1460);
    way((other, web1()), (there_too, peer_v4())).carries("S", 1460, 1460);
    let plain = frames::tcp_syn(web2(), peer_v4(), (4001, 22));
    second.send(&plain);
    assert!(there.receive(|frame| frame == plain).is_some());

    lab.configure(CONFIGURATION);
    let changed = lab.ok("/usr/bin/vmhook reload");
    let line = "network selfservice: clamp_mss true -> false";
    assert!(changed.contains(line), "{changed}");
    outward.carries("S", 1460, 1460);
    lab.configure(&clamping());
    lab.ok("/usr/bin/vmhook reload");
    outward.carries("S", 1460, 1410);
    inward_v6.carries("S", 1440, 1390);
}

/// A guest of this host and one of the other host, network namespaces both. Each believes in 1500
/// bytes, and so does what it is plugged into; the tunnel carries 1450. They send each segment by
/// itself: what a guest leaves to its device to cut, the kernel cuts again behind the tunnel.
fn plug_guests(lab: &Lab) {
    // A TAP takes what its guest sends, a veth no more than its MTU.
    lab.ok(&format!(
        "ip link set {TAP} mtu 1500
         ip netns exec here sh -c '
             ip address add 192.168.101.88/24 dev eth0; ip link set eth0 gso_max_segs 1 up'
         ip netns add there
         ip -n peer address flush dev vxlan-267
         ip -n peer link add br0 mtu 1450 type bridge
         ip -n peer link set vxlan-267 master br0
         ip -n peer link add port type veth peer name eth0 netns there
         ip -n peer link set port master br0 up; ip -n peer link set br0 up
         ip netns exec there sh -c '
             ip address add 192.168.101.1/24 dev eth0; ip link set eth0 gso_max_segs 1 up'"
    ));
}

/// How many bytes come of those that one end sends, until none came for two seconds.
fn transfer(mut from: &TcpStream, mut to: &TcpStream, size: usize) -> usize {
    to.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    from.set_write_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    std::thread::scope(|scope| {
        // What does not fit into the sender's buffer it keeps.
        scope.spawn(move || from.write_all(&vec![b'x'; size]));
        let (mut bytes, mut count) = (vec![0; 65536], 0);
        while count < size {
            match to.read(&mut bytes) {
                Ok(more) => count += more,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        count
    })
}

#[test]
fn tcp_between_guests_that_believe_in_more_hangs_and_with_the_clamp_passes() {
    const SIZE: usize = 1 << 20;
    let lab = Lab::new();
    start_host_with(&lab, CONFIGURATION);
    let web1 = Machine::new(&lab, "web1", &[web1_nic()]);
    web1.call("prepare");
    lab.ok(&format!(
        "ip netns add here
         ip link add {TAP} mtu 1450 type veth peer name eth0 netns here address fa:16:3e:be:71:21 mtu 1500
         ip link set {TAP} master {BRIDGE} up"
    ));
    web1.call("start");
    plug_guests(&lab);
    let (here, there) = (lab.other_host("here"), lab.other_host("there"));
    let listener = there.tcp_listener("192.168.101.1:5000");
    let connect = || {
        (
            here.connect("192.168.101.1:5000"),
            listener.accept().unwrap().0,
        )
    };

    let (guest, other) = connect();
    assert_eq!(
        transfer(&guest, &other, SIZE),
        0,
        "connected, and then nothing"
    );

    lab.configure(&clamping());
    lab.ok("/usr/bin/vmhook reload");
    let (guest, other) = connect();
    assert_eq!(transfer(&guest, &other, SIZE), SIZE);
    assert_eq!(transfer(&other, &guest, SIZE), SIZE);
}
