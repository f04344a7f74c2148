//! What each kind of change is told as.

use super::*;
use crate::model::{Mtu, Zone};
use crate::plan::Directions;
use crate::plan::link::Bridge;

fn name(text: &str) -> IfName {
    text.parse().unwrap()
}

fn bridge() -> OwnLink {
    OwnLink::Bridge(Bridge {
        name: name("brqlab"),
        mac: "1e:c5:d4:be:d4:71".parse().unwrap(),
        mtu: Mtu::try_from(1450).unwrap(),
        network: "lab".parse().unwrap(),
    })
}

/// A bridge and one open port with two rules.
fn lab() -> HostState {
    let (tap, mac) = (name("tap7"), "fa:16:3e:be:71:21".parse().unwrap());
    let elements = [
        Element::Bridge(name("brqlab")),
        Element::Member(tap.clone()),
        Element::Port(tap.clone()),
        Element::Rarp(tap, mac),
    ];
    let rules = "*filter\n:x-i7 - [0:0]\n-A x-i7 -p tcp -j RETURN\n-A x-i7 -j DROP\nCOMMIT";
    HostState {
        links: [(name("brqlab"), bridge())].into(),
        v4: rules.parse().unwrap(),
        guard: Guard {
            tables: Tables::Made,
            elements: elements.into(),
        },
        ..HostState::default()
    }
}

fn told(have: HostState, want: &HostState, forget: &[Forget]) -> String {
    Summary::between(&have.into(), want, forget).to_string()
}

#[test]
fn what_comes_and_what_goes_is_told_in_the_same_words() {
    let nothing = HostState::default();
    assert_eq!(
        told(nothing.clone(), &lab(), &[]),
        "tables +vmhook, bridge +brqlab, port +fa:16:3e:be:71:21 tap7, rules v4 +2, elements +4"
    );
    assert_eq!(
        told(lab(), &nothing, &[]),
        "tables -vmhook, bridge -brqlab, port -fa:16:3e:be:71:21 tap7, rules v4 -2, elements -4"
    );
}

#[test]
fn a_member_that_comes_is_told_without_its_set() {
    let with = |members: &[&str]| {
        let mut state = lab();
        let set = SetName::new("NIPv4web").unwrap();
        state
            .sets
            .insert(set, members.iter().map(|it| it.parse().unwrap()));
        state
    };
    let (one, other) = (with(&["192.0.2.1/32"]), with(&["192.0.2.2/32"]));
    assert_eq!(told(one.clone(), &other, &[]), "members +1 -1");
    assert_eq!(told(lab(), &one, &[]), "sets +1, members +1");
}

#[test]
fn where_nothing_changes_nothing_is_told() {
    assert!(Summary::between(&lab().into(), &lab(), &[]).is_empty());
}

#[test]
fn what_is_put_right_in_its_place_is_neither_new_nor_gone() {
    let mut damaged = lab();
    damaged.links.insert(name("brqlab"), OwnLink::Altered);
    damaged.guard.tables = Tables::Damaged;
    assert_eq!(
        told(damaged, &lab(), &[]),
        "tables ~vmhook, bridge ~brqlab, port +fa:16:3e:be:71:21 tap7, elements +4"
    );
    let mut apart = lab();
    apart.enslaved.insert(name("brqlab"), name("other"));
    assert_eq!(told(apart, &lab(), &[]), "bridge ~brqlab");
}

#[test]
fn a_tap_that_another_port_gets_closes_and_opens() {
    let mut other = lab();
    let own = Element::Rarp(name("tap7"), "fa:16:3e:00:00:01".parse().unwrap());
    other.guard.elements.insert(own);
    other.guard.elements.remove(&Element::Rarp(
        name("tap7"),
        "fa:16:3e:be:71:21".parse().unwrap(),
    ));
    assert_eq!(
        told(other, &lab(), &[]),
        "port -fa:16:3e:00:00:01 tap7, port +fa:16:3e:be:71:21 tap7, elements +1 -1"
    );
}

#[test]
fn connections_are_told_by_their_addresses_or_as_a_whole_zone() {
    let forget = |addresses: &[&str]| Forget {
        of: Directions::Both,
        zone: Zone::try_from(4097).unwrap(),
        addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
    };
    let told = told(
        lab(),
        &lab(),
        &[forget(&[]), forget(&["192.0.2.1", "2001:db8::1"])],
    );
    assert_eq!(
        told,
        "connections zone 4097 all, connections zone 4097 192.0.2.1 2001:db8::1"
    );
}
