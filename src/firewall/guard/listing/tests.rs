//! What nft prints, and what is read of it.

use super::*;

const BRIDGE: &str = r#"table bridge vmhook {
	set members {
		type ifname
		elements = { "vxlan-267", "tap1",
			     "tap2" }
	}

	map networks {
		type ifname : classid
		elements = { "vxlan-1048575" : 0:ffff,
			     "tap1" : 0:1001 }
	}

	set places {
		type ifname . classid
		elements = { "vxlan-1048575" . 0:ffff }
	}

	set na {
		typeof iifname . @th,64,128
		elements = { "tap1" . 0x20010db8000000000000000000000001 }
	}

	set nanets {
		typeof iifname . @th,64,128
		flags interval
		elements = { "tap1" . 0x20010db8000000000000000000000000-0x20010db800000000ffffffffffffffff }
	}

	set v4nets {
		type ifname . ether_addr . ipv4_addr
		flags interval
		elements = { "tap1" . fa:16:3e:be:71:21 . 10.9.0.0/24 }
	}

	set rarp {
		typeof iifname . @nh,64,48
		elements = { "tap1" . 0xfa163ebe7121 }
	}

	set v4 {
		type ifname . ether_addr . ipv4_addr
		elements = { "tap1" . fa:16:3e:be:71:21 . 10.0.0.1 }
	}

	chain to_vm {
		ether type { ip6, ip, arp } accept
		drop
	}
}
"#;

#[test]
fn reads_what_nft_prints() {
    let listing = read_tables(Some(BRIDGE), None).unwrap();
    let tap: IfName = "tap1".parse().unwrap();
    let mac: MacAddr = "fa:16:3e:be:71:21".parse().unwrap();
    let elements = &listing.guard.elements;
    assert_eq!(
        listing.guard.tables,
        Tables::Damaged,
        "one table alone is no guard"
    );
    assert!(elements.contains(&Element::Member("tap2".parse().unwrap())));
    assert!(elements.contains(&Element::V4(tap.clone(), mac, [10, 0, 0, 1].into())));
    assert!(elements.contains(&Element::Rarp(tap.clone(), mac)));
    let net = "10.9.0.0/24".parse().unwrap();
    assert!(elements.contains(&Element::V4Net(tap.clone(), mac, net)));
    let net = "2001:db8::/64".parse().unwrap();
    assert!(elements.contains(&Element::NaNet(tap.clone(), net)));
    assert!(elements.contains(&Element::Na(tap, "2001:db8::1".parse().unwrap())));
    let place = Element::Place("vxlan-1048575".parse().unwrap(), "0:ffff".parse().unwrap());
    assert!(elements.contains(&place));
    assert_eq!(
        listing.chains,
        ["chain to_vm", "ether type { arp, ip, ip6 } accept", "drop"],
        "fixed chains alone, braces sorted"
    );
}

#[test]
fn what_somebody_else_put_into_our_table_shows() {
    let text = BRIDGE.replace(
        "	set v4 {",
        "	map evil {\n		type ifname : verdict\n	}\n\n	set v4 {",
    );
    let (ours, theirs) = (
        read_tables(Some(BRIDGE), None),
        read_tables(Some(&text), None),
    );
    assert_ne!(ours.unwrap().chains, theirs.unwrap().chains);
}

#[test]
fn a_network_that_a_member_has_only_half_counts_nowhere() {
    let listing = read_tables(Some(BRIDGE), None).unwrap();
    let half = Element::Foreign(
        "bridge vmhook networks".to_owned(),
        "\"tap1\" : 0:1001".to_owned(),
    );
    assert!(listing.guard.elements.contains(&half));
}

#[test]
fn a_bridge_that_is_missing_in_one_set_counts_nowhere() {
    let inet = "table inet vmhook {\n\tset bridges {\n\t\ttype ifname\n\t\telements = { \"brq1\" }\n\t}\n}\n";
    let listing = read_tables(None, Some(inet)).unwrap();
    let foreign = Element::Foreign("inet vmhook bridges".to_owned(), "\"brq1\"".to_owned());
    assert_eq!(listing.guard.elements, BTreeSet::from([foreign]));
}
