//! What comes first and what goes last, as text.

use super::*;

#[test]
fn what_closes_comes_first_and_goes_last() {
    let tap: IfName = "tap1".parse().unwrap();
    let other: IfName = "tap2".parse().unwrap();
    let guard = |elements: &[Element]| Guard {
        tables: Tables::Made,
        elements: elements.iter().cloned().collect(),
    };
    let closed = guard(&[Element::Quiet(tap.clone())]);
    let open = guard(&[
        Element::Quiet(tap.clone()),
        Element::Port(tap.clone()),
        Element::Member(tap),
        Element::Quiet(other),
    ]);
    let change = |have: &Guard, want: &Guard| have.change_to(want, &[], Capabilities::default());

    let opening = change(&closed, &open);
    assert_eq!(opening.close, "add element inet vmhook taps { \"tap2\" }\n");
    assert!(opening.open.contains("add element bridge vmhook members"));
    let closing = change(&open, &closed);
    assert!(
        closing
            .close
            .contains("delete element bridge vmhook members")
    );
    assert_eq!(
        closing.open,
        "delete element inet vmhook taps { \"tap2\" }\n"
    );
}

#[test]
fn a_port_that_stays_open_is_open_in_tables_that_are_made_anew() {
    let tap: IfName = "tap1".parse().unwrap();
    let guard = |tables, elements: &[Element]| Guard {
        tables,
        elements: elements.iter().cloned().collect(),
    };
    let quiet = Element::Quiet(tap.clone());
    let member = Element::Member(tap.clone());
    let place = |class: &str| Element::Place(tap.clone(), class.parse().unwrap());
    let port = Element::Port(tap.clone());
    let open = |class| [quiet.clone(), member.clone(), place(class), port.clone()];
    let want = guard(Tables::Made, &open("0:1001"));
    let opens_last = |have: &[Element], opening: &[IfName]| {
        let have = guard(Tables::Damaged, have);
        let change = have.change_to(&want, opening, Capabilities::default());
        assert!(change.close.starts_with("table bridge vmhook\n"));
        change.open.contains("members")
    };
    assert!(!opens_last(&open("0:10b"), &[]));
    assert!(opens_last(&open("0:10b"), std::slice::from_ref(&tap)));
    assert!(opens_last(&[], &[]));
    let less = Element::Unhardened(tap.clone());
    let less = [quiet.clone(), member.clone(), place("0:1001"), less];
    assert!(opens_last(&less, &[]), "less of it was checked");
}

#[test]
fn a_port_that_is_limited_to_dhcp_servers_hears_them_at_every_moment() {
    let tap: IfName = "tap1".parse().unwrap();
    let guard = |more: BTreeSet<Element>| Guard {
        tables: Tables::Made,
        elements: [Element::Port(tap.clone()), Element::Member(tap.clone())]
            .into_iter()
            .chain(more)
            .collect(),
    };
    let limited = |servers: [&str; 2]| {
        let limit = Element::DhcpLimited(tap.clone());
        let server = |ip: &str| Element::DhcpServer(tap.clone(), ip.parse().unwrap());
        guard(servers.map(server).into_iter().chain([limit]).collect())
    };
    let change = |have: &Guard, want: &Guard| {
        let change = have.change_to(want, &[], Capabilities::default());
        [change.close, change.open].map(|script| script.replace("element bridge vmhook ", ""))
    };
    let open = guard(BTreeSet::new());
    let two = limited(["192.0.2.1", "fe80::1"]);
    let other = limited(["192.0.2.1", "192.0.2.2"]);

    let tap_and = |verb: &str| {
        format!(
            "{verb} dhcp {{ \"tap1\" }}\n{verb} dhcp4 {{ \"tap1\" . 192.0.2.1 }}\n\
             {verb} dhcp6 {{ \"tap1\" . fe80::1 }}\n"
        )
    };
    assert_eq!(change(&open, &two), [tap_and("add"), String::new()]);
    assert_eq!(change(&two, &open), [String::new(), tap_and("delete")]);
    assert_eq!(
        change(&two, &other),
        [
            "delete dhcp6 { \"tap1\" . fe80::1 }\n",
            "add dhcp4 { \"tap1\" . 192.0.2.2 }\n"
        ]
    );
}

/// While the rules change, as much of a port is checked as at one of the two ends.
#[test]
fn more_of_a_port_is_checked_from_the_first_transaction_on_and_less_from_the_last() {
    let tap: IfName = "tap1".parse().unwrap();
    let checked = |how: &Element| Guard {
        tables: Tables::Made,
        elements: [Element::Member(tap.clone()), how.clone()].into(),
    };
    let less = checked(&Element::Unhardened(tap.clone()));
    let all = checked(&Element::Port(tap.clone()));
    let swap = |have: &Guard, want: &Guard| have.change_to(want, &[], Capabilities::default());

    let hardening = swap(&less, &all);
    assert_eq!(
        hardening.close,
        "delete element bridge vmhook unhardened { \"tap1\" }\n\
         add element bridge vmhook ports { \"tap1\" }\n"
    );
    assert_eq!(hardening.open, "");
    let softening = swap(&all, &less);
    assert_eq!(softening.close, "");
    assert_eq!(
        softening.open,
        "add element bridge vmhook unhardened { \"tap1\" }\n\
         delete element bridge vmhook ports { \"tap1\" }\n"
    );
}

/// Its addresses come with the checks: a port that is checked and has none yet would be silent.
#[test]
fn all_of_a_port_is_checked_from_the_first_transaction_on_and_nothing_from_the_last() {
    let tap: IfName = "tap1".parse().unwrap();
    let mac = "fa:16:3e:be:71:21".parse().unwrap();
    let own = Element::V4(tap.clone(), mac, "192.0.2.1".parse().unwrap());
    let open = [
        Element::Member(tap.clone()),
        Element::Rarp(tap.clone(), mac),
    ];
    let guard = |checks: &[Element]| Guard {
        tables: Tables::Made,
        elements: open.iter().chain(checks).cloned().collect(),
    };
    let nothing = guard(&[]);
    for (set, how) in [
        ("ports", Element::Port(tap.clone())),
        ("unhardened", Element::Unhardened(tap.clone())),
    ] {
        let checked = guard(&[how, own.clone()]);
        let script = |verb: &str| {
            format!(
                "{verb} element bridge vmhook {set} {{ \"tap1\" }}\n\
                 {verb} element bridge vmhook v4 {{ \"tap1\" . {mac} . 192.0.2.1 }}\n"
            )
        };
        let on = nothing.change_to(&checked, &[], Capabilities::default());
        assert_eq!((on.close, on.open), (script("add"), String::new()));
        let off = checked.change_to(&nothing, &[], Capabilities::default());
        assert_eq!((off.close, off.open), (String::new(), script("delete")));
    }
}
