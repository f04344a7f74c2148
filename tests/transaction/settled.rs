//! What comes and goes, in which order.

use super::*;

#[test]
fn a_tap_name_that_goes_to_another_domain_is_closed_in_between() {
    let first = want(1, vec![port(1, "vnet0")]);
    let second = want(2, vec![port(2, "vnet0")]);
    let before = with(&[first.clone(), stopped(&second)]);
    let plan = settled(&before, &[stopped(&first), second]).plan;
    let (Some(Step::Nft(close)), Some(Step::Nft(open))) = (plan.steps.first(), plan.steps.last())
    else {
        panic!("{plan}");
    };
    assert!(close.contains("delete element bridge vmhook members { \"vnet0\" }"));
    assert!(open.contains("add element bridge vmhook members { \"vnet0\" }"));
}

#[test]
fn of_an_address_that_changes_the_old_one_goes_first_and_the_new_one_comes_last() {
    let first = want(1, vec![port(1, "vnet0")]);
    let other = Port {
        fixed_ips: vec![IpAddr::from([192, 0, 2, 9])],
        ..port(1, "vnet0")
    };
    let plan = settled(&with(&[first]), &[want(1, vec![other])]).plan;
    let scripts: Vec<&str> = plan
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Nft(script) => Some(script.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        scripts,
        [
            "delete element bridge vmhook v4 { \"vnet0\" . fa:16:3e:00:00:01 . 192.0.2.1 }\n",
            "add element bridge vmhook v4 { \"vnet0\" . fa:16:3e:00:00:01 . 192.0.2.9 }\n"
        ]
    );
    assert_eq!(forgets(&plan), ["4097 192.0.2.1 192.0.2.9"]);
}

#[test]
fn a_network_goes_with_its_last_domain_and_its_number_is_free_again() {
    let first = want(1, vec![port(1, "vnet0")]);
    let over = settled(&with(std::slice::from_ref(&first)), &[gone(&first)]);
    assert_eq!(over.after, Records::empty(epoch()));
    let other = Want {
        networks: vec![network("office", 268)],
        ..want(
            2,
            vec![Port {
                network: "office".parse().unwrap(),
                ..port(2, "vnet1")
            }],
        )
    };
    let next = settled(&over.after, &[other]);
    let zones: Vec<Zone> = next.after.networks.values().map(|it| it.zone).collect();
    assert_eq!(zones, [Zone::FIRST]);
}

#[test]
fn a_bridge_with_somebody_elses_port_stays() {
    let link = |index, name: &str, master| LinkFact {
        index,
        name: name.to_owned(),
        kind: LinkKind::Other(String::new()),
        mtu: 1450,
        mac: None,
        alias: None,
        master,
        up: true,
        suppresses: false,
    };
    let mut facts = HostFacts {
        links: vec![link(1, "brqlab", None), link(2, "vxlan-267", Some(1))],
        ..HostFacts::default()
    };
    let first = want(1, vec![port(1, "vnet0")]);
    let before = with(std::slice::from_ref(&first));
    let over = settled_on(&facts, &before, &[gone(&first)]);
    assert!(over.after.networks.is_empty(), "the way out is its own");
    facts.links.push(link(3, "eth1", Some(1)));
    let over = settled_on(&facts, &before, &[gone(&first)]);
    assert_eq!(over.after.networks.len(), 1);
    // And goes when the port does.
    facts.links.pop();
    let later = settled_on(&facts, &over.after, &[]);
    assert_eq!(later.after, Records::empty(epoch()));
}

#[test]
fn the_first_that_comes_decides_how_rules_are_written() {
    let plain = Options {
        comments: false,
        ..Options::default()
    };
    let leaving = gone(&want(1, vec![]));
    let coming = Want {
        options: plain.clone(),
        ..want(2, vec![port(2, "vnet1")])
    };
    let later = want(3, vec![port(3, "vnet2")]);
    let records = with(&[leaving, coming, later]);
    assert_eq!(records.host.unwrap().options, plain);
}

#[test]
fn a_want_with_less_of_the_same_brings_nothing_and_leaves_what_only_that_was_on() {
    let mut elsewhere = port(2, "tap2");
    elsewhere.network = "other".parse().unwrap();
    let mut both = want(1, vec![port(1, "tap1"), elsewhere]);
    both.networks.push(network("other", 268));
    let mut before = Records::empty(epoch());
    before.add(&both);

    let less = both.keeping(2, |port| port.mac == both.ports[0].mac);
    assert_eq!((less.generation, less.phase), (2, Phase::Started));
    assert_eq!(less.ports, both.ports[..1]);
    assert_eq!(less.networks, both.networks[..1]);
    assert!(!brings(&before, std::slice::from_ref(&less)));
    assert!(leaves(&before, std::slice::from_ref(&less)));
    assert!(
        brings(&before, std::slice::from_ref(&both)),
        "a repair of it"
    );
    assert!(!leaves(&before, std::slice::from_ref(&both)));

    let mut other_tap = less;
    other_tap.ports[0].tap = port(3, "tap3").tap;
    assert!(brings(&before, &[other_tap]), "a tap that opens");
    assert_eq!(
        both.keeping(2, |_| false),
        Want {
            generation: 2,
            ..gone(&both)
        }
    );
}
