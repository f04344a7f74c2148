//! The story of a host that begins without VLANs, without bridge netfilter, and without us.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use super::support::call::assert_silent;
use super::support::frames::{self, End, end};
use super::support::netns::run;
use super::support::world::{CONFIG, assert_refuses, assert_same};
use super::support::{Tap, Vm, World};

/// A name that leaves no room for a VLAN.
const NIC: &str = "enp129s0f0np0";
/// Neutron's name for VLAN 1011 of it.
const DEVICE: &str = "enp197e4a1.1011";
const BRIDGE: &str = "brqoffice";

const VLAN: &str = r#"
[host.physical_networks]
physnet1 = "enp129s0f0np0"

[network.office]
id = "office"
type = "vlan"
vlan = 1011
physical_network = "physnet1"
host_address = ["192.168.101.254/24", "2001:db8:101::fe/64"]

[network.lan]
id = "lan"
bridge = "br9"
"#;

/// Emulated, and perhaps beside much else.
const SOON: Duration = Duration::from_secs(20);

#[test]
#[ignore = "runs on Debian's kernel, where a_host_with_debians_kernel_serves_vlan_networks boots it"]
fn a_vlan_network_comes_serves_and_goes() {
    World::here(|world| {
        wire_up(world);
        let switches = || switches(Path::new("/proc/sys/net/bridge"));
        assert_eq!(switches(), None, "br_netfilter is not loaded yet");
        let before = world.dump();

        let vm = on_it(1);
        let taps = world.bring_up_open(&vm);
        assert_eq!(
            switches(),
            Some([0, 0, 0]),
            "loaded, and for our bridges alone"
        );
        let own = format!("/sys/class/net/{BRIDGE}/bridge");
        let own =
            ["nf_call_iptables", "nf_call_ip6tables"].map(|it| number(&format!("{own}/{it}")));
        assert_eq!(own, [1, 1]);
        let device = run(&format!("ip -d -o link show {DEVICE}"));
        for part in ["802.1Q id 1011", "alias vmhook:network=office", BRIDGE] {
            assert!(device.contains(part), "{part}: {device}");
        }
        let second = on_it(2);
        world.bring_up(&[&second]);
        only_its_own_vlan_meets_the_machine(world, &taps[0], &vm);
        strangers_on_the_bridge_do_not_meet();
        the_host_is_met_at_its_end_alone(&taps[0], &vm);
        a_bridge_that_is_up_is_brought_back_to_its_form(world);

        world.take_down(&[&second]);
        world.take_down(&[&vm]);
        assert_same(&world.dump(), &before, "all have stopped");
        a_vlan_that_has_a_device_of_another_name_is_refused_with_it(world);
        a_device_that_somebody_made_is_taken_over(world);
        a_bridge_of_the_hosts_that_goes_by_vlans_is_refused(world);
        assert_same(&world.dump(), &before, "nothing is left");
    });
}

/// This kernel refuses to give a link its name while it is up, even its own.
fn a_bridge_that_is_up_is_brought_back_to_its_form(world: &World) {
    let standing = world.kernel();
    run(&format!(
        "ip link set {BRIDGE} type bridge group_fwd_mask 0 vlan_filtering 1"
    ));
    run("nft add table inet somebody");
    run("nft delete table inet somebody");
    assert_silent(&world.daemon_start().end());
    assert_same(&world.kernel(), &standing, "repaired");
}

fn a_vlan_that_has_a_device_of_another_name_is_refused_with_it(world: &World) {
    run(&format!(
        "ip link add elsewhere link {NIC} type vlan id 1011"
    ));
    assert_refuses(world, &on_it(1), &["device elsewhere already"]);
    // Where the kernel knows VXLAN devices it lists those alone, and who makes the device finds it.
    run("ip link add other type vxlan id 7 dstport 4789");
    let words = format!("over {NIC}: this VLAN of it is device elsewhere already");
    assert_refuses(world, &on_it(1), &[&words]);
    run("ip link delete other");
    run("ip link delete elsewhere");
}

fn a_device_that_somebody_made_is_taken_over(world: &World) {
    run(&format!(
        "ip link add {DEVICE} link {NIC} type vlan id 1012"
    ));
    assert_refuses(
        world,
        &on_it(1),
        &[&format!(
            "it is VLAN 1012 of {NIC}, and this network needs VLAN 1011 of {NIC}"
        )],
    );
    run(&format!("ip link delete {DEVICE}"));
    run(&format!(
        "ip link add {DEVICE} link {NIC} type vlan id 1011"
    ));
    world.bring_up(&[&on_it(1)]);
    world.take_down(&[&on_it(1)]);
}

/// It would untag frames behind the place where iptables takes notice of them.
fn a_bridge_of_the_hosts_that_goes_by_vlans_is_refused(world: &World) {
    run("ip link add br9 type bridge vlan_filtering 1");
    run("ip link set br9 up");
    let vm = Vm::new(1).with(|nic| "br9".clone_into(&mut nic.bridge));
    assert_refuses(world, &vm, &["br9, which goes by VLANs (vlan_filtering 1)"]);
    run("ip link delete br9");
}

