//! Which connections are forgotten.

use super::*;

#[test]
fn the_first_port_of_a_network_finds_its_zone_empty() {
    let first = want(1, vec![port(1, "vnet0")]);
    let prepared = settled(&Records::empty(epoch()), &[stopped(&first)]);
    assert_eq!(forgets(&prepared.plan), [""; 0]);
    let started = settled(&prepared.after, std::slice::from_ref(&first));
    assert_eq!(forgets(&started.plan), ["4097"]);
    let next = settled(&started.after, &[want(2, vec![port(2, "vnet1")])]);
    assert_eq!(forgets(&next.plan), ["4097 192.0.2.2"]);
    let over = settled(&started.after, &[stopped(&first)]);
    assert_eq!(forgets(&over.plan), ["4097 192.0.2.1"]);
}

#[test]
fn connections_with_a_domain_that_comes_running_go_on_once() {
    let before = with(&[want(1, vec![port(1, "vnet0")])]);
    let comes = Want {
        incoming: true,
        ..want(2, vec![port(2, "vnet1")])
    };
    let come = settled(&before, std::slice::from_ref(&comes)).after;
    assert_eq!(
        forgets(&settled(&before, std::slice::from_ref(&comes)).plan),
        [""; 0]
    );
    let more = Want {
        ports: vec![port(2, "vnet1"), port(3, "vnet2")],
        ..comes.clone()
    };
    assert_eq!(
        forgets(&settled(&come, &[more]).plan),
        ["4097 192.0.2.3"],
        "it was here already"
    );
    assert_eq!(
        forgets(&settled(&come, &[stopped(&comes)]).plan),
        ["4097 192.0.2.2"]
    );
}

#[test]
fn connections_of_an_address_that_another_port_holds_are_kept() {
    let shared = Port {
        fixed_ips: vec![IpAddr::from([192, 0, 2, 1])],
        ..port(2, "vnet1")
    };
    let (first, second) = (
        want(1, vec![port(1, "vnet0")]),
        want(2, vec![shared.clone()]),
    );
    let before = with(&[first.clone(), second]);
    assert_eq!(
        forgets(&settled(&before, &[stopped(&first)]).plan),
        [""; 0],
        "vm2 has 192.0.2.1 too"
    );
}
