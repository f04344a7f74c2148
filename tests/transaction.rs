//! What is admitted beside what there is, and what a transaction does in the cases that matter most.
#![expect(clippy::unwrap_used, reason = "the values are written here")]

use std::collections::BTreeMap;
use std::net::IpAddr;

use vmhook::event::Call;
use vmhook::facts::{Epoch, HostFacts, IptablesBackend, LinkFact, LinkKind, Process};
use vmhook::firewall::guard::Capabilities;
use vmhook::firewall::iptables::Options;
use vmhook::model::{
    BridgeSwitches, Direction, Family, IfName, Network, NetworkKind, OuterHeader, Port, Remote,
    SecurityGroup, SecurityGroupRule, Tap, Tunnel, TunnelOptions, Vni, Vtep, Vxlan, Zone,
};
use vmhook::plan::{Plan, Step};
use vmhook::record::{Basis, NetworkRecord, Phase, Want};
use vmhook::state::HostState;
use vmhook::transaction::{
    Records, Surroundings, Transaction, admit, brings, clashes, leaves, settle, touched,
};

fn epoch() -> Epoch {
    Epoch {
        boot: "boot".to_owned(),
        netns: 1,
    }
}

fn network(id: &str, vni: u32) -> Network {
    let local: IpAddr = "172.16.0.31".parse().unwrap();
    Network {
        id: id.parse().unwrap(),
        name: format!("the {id}"),
        bridge: format!("brq{id}").parse().unwrap(),
        keep: false,
        mtu: 1450.try_into().unwrap(),
        clamp_mss: false,
        host_end: None,
        kind: NetworkKind::Vxlan(Vxlan {
            tunnel: Tunnel {
                vni: Vni::try_from(vni).unwrap(),
                device: format!("vxlan-{vni}").parse().unwrap(),
                local: Vtep::try_from(local).unwrap(),
                underlay: "eth0".parse().unwrap(),
                port: 8472,
                options: TunnelOptions::default(),
            },
            outer: OuterHeader::default(),
            flood: Vec::new(),
            hosts: Vec::new(),
        }),
    }
}

/// The tunnel of a network, to be changed.
fn tunnel(network: &mut Network) -> &mut Tunnel {
    let NetworkKind::Vxlan(vxlan) = &mut network.kind else {
        panic!("a VXLAN network");
    };
    &mut vxlan.tunnel
}

/// A port on the network `lab` whose tap has index and name by its number.
fn port(number: u8, tap: &str) -> Port {
    Port {
        network: "lab".parse().unwrap(),
        mac: format!("fa:16:3e:00:00:0{number}").parse().unwrap(),
        tap: Some(Tap {
            name: tap.parse().unwrap(),
            index: number.into(),
        }),
        target: None,
        fixed_ips: vec![IpAddr::from([192, 0, 2, number])],
        allowed_address_pairs: Vec::new(),
        security_groups: vec![SecurityGroup::builtin_default()],
        ipv6_addresses: vmhook::model::Ipv6Addresses::default(),
        dhcp_servers: None,
        remote_groups: Vec::new(),
        security: vmhook::model::PortSecurity::default(),
    }
}

/// A port whose domain names the tap.
fn named(port: Port) -> Port {
    let target = port.tap.as_ref().map(|tap| tap.name.clone());
    Port { target, ..port }
}

fn want(domain: u8, ports: Vec<Port>) -> Want {
    Want {
        generation: 1,
        epoch: epoch(),
        uuid: format!("00000000-0000-4000-8000-00000000000{domain}")
            .parse()
            .unwrap(),
        name: format!("vm{domain}"),
        phase: Phase::Started,
        call: Call::Start,
        caller: Process { pid: 1, start: 1 },
        options: Options::default(),
        incoming: false,
        basis: Basis::default(),
        said: None,
        ports,
        networks: vec![network("lab", 267)],
    }
}

fn stopped(want: &Want) -> Want {
    let untapped = |port: &Port| Port {
        tap: None,
        ..port.clone()
    };
    Want {
        phase: Phase::Prepared,
        ports: want.ports.iter().map(untapped).collect(),
        ..want.clone()
    }
}

fn gone(want: &Want) -> Want {
    Want {
        phase: Phase::Gone,
        ports: Vec::new(),
        networks: Vec::new(),
        ..want.clone()
    }
}

fn settled(before: &Records, wants: &[Want]) -> Transaction {
    settled_on(&HostFacts::default(), before, wants)
}

/// No network is on a bridge of the host's.
static NO_SWITCHES: BTreeMap<IfName, BridgeSwitches> = BTreeMap::new();

fn settled_on(facts: &HostFacts, before: &Records, wants: &[Want]) -> Transaction {
    let around = Surroundings {
        facts: Some(facts),
        machine_id: "machine",
        capabilities: Capabilities::default(),
        backend: IptablesBackend::Nft,
        switches: &NO_SWITCHES,
        observed: None,
        renewal: None,
    };
    settle(before, wants, around)
}

/// The records of a host on which these wants are applied.
fn with(wants: &[Want]) -> Records {
    settled(&Records::empty(epoch()), wants).after
}

fn refusal(want: &Want, records: &Records) -> String {
    admit(want, records).unwrap_err().to_string()
}