/// The other end of the cable, with a device for the network's VLAN and one for another.
fn wire_up(world: &World) {
    run(&format!("ip link add {NIC} type veth peer name cable"));
    run(&format!("ip link set {NIC} up"));
    run("ip link set cable up");
    for vlan in [1011, 1012] {
        run(&format!(
            "ip link add far{vlan} link cable type vlan id {vlan}"
        ));
        run(&format!("ip link set far{vlan} up"));
    }
    // An emulated processor takes its time.
    let config = CONFIG.replace("[host]", "[host]\nhook_timeout = 120");
    world.configure(&(config + VLAN));
}

fn on_it(number: u8) -> Vm {
    Vm::new(number).with(|nic| BRIDGE.clone_into(&mut nic.bridge))
}

/// With this kernel's lookups of addresses, which are modules of their own.
fn the_host_is_met_at_its_end_alone(tap: &Tap, vm: &Vm) {
    let own = end(&vm.nics[0].mac, &vm.nics[0].ip);
    let asked = end("00:00:00:00:00:00", "192.168.101.254");
    tap.send(&frames::arp_request(own.mac, own, asked));
    let is_answer = |frame: &[u8]| frame[12..14] == [8, 6] && frame[28..32] == [192, 168, 101, 254];
    let answer = tap.receive(SOON, is_answer).expect("the host answers");
    let mac = answer[6..12].try_into().expect("six octets");

    let service = UdpSocket::bind("0.0.0.0:7000").expect("nobody else listens");
    service.set_read_timeout(Some(SOON)).expect("a limit");
    for (ip, words) in [
        ("172.16.0.31", "to the underlay"),
        ("127.0.0.1", "to the host itself"),
        ("192.168.101.254", "to its end"),
    ] {
        let ip = ip.parse().expect("an address");
        let to = End { mac, ip };
        tap.send(&frames::udp(own, to, (4000, 7000), words.as_bytes()));
    }
    let mut bytes = [0; 100];
    let count = service.recv(&mut bytes).expect("a datagram comes");
    assert_eq!(&bytes[..count], b"to its end");
}

/// The host-wide switches of bridge netfilter; `None` while it is not there.
fn switches(folder: &Path) -> Option<[u8; 3]> {
    let switch = |name: &str| number(&folder.join(name).display().to_string());
    let names = ["iptables", "ip6tables", "arptables"];
    folder
        .is_dir()
        .then(|| names.map(|name| switch(&format!("bridge-nf-call-{name}"))))
}

fn number(path: &str) -> u8 {
    let text = fs::read_to_string(path).expect("the kernel shows it");
    text.trim().parse().expect("a number")
}

/// ARP passes both ways, tagged on the cable. A ping from outside no group lets in: so bridged
/// frames do go through iptables.
fn only_its_own_vlan_meets_the_machine(world: &World, tap: &Tap, vm: &Vm) {
    let own = end(&vm.nics[0].mac, &vm.nics[0].ip);
    let outside = end("fa:16:3e:00:00:99", "192.168.101.99");
    let (ours, other) = (world.packets("far1011"), world.packets("far1012"));
    let asked = frames::arp_request(own.mac, own, outside);
    tap.send(&asked);
    assert!(ours.receive(SOON, |frame| frame == asked).is_some());

    let from = |number: u8| End {
        ip: format!("192.168.101.{number}").parse().expect("an address"),
        ..outside
    };
    let question = |number| frames::arp_request(outside.mac, from(number), own);
    other.send(&question(201));
    world.packets("cable").send(&question(202));
    ours.send(&frames::echo_request(outside, own));
    ours.send(&question(203));
    let got = tap.receive(SOON, |frame| {
        frame[..6] != [0xff; 6] || frame[12..14] == [8, 6]
    });
    assert_eq!(got, Some(question(203)), "the first that came in");
    assert!(
        other
            .receive(Duration::ZERO, |frame| frame == asked)
            .is_none(),
        "another VLAN"
    );
}

/// Two ports that nobody opened. On a bridge of somebody else they do meet.
fn strangers_on_the_bridge_do_not_meet() {
    let [one, two] = ["stranger1", "stranger2"].map(Tap::open_down);
    let frame = frames::arp_request(
        frames::mac("fa:16:3e:00:01:01"),
        end("fa:16:3e:00:01:01", "192.0.2.1"),
        end("fa:16:3e:00:01:02", "192.0.2.2"),
    );
    let met = |bridge: &str, wait| {
        for tap in ["stranger1", "stranger2"] {
            run(&format!("ip link set {tap} master {bridge} up"));
        }
        one.send(&frame);
        two.receive(wait, |it| it == frame).is_some()
    };
    run("ip link add plain type bridge forward_delay 0");
    run("ip link set plain up");
    assert!(met("plain", SOON));
    assert!(!met(BRIDGE, Duration::from_secs(1)), "closed to each other");
    run("ip link delete plain");
}
