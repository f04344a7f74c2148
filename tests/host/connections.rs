//! Forgetting connections.

use super::*;
use vmhook::plan::{Directions, Forget};

fn connect(zone: u16, from: &str, to: &str) {
    run(&format!(
        "conntrack -I -w {zone} -s {from} -d {to} -p udp --sport 1 --dport 2 -t 100"
    ));
}

fn left() -> Vec<String> {
    let all = run("conntrack -L") + &run("conntrack -L -f ipv6");
    let mut left: Vec<_> = all
        .lines()
        .filter_map(|line| {
            let field = |name: &str| {
                line.split_whitespace()
                    .find_map(|word| word.strip_prefix(name))
            };
            Some(format!(
                "{} {} {}",
                field("zone=")?,
                field("src=")?,
                field("dst=")?
            ))
        })
        .collect();
    left.sort();
    left.dedup();
    left
}

fn of_zone(of: Directions, addresses: &[&str]) -> Forget {
    Forget {
        zone: Zone::FIRST,
        of,
        addresses: addresses.iter().map(|it| it.parse().unwrap()).collect(),
    }
}

fn some() {
    connect(4097, "10.0.0.1", "10.0.0.2");
    connect(4097, "10.0.0.3", "10.0.0.1");
    connect(4097, "10.0.0.3", "10.0.0.4");
    connect(4098, "10.0.0.1", "10.0.0.2");
    connect(4097, "fd00::1", "fd00::2");
    connect(4097, "fd00::3", "fd00::4");
}

#[test]
fn an_address_is_forgotten_in_both_directions_and_in_its_zone_alone() {
    in_a_new_namespace(|| {
        some();
        let forget = of_zone(Directions::Both, &["10.0.0.9", "10.0.0.1", "fd00::1"]);
        machine().forget_connections(&forget).unwrap();
        let expected = [
            "4097 10.0.0.3 10.0.0.4",
            "4097 fd00::3 fd00::4",
            "4098 10.0.0.1 10.0.0.2",
        ];
        assert_eq!(left(), expected);
    });
}

#[test]
fn a_whole_zone_is_forgotten_and_an_empty_one_is_no_error() {
    in_a_new_namespace(|| {
        some();
        let host = machine();
        host.forget_connections(&of_zone(Directions::Both, &[]))
            .unwrap();
        assert_eq!(left(), ["4098 10.0.0.1 10.0.0.2"]);
        host.forget_connections(&of_zone(Directions::Both, &[]))
            .unwrap();
    });
}

/// Where the host is on a network's bridge, it has the other direction of each connection.
#[test]
fn a_connection_of_which_one_direction_is_in_the_zone_is_forgotten_too() {
    in_a_new_namespace(|| {
        let begin = |from: &str, to: &str| {
            run(&format!(
                "conntrack -I --orig-zone 4097 -s {from} -d {to} -p udp --sport 1 --dport 2 -t 100"
            ));
        };
        let count = || {
            run("conntrack -L --orig-zone 4097")
                .matches("[UNREPLIED]")
                .count()
        };
        begin("10.0.0.1", "10.0.0.2");
        begin("10.0.0.3", "10.0.0.4");
        let host = machine();
        host.forget_connections(&of_zone(Directions::Original, &["10.0.0.2"]))
            .unwrap();
        assert_eq!(count(), 1);
        host.forget_connections_if(Zone::FIRST, &|_| true).unwrap();
        assert_eq!(count(), 0);
    });
}
