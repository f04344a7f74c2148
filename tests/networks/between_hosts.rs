//! Machines of different hosts reach each other by their network alone, whatever carries it.

use super::hosts::{Hosts, Machine};
use super::support::Vm;
use super::support::netns::run;

/// Two networks of one address range on each host: `red` and `blue`, carried as it is said.
pub(crate) fn configuration(local_ip: &str, carried: &str) -> String {
    format!(
        r#"[host]
local_ip = "{local_ip}"

[network.red]
id = "red"
type = "vxlan"
vni = 267
{carried}

[network.blue]
id = "blue"
type = "vxlan"
vni = 268
{carried}

[security_group.web]
ingress = [
    {{ protocol = "icmp" }},
    {{ ethertype = "ipv4", protocol = "tcp", port = 22 }},
]
egress = [{{ any = true }}]
"#
    )
}

const FLOOD: &str = r#"flood = ["172.16.0.31", "172.16.0.32", "172.16.0.33"]"#;
const FLOOD6: &str = r#"flood = ["fd00:16::31", "fd00:16::32", "fd00:16::33"]"#;

/// A machine of a network, with the address of this number.
pub(crate) fn vm(network: &str, number: u8, mtu: u32) -> Vm {
    let mut vm = Vm::new(number).with(|nic| {
        nic.bridge = format!("brq{network}");
        nic.mtu = mtu;
        "web".clone_into(&mut nic.group);
    });
    vm.name = format!("{network}{number}");
    vm
}

/// The machine of the other network with the same address: it has another tap, name and UUID.
pub(crate) fn twin(number: u8, mtu: u32) -> Vm {
    let mut twin = vm("blue", number, mtu);
    twin.uuid = twin.uuid.replacen("-4000-", "-4001-", 1);
    twin.nics[0].tap = twin.nics[0].tap.replacen("tap", "tbp", 1);
    twin
}

/// Each reaches the others of its network by ping and TCP, in packets of the network's full size, and
/// never a machine of another network, though that has the same address.
pub(crate) fn carries_its_own_machines_alone(configuration: &str, mtu: u32) {
    let hosts = Hosts::configured(configuration);
    let before = hosts.dump();
    let red = [0, 1, 2].map(|host| hosts.start(host, vm("red", number(host), mtu)));
    let blue = [1, 2].map(|host| hosts.start(host, twin(number(host), mtu)));

    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        reaches(&red[from], &red[to], mtu);
    }
    reaches(&blue[0], &blue[1], mtu);
    assert!(
        !blue[0].pings_at_once(red[0].address()),
        "the networks meet"
    );

    red.into_iter().chain(blue).for_each(Machine::stop);
    hosts.assert_unchanged_since(&before);
}

fn number(host: usize) -> u8 {
    u8::try_from(host + 1).expect("few hosts")
}

#[track_caller]
pub(crate) fn reaches(from: &Machine<'_>, to: &Machine<'_>, mtu: u32) {
    let address = to.address();
    assert!(from.pings(address), "{address} does not answer a ping");
    assert!(
        from.carries(address, mtu),
        "{mtu} bytes do not reach {address}"
    );
    assert_eq!(from.asks(address), to.name(), "who answers at {address}");
}

#[test]
fn a_flood_list_carries_a_network() {
    carries_its_own_machines_alone(&configuration("172.16.0.@", FLOOD), 1450);
}

#[test]
fn a_flood_list_over_ipv6_carries_a_network() {
    carries_its_own_machines_alone(&configuration("fd00:16::@", FLOOD6), 1430);
}

#[test]
fn a_multicast_group_carries_a_network() {
    let group = r#"group = "239.1.1.11""#;
    carries_its_own_machines_alone(&configuration("172.16.0.@", group), 1450);
}

#[test]
fn a_multicast_group_over_ipv6_that_follows_from_the_vni_carries_a_network() {
    let groups = r#"group = "ff05::/64""#;
    carries_its_own_machines_alone(&configuration("fd00:16::@", groups), 1430);
}

#[test]
fn packets_without_checksum_from_few_ports_carry_a_network() {
    let options = "udp_checksum = false\nsource_ports = \"50000-50007\"\nport = 4789\n";
    let v4 = configuration("172.16.0.@", &format!("{options}{FLOOD}"));
    carries_its_own_machines_alone(&v4, 1450);
    let v6 = configuration("fd00:16::@", &format!("{options}{FLOOD6}"));
    carries_its_own_machines_alone(&v6, 1430);
}

/// The outage is what the pings of a third host see: printed, as it depends on the machine.
#[test]
fn a_machine_that_moves_is_found_again() {
    for carried in [FLOOD, r#"group = "239.1.1.11""#] {
        let hosts = Hosts::configured(&configuration("172.16.0.@", carried));
        let before = hosts.dump();
        let asking = hosts.start(2, vm("red", 3, 1450));
        let moving = hosts.start(0, vm("red", 1, 1450));
        let pings = asking.keep_pinging(moving.address());
        let moved = moving.move_to(1);
        assert!(asking.pings(moved.address()), "it is found again");
        let pinged = pings.end();
        println!(
            "{carried}: a moved machine was silent for {:?}",
            pinged.longest_silence
        );
        assert!(pinged.longest_silence.as_secs() < 5, "{pinged:?}");
        assert_eq!(asking.asks(moved.address()), moved.name());
        for machine in [asking, moved] {
            machine.stop();
        }
        hosts.assert_unchanged_since(&before);
    }
}

/// The host's own firewall is stateful, so that conntrack looks at everything it may look at.
#[test]
fn a_hosts_conntrack_sees_what_is_in_a_tunnel_and_not_the_tunnel() {
    let six = configuration("fd00:16::@", r#"group = "ff05::/64""#);
    for (configuration, mtu) in [(configuration("172.16.0.@", FLOOD), 1450), (six, 1430)] {
        let hosts = Hosts::configured(&configuration);
        for host in [0, 1] {
            hosts.on(host, |_| {
                run("iptables -A INPUT -m conntrack --ctstate INVALID -j DROP");
                run("ip6tables -A INPUT -m conntrack --ctstate INVALID -j DROP");
            });
        }
        let machines = [0, 1].map(|host| hosts.start(host, vm("red", number(host), mtu)));
        reaches(&machines[0], &machines[1], mtu);
        let tracked = |host| {
            hosts.on(host, |_| {
                run("conntrack -L -f ipv4") + &run("conntrack -L -f ipv6")
            })
        };
        for host in [0, 1] {
            let tracked = tracked(host);
            assert!(!tracked.contains("dport=8472"), "host {host}: {tracked}");
            assert!(tracked.contains("dport=22"), "host {host}: {tracked}");
            hosts.on(host, |_| {
                run("nft flush set inet vmhook vteps4");
                run("nft flush set inet vmhook vteps6");
            });
        }
        reaches(&machines[0], &machines[1], mtu);
        assert!(
            tracked(0).contains("dport=8472"),
            "the sets alone were in the way"
        );
        for machine in machines {
            machine.stop();
        }
    }
}
