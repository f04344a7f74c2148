//! A reload leads where a start with the new configuration leads, over random configurations.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use vmhook::apply::Standing;
use vmhook::config::{Config, Source, load};
use vmhook::domain::parse_domain;
use vmhook::hook::rehearsal::{Act, Rehearsal, World};
use vmhook::hook::{Decision, decide};
use vmhook::model::{BridgeSwitches, IfName};
use vmhook::plan::{Besides, Plan};
use vmhook::record::Want;
use vmhook::transaction::{Records, Surroundings, Transaction, admit, settle};

const HEAD: &str = r#"
[host]
local_ip = "172.16.0.31"
[network.lab]
id = "lab"
type = "vxlan"
vni = 267
"#;
const GROUPS: [&str; 3] = ["app", "db", "web"];
const RULES: [&str; 7] = [
    "{ protocol = \"icmp\" }",
    "{ protocol = \"tcp\", port = 22 }",
    "{ protocol = \"tcp\", ports = \"80-90\", remote = \"10.0.0.0/8\" }",
    "{ protocol = \"udp\", remote_group = \"web\" }",
    "{ ethertype = \"ipv6\", remote_group = \"db\" }",
    "{ any = true }",
    "{ protocol = 47, ethertype = \"ipv4\" }",
];

/// The parts of a configuration that a reload serves.
fn configurations() -> impl Strategy<Value = String> {
    let rules = || subsequence(RULES.to_vec(), 0..4).prop_map(|rules| rules.join(", "));
    let members = || subsequence(vec!["\"203.0.113.1\"", "\"2001:db8:2::/64\""], 0..=2);
    let groups = vec((rules(), rules(), members(), any::<bool>()), 3);
    let port = (
        prop_oneof![Just(None), (1..4_u8).prop_map(Some)],
        subsequence(GROUPS.to_vec(), 0..=2),
        any::<bool>(),
    );
    let servers = vec![
        "",
        "dhcp_servers = []\n",
        "dhcp_servers = [\"192.0.2.2\", \"fe80::2\"]\n",
    ];
    (groups, vec(port, 3), select(servers)).prop_map(|(groups, ports, servers)| {
        let group = |(name, (ingress, egress, members, stateful)): (&&str, _)| {
            let members: Vec<&str> = members;
            let members = members.join(", ");
            format!(
                "[security_group.{name}]\ningress = [{ingress}]\negress = [{egress}]\n\
                 members = [{members}]\nstateful = {stateful}\n"
            )
        };
        let groups: String = GROUPS.iter().zip(groups).map(group).collect();
        let ports: String = ports.into_iter().enumerate().map(port_text).collect();
        format!("{HEAD}{servers}{groups}{ports}")
    })
}

fn port_text((number, (ip, groups, pair)): (usize, (Option<u8>, Vec<&str>, bool))) -> String {
    let head = format!("[port.p{number}]\nmac = \"fa:16:3e:00:00:0{number}\"\n");
    let ips = ip
        .map(|ip| format!("fixed_ips = [\"192.0.2.{ip}{number}\", \"2001:db8::{ip}{number}\"]\n"));
    let groups = (!groups.is_empty()).then(|| format!("security_groups = {groups:?}\n"));
    let pair = pair.then(|| "allowed_address_pairs = [{ ip = \"198.51.100.0/24\" }]\n".to_owned());
    let more = [ips, groups, pair].into_iter().flatten();
    head + &more.collect::<String>()
}

fn read(text: &str) -> Config {
    let config = load(&[Source {
        name: "vmhook.toml".to_owned(),
        text: Ok(text.to_owned()),
    }]);
    assert!(config.all_errors().is_empty(), "{:?}", config.all_errors());
    config
}

/// Three machines, whose metadata tells what the configuration may not.
fn started(config: &Config, groups: &[&str]) -> World {
    let mut world = World::empty(config);
    for (number, group) in groups.iter().enumerate() {
        let xml = format!(
            "<domain><name>vm{number}</name><uuid>00000000-0000-4000-8000-00000000000{number}</uuid>\
             <metadata><vmhook:ports xmlns:vmhook='urn:vmhook:ports:1'>\
             <vmhook:port mac='fa:16:3e:00:00:0{number}'><vmhook:fixed-ip address='192.0.2.9{number}'/>\
             <vmhook:security-group name='{group}'/></vmhook:port></vmhook:ports></metadata>\
             <devices><interface type='bridge'><mac address='fa:16:3e:00:00:0{number}'/>\
             <source bridge='brqlab'/><target dev='tap0000000{number}-75'/></interface></devices></domain>"
        );
        let domain = parse_domain(xml.as_bytes()).expect("a domain");
        let mut rehearsal =
            Rehearsal::new(config, domain, BTreeMap::new(), world).expect("a domain of ours");
        for act in [Act::Prepare, Act::Start] {
            rehearsal.play(act).expect("it starts");
        }
        world = rehearsal.world().clone();
    }
    world
}

fn decided(config: &Config, records: &Records, world: &World) -> Decision {
    let wants: Vec<Want> = records.domains.values().map(|it| it.want.clone()).collect();
    let standing = Standing {
        records,
        wants: &wants,
        facts: &world.facts,
    };
    decide(config, standing).expect("every port can be had")
}

/// No network is on a bridge of the host's.
static NO_SWITCHES: BTreeMap<IfName, BridgeSwitches> = BTreeMap::new();

fn reloaded(config: &Config, world: &World) -> Transaction {
    let Decision { wants, renewal, .. } = decided(config, &world.records, world);
    for want in &wants {
        admit(want, &world.records).expect("it stands already");
    }
    let around = Surroundings {
        facts: Some(&world.facts),
        machine_id: &world.machine_id,
        capabilities: world.capabilities,
        backend: world.backend,
        switches: &NO_SWITCHES,
        observed: None,
        renewal: Some(&renewal),
    };
    settle(&world.records, &wants, around)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_reload_leads_where_a_start_with_the_new_configuration_leads(
        old in configurations(), new in configurations(), groups in vec(select(&GROUPS[..]), 3),
    ) {
        let (old, new) = (read(&old), read(&new));
        let (world, fresh) = (started(&old, &groups), started(&new, &groups));
        let after = reloaded(&new, &world).after;
        prop_assert_eq!(after.state(), fresh.records.state());
        prop_assert_eq!(decided(&new, &after, &world).changes, vec![]);
    }

    #[test]
    fn a_reload_of_the_same_configuration_is_nothing(
        text in configurations(), groups in vec(select(&GROUPS[..]), 3),
    ) {
        let config = read(&text);
        let world = started(&config, &groups);
        let transaction = reloaded(&config, &world);
        prop_assert!(transaction.plan.is_empty(), "{}", transaction.plan);
        prop_assert_eq!(&transaction.after, &world.records);
        prop_assert_eq!(decided(&config, &world.records, &world).changes, vec![]);
    }

    #[test]
    fn a_reload_says_what_it_changes(
        old in configurations(), new in configurations(), groups in vec(select(&GROUPS[..]), 3),
    ) {
        let (old, new) = (read(&old), read(&new));
        let world = started(&old, &groups);
        let changes = decided(&new, &world.records, &world).changes;
        let after = reloaded(&new, &world).after.state();
        let plan = Plan::between(&world.records.state().into(), &after, &Besides::default());
        prop_assert!(!changes.is_empty() || plan.is_empty(), "{}", plan);
    }
}
