//! Who is in a group, and whose rules that concerns.

use super::*;

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
