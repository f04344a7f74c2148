//! What cannot stand beside what there is.

use super::*;

fn refusal(want: &Want, records: &Records) -> String {
    admit(want, records).unwrap_err().to_string()
}

#[test]
fn two_domains_may_not_have_one_mac_address_on_one_network() {
    let records = with(&[want(1, vec![port(1, "vnet0")])]);
    let second = want(2, vec![port(1, "vnet1")]);
    assert_eq!(
        refusal(&second, &records),
        "domain vm2, interface fa:16:3e:00:00:01: MAC address fa:16:3e:00:00:01 on network lab is \
         in use by domain vm1; stop that domain or change one of the two"
    );
    let elsewhere = Port {
        network: "office".parse().unwrap(),
        ..port(1, "vnet1")
    };
    let second = Want {
        networks: vec![network("office", 268)],
        ..want(2, vec![elsewhere])
    };
    assert_eq!(admit(&second, &records), Ok(()));
}

#[test]
fn two_domains_may_not_have_one_tap() {
    let expected = "domain vm2, interface fa:16:3e:00:00:02: tap vnet0 is in use by domain vm1; \
                    stop that domain or change one of the two";
    let started = with(&[want(1, vec![port(1, "vnet0")])]);
    assert_eq!(
        refusal(&want(2, vec![port(2, "vnet0")]), &started),
        expected
    );
    // Before there is a tap, its name counts.
    let first = stopped(&want(1, vec![named(port(1, "vnet0"))]));
    let second = stopped(&want(2, vec![named(port(2, "vnet0"))]));
    assert_eq!(refusal(&second, &with(&[first])), expected);
}

#[test]
fn two_ports_may_not_have_one_chain_name_of_one_domain_or_of_two() {
    let first = named(port(1, "tap7a8c0a54-75"));
    let second = named(port(2, "tap7a8c0a54-76"));
    let records = with(&[want(1, vec![first.clone()])]);
    assert_eq!(
        refusal(&want(2, vec![second.clone()]), &records),
        "domain vm2, interface fa:16:3e:00:00:02: chain name …7a8c0a54-7 (ten characters of a \
         tap name count) is in use by domain vm1; stop that domain or change one of the two"
    );
    assert_eq!(
        refusal(&want(1, vec![first, second]), &Records::empty(epoch())),
        "domain vm1, interface fa:16:3e:00:00:02: another of its interfaces has chain name \
         …7a8c0a54-7 (ten characters of a tap name count) too; change one of the two"
    );
}

#[test]
fn a_domain_may_keep_what_it_has() {
    let first = want(1, vec![named(port(1, "vnet0"))]);
    let records = with(std::slice::from_ref(&first));
    assert_eq!(admit(&first, &records), Ok(()));
    assert_eq!(admit(&gone(&first), &records), Ok(()));
}

#[test]
fn whoever_goes_clashes_with_nobody() {
    let records = with(&[want(1, vec![port(1, "vnet0")])]);
    let line = &records.index.lines[0];
    let second = want(2, vec![port(2, "vnet0")]);
    assert!(clashes(&second, line));
    assert!(!clashes(&gone(&second), line));
    assert!(!clashes(&want(1, vec![port(1, "vnet0")]), line), "its own");
}

#[test]
fn a_network_that_stands_is_not_changed_under_its_domains() {
    let records = with(&[want(1, vec![port(1, "vnet0")])]);
    let mut changed = network("lab", 267);
    tunnel(&mut changed).port = 4789;
    let second = Want {
        networks: vec![changed],
        ..want(2, vec![port(2, "vnet1")])
    };
    assert_eq!(
        refusal(&second, &records),
        "domain vm2: network the lab runs with VNI 267, local address 172.16.0.31 on eth0, UDP \
         port 8472 and MTU 1450, but the configuration now says VNI 267, local address 172.16.0.31 \
         on eth0, UDP port 4789 and MTU 1450; stop its domains first"
    );
}

#[test]
fn two_networks_may_have_neither_one_bridge_nor_one_vni() {
    let records = with(&[want(1, vec![port(1, "vnet0")])]);
    let on = |network: Network| Want {
        networks: vec![network],
        ..want(2, vec![port(2, "vnet1")])
    };
    let bridge = Network {
        bridge: "brqlab".parse().unwrap(),
        ..network("office", 268)
    };
    assert_eq!(
        refusal(&on(bridge), &records),
        "domain vm2: bridge brqlab is network the lab's"
    );
    assert_eq!(
        refusal(&on(network("office", 267)), &records),
        "domain vm2: VNI 267 is network the lab's"
    );
}

#[test]
fn a_network_without_a_zone_is_refused() {
    let mut records = Records::empty(epoch());
    for number in u16::from(Zone::FIRST)..=u16::MAX {
        let network = network(&format!("n{number}"), number.into());
        let record = NetworkRecord {
            epoch: epoch(),
            zone: number.try_into().unwrap(),
            serving: false,
            applied: HostState::default(),
            network,
        };
        records.networks.insert(record.network.id.clone(), record);
    }
    let first = want(1, vec![port(1, "vnet0")]);
    assert_eq!(
        refusal(&first, &records),
        "domain vm1: no conntrack zone is left (4097 to 65535)"
    );
    records.networks.pop_first();
    assert_eq!(admit(&first, &records), Ok(()));
}