/// The connections that a plan forgets: `zone address …`.
fn forgets(plan: &Plan) -> Vec<String> {
    let forget = |step: &Step| match step {
        Step::Connections(forget) => {
            let addresses = forget.addresses.iter().map(|ip| format!(" {ip}"));
            Some(format!("{}{}", forget.zone, addresses.collect::<String>()))
        }
        _ => None,
    };
    plan.steps.iter().filter_map(forget).collect()
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

/// A group whose members let each other in.
fn group(name: &str, members: &[&str]) -> SecurityGroup {
    let inside = SecurityGroupRule {
        remote: Remote::Group("web".to_owned()),
        ..SecurityGroupRule::allow(Direction::Ingress, Family::Ipv4)
    };
    SecurityGroup {
        name: name.to_owned(),
        id: None,
        rules: vec![inside],
        members: members.iter().map(|it| it.parse().unwrap()).collect(),
        stateless: false,
    }
}

fn grouped(port: Port, group: SecurityGroup) -> Port {
    Port {
        security_groups: vec![group],
        ..port
    }
}

/// A domain with one port of this group.
fn member(number: u8, group: SecurityGroup) -> Want {
    let tap = format!("vnet{number}");
    want(number, vec![grouped(port(number, &tap), group)])
}

/// The same on a host where a remote group is one rule a member.
fn without_sets(want: Want) -> Want {
    let options = Options {
        ipset: false,
        ..Options::default()
    };
    Want { options, ..want }
}

/// The members of the one set that there is.
fn set_of(records: &Records) -> Vec<String> {
    let sets = records.state().sets;
    let mut sets = sets.iter();
    let (name, members) = sets.next().unwrap();
    assert_eq!((name.as_str(), sets.next()), ("NIPv4web", None));
    members.iter().map(ToString::to_string).collect()
}

#[test]
fn a_set_has_the_members_that_are_there_and_goes_with_the_last_rule_that_names_it() {
    let empty = |name: &str| SecurityGroup {
        rules: Vec::new(),
        ..group(name, &[])
    };
    let one = member(1, empty("web"));
    let two = member(2, group("db", &[]));
    let records = with(std::slice::from_ref(&one));
    assert!(records.state().sets.is_empty(), "nobody asks who is in web");
    let records = settled(&records, std::slice::from_ref(&two)).after;
    assert_eq!(set_of(&records), ["192.0.2.1/32"]);
    let before = &records.domains[&two.uuid];
    let transaction = settled(&records, &[stopped(&one), member(3, empty("web"))]);
    assert_eq!(set_of(&transaction.after), ["192.0.2.3/32"]);
    assert_eq!(&transaction.after.domains[&two.uuid], before);
    let text = transaction.plan.to_string();
    let order = [
        "del NIPv4web 192.0.2.1\n",
        "\niptables-restore",
        "add NIPv4web 192.0.2.3\n",
    ];
    let at = order.map(|part| text.find(part));
    assert!(at.is_sorted() && at[0].is_some(), "{text}");
    let records = settled(&transaction.after, &[gone(&two)]).after;
    assert!(records.state().sets.is_empty());
}

#[test]
fn of_two_definitions_of_a_group_the_later_one_holds_for_all() {
    let old = member(2, group("web", &["203.0.113.0/24"]));
    let new = member(1, group("web", &["198.51.100.1/32"]));
    let records = with(&[old]);
    let records = settled(&records, std::slice::from_ref(&new)).after;
    let both = ["192.0.2.1/32", "192.0.2.2/32"];
    assert_eq!(set_of(&records), [&both[..], &["198.51.100.1/32"]].concat());
    let records = settled(&records, &[stopped(&new)]).after;
    assert_eq!(set_of(&records), ["192.0.2.2/32", "203.0.113.0/24"]);
}

#[test]
fn members_are_let_in_by_address_whenever_they_came() {
    let elsewhere = ["203.0.113.0/24", "198.51.100.1/32"];
    let one = without_sets(member(1, group("web", &[])));
    let two = without_sets(member(2, group("web", &[])));
    let three = without_sets(member(3, group("web", &elsewhere)));
    let mut records = Records::empty(epoch());
    for want in [&two, &three, &one] {
        records = settled(&records, std::slice::from_ref(want)).after;
    }
    let sources = |domain: &Want| -> Vec<String> {
        let text = records.domains[&domain.uuid].applied.v4.to_string();
        let lines = text.lines().filter(|line| line.contains("-i"));
        let member = |line: &str| {
            Some(
                line.split_once(" -s ")?
                    .1
                    .strip_suffix(" -j RETURN")?
                    .to_owned(),
            )
        };
        lines.filter_map(member).collect()
    };
    assert_eq!(sources(&one), ["192.0.2.2/32", "192.0.2.3/32"]);
    assert_eq!(
        sources(&three),
        [
            "192.0.2.1/32",
            "192.0.2.2/32",
            "198.51.100.1/32",
            "203.0.113.0/24"
        ],
        "those on other hosts are its own want's"
    );
}

#[test]
fn a_domain_is_touched_by_members_of_the_groups_that_its_rules_name() {
    let web = without_sets(member(1, group("web", &[])));
    let db = without_sets(member(2, group("db", &[])));
    let no_rules = SecurityGroup {
        rules: Vec::new(),
        ..group("web", &[])
    };
    let alone = without_sets(member(3, no_rules));
    let records = with(&[web.clone(), db.clone(), alone.clone()]);
    let names = |want: &Want| -> Vec<String> {
        let touched = touched(&records, std::slice::from_ref(want));
        touched.iter().map(ToString::to_string).collect()
    };
    let uuid = |want: &Want| want.uuid.to_string();
    assert_eq!(names(&alone), [uuid(&web), uuid(&db)]);
    assert_eq!(names(&gone(&alone)), [uuid(&web), uuid(&db)]);
    assert_eq!(names(&db), [""; 0], "no rule names db");
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
