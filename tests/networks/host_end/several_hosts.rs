//! Hosts that share a network, each with an end on it.

use crate::between_hosts::{configuration, vm};
use crate::hosts::{Hosts, Machine};
use crate::support::World;
use crate::support::netns::run;

const FLOOD: &str = "flood = [\"172.16.0.31\", \"172.16.0.32\", \"172.16.0.33\"]";

/// Each host has this address on the first of the two networks.
fn with_end(address: &str) -> String {
    let first = format!("{FLOOD}\nhost_address = \"{address}\"");
    configuration("172.16.0.@", FLOOD).replacen(FLOOD, &first, 1)
}

fn mac_of_the_end(_: &World) -> String {
    let links = run("ip -br link");
    let end = links.lines().find(|line| line.starts_with("vmh-"));
    let own = end.and_then(|line| line.split_whitespace().nth(2));
    own.expect("the host has an end").to_owned()
}

/// One file for all of them: each is the gateway of its own machines.
#[test]
fn with_one_address_each_is_the_neighbour_of_its_own_machines() {
    let hosts = Hosts::configured(&with_end("192.168.101.254/24"));
    let before = hosts.dump();
    let machines =
        [(0, 1), (1, 2)].map(|(host, number)| hosts.start(host, vm("red", number, 1450)));
    for (host, machine) in machines.iter().enumerate() {
        assert!(machine.pings("192.168.101.254"));
        let neighbour = machine.run("ip neigh show 192.168.101.254");
        let own = hosts.on(host, mac_of_the_end);
        assert!(neighbour.contains(&own), "host {host}, {own}: {neighbour}");
    }
    let [one, other] = &machines;
    assert!(one.pings(other.address()), "they are on one network");
    machines.into_iter().for_each(Machine::stop);
    hosts.assert_unchanged_since(&before);
}

/// With an address of its own each is a neighbour of all machines, and of the other.
#[test]
fn with_an_address_of_its_own_each_is_everybodys_neighbour() {
    let hosts = Hosts::configured(&with_end("192.168.101.@/24"));
    let before = hosts.dump();
    let machines =
        [(0, 1), (1, 2)].map(|(host, number)| hosts.start(host, vm("red", number, 1450)));
    for machine in &machines {
        for address in ["192.168.101.31", "192.168.101.32"] {
            assert!(machine.pings(address), "{}: {address}", machine.name());
        }
    }
    let ping = "ping -n -c 1 -i 0.2 -w 20 192.168.101.32";
    hosts.on(0, |_| run(ping));
    machines.into_iter().for_each(Machine::stop);
    hosts.assert_unchanged_since(&before);
}
