//! A list of the ports on other hosts carries a network without a flooded frame, and without anybody's
//! answer to a question for an address.

use super::between_hosts::{carries_its_own_machines_alone, configuration, vm};
use super::hosts::{Hosts, Machine};
use super::support::World;
use super::support::netns::run;

/// The ports of these numbers, each on the host of its number, and the first one on this host.
fn listed(first_on: u8) -> String {
    let host = |number: u8| 30 + if number == 1 { first_on } else { number };
    let port = |number: u8| {
        format!(
            "{{ mac = \"fa:16:3e:00:00:{number:02x}\", vtep = \"172.16.0.{}\", \
             addresses = [\"192.168.101.{number}\", \"2001:db8::{number}\"] }}",
            host(number)
        )
    };
    let ports: Vec<String> = (1..=3).map(port).collect();
    format!("hosts = [{}]", ports.join(", "))
}

/// Ports with an address of each family, and a group that lets pings of both in.
fn with_ipv6(carried: &str) -> String {
    let port = |number: u8| {
        format!(
            "[port.number{number}]\nmac = \"fa:16:3e:00:00:{number:02x}\"\n\
             fixed_ips = [\"192.168.101.{number}\", \"2001:db8::{number}\"]\n\
             security_groups = [\"pinged\"]\n"
        )
    };
    let ports: Vec<String> = (1..=3).map(port).collect();
    format!(
        "{}\n[security_group.pinged]\n\
         ingress = [{{ protocol = \"icmp\" }}, {{ protocol = \"ipv6-icmp\" }}]\n\
         egress = [{{ any = true }}]\n{}",
        configuration("172.16.0.@", carried),
        ports.join("\n")
    )
}

fn fdb(_: &World) -> String {
    run("bridge fdb show dev vxlan-267")
}

#[test]
fn a_list_of_ports_carries_a_network() {
    carries_its_own_machines_alone(&configuration("172.16.0.@", &listed(1)), 1450);
}

#[test]
fn nothing_is_flooded_and_no_question_leaves_the_host() {
    let hosts = Hosts::configured(&with_ipv6(&listed(1)));
    let before = hosts.dump();
    let machines =
        [(0, 1), (1, 2)].map(|(host, number)| hosts.start(host, vm("red", number, 1450)));
    for (machine, number) in machines.iter().zip([1, 2]) {
        machine.run("sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0");
        machine.run(&format!(
            "ip -6 address add 2001:db8::{number}/64 dev eth0 nodad"
        ));
    }
    let [one, other] = &machines;
    let fdb = hosts.on(0, fdb);
    assert!(!fdb.contains("00:00:00:00:00:00"), "{fdb}");
    assert!(!fdb.contains("dst 172.16.0.31"), "its own port: {fdb}");
    assert!(one.pings(other.address()), "IPv4");
    assert!(one.pings("2001:db8::2"), "IPv6");
    assert!(!one.pings_at_once("192.168.101.9"), "whom nobody lists");
    machines.into_iter().for_each(Machine::stop);
    hosts.assert_unchanged_since(&before);
}

/// Whom the list has not is found as without it.
#[test]
fn a_list_beside_a_flood_list_hides_nobody() {
    let flood = r#"flood = ["172.16.0.31", "172.16.0.32", "172.16.0.33"]"#;
    let carried = format!("{flood}\n{}", listed(1));
    let hosts = Hosts::configured(&configuration("172.16.0.@", &carried));
    let before = hosts.dump();
    let [one, listed, other] =
        [(0, 1), (1, 2), (2, 7)].map(|(host, number)| hosts.start(host, vm("red", number, 1450)));
    assert!(one.pings(listed.address()), "who is listed");
    assert!(one.pings(other.address()), "who is not");
    assert_eq!(other.asks(listed.address()), listed.name());
    [one, listed, other].into_iter().for_each(Machine::stop);
    hosts.assert_unchanged_since(&before);
}

/// The outage ends with the reload on the asking host: printed, as it depends on the machine.
#[test]
fn a_machine_that_moves_is_found_again_when_the_list_says_so() {
    let hosts = Hosts::configured(&configuration("172.16.0.@", &listed(1)));
    let before = hosts.dump();
    let asking = hosts.start(2, vm("red", 3, 1450));
    let moving = hosts.start(0, vm("red", 1, 1450));
    let pings = asking.keep_pinging(moving.address());
    let moved = moving.move_to(1);
    for (host, number) in [(2, 33), (1, 32), (0, 31)] {
        hosts.on(host, |world| {
            let toml = configuration("172.16.0.@", &listed(2)).replace('@', &number.to_string());
            world.configure(&toml);
            world.vmhook(&["reload"]).ok()
        });
    }
    assert!(asking.pings(moved.address()), "it is found again");
    let silence = pings.end().longest_silence;
    println!("hosts: a moved machine was silent for {silence:?}");
    assert_eq!(asking.asks(moved.address()), moved.name());
    [asking, moved].into_iter().for_each(Machine::stop);
    hosts.assert_unchanged_since(&before);
}

#[test]
fn what_somebody_took_away_comes_back_and_what_nobody_listed_goes() {
    let hosts = Hosts::configured(&configuration("172.16.0.@", &listed(1)));
    let machine = hosts.start(0, vm("red", 1, 1450));
    hosts.on(0, |world| {
        let look = || run("bridge fdb show dev vxlan-267; ip neigh show dev vxlan-267 | sort");
        let good = look();
        run("bridge fdb del fa:16:3e:00:00:02 dev vxlan-267");
        run("ip neigh del 192.168.101.2 dev vxlan-267");
        run("ip neigh replace 192.168.101.3 lladdr fa:16:3e:00:00:09 dev vxlan-267 nud permanent");
        run("ip neigh replace 192.168.101.9 lladdr fa:16:3e:00:00:09 dev vxlan-267 nud permanent");
        assert_ne!(look(), good);
        world.vmhook(&["sync"]).ok();
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&look()), sorted(&good));
    });
    machine.stop();
}
