//! What `ip -d link show` says of a link, attribute by attribute.

use std::collections::BTreeMap;

/// Attributes by `section.name`: `link.mtu`, `bridge.forward_delay`, `bridge_slave.cost`.
pub(crate) type Details = BTreeMap<String, String>;

/// Words of `ip -d link show` that no value follows.
const BARE: [&str; 3] = ["udpcsum", "noudp6zerocsumtx", "noudp6zerocsumrx"];
/// Words that start a line of their own kind.
const SECTIONS: [&str; 5] = ["bridge", "bridge_slave", "vxlan", "tun", "alias"];

/// The links in a listing, by name.
pub(crate) fn parse(listing: &str) -> BTreeMap<String, Details> {
    let mut links: BTreeMap<String, Details> = BTreeMap::new();
    let mut name = "";
    for line in listing.lines() {
        if let Some((index_and_name, rest)) = line.split_once(": <") {
            let (flags, rest) = rest.split_once('>').expect("flags are in angle brackets");
            (_, name) = index_and_name.split_once(": ").expect("index and name");
            let details = links.entry(name.to_owned()).or_default();
            details.insert("link.flags".to_owned(), flags.to_owned());
            add(details, "link", rest);
        } else if !line.trim().is_empty() {
            let details = links.get_mut(name).expect("details follow a first line");
            let (first, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
            if SECTIONS.contains(&first) {
                add(details, first, rest);
            } else {
                add(details, "link", line);
            }
        }
    }
    links
}

fn add(details: &mut Details, section: &str, words: &str) {
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_default().to_owned();
        let value = match word {
            bare if BARE.contains(&bare) => String::new(),
            "srcport" => format!("{} {}", value(), value()),
            _ => value(),
        };
        details.insert(format!("{section}.{word}"), value);
    }
}

#[test]
fn a_listing_is_read_attribute_by_attribute() {
    let links = parse(
        "9: brq1: <BROADCAST,UP> mtu 1450 qdisc noqueue state UP\n    \
         link/ether 1e:c5:d4:be:d4:71 brd ff:ff:ff:ff:ff:ff promiscuity 0\n    \
         bridge forward_delay 0 gc_timer   82.31 stp_state 0\n\
         11: vxlan-7: <UP> mtu 1450\n    \
         vxlan id 7 srcport 0 0 dstport 8472 udpcsum noudp6zerocsumtx ttl auto\n",
    );
    let expected = [
        ("bridge.forward_delay", "0"),
        ("bridge.gc_timer", "82.31"),
        ("bridge.stp_state", "0"),
        ("link.brd", "ff:ff:ff:ff:ff:ff"),
        ("link.flags", "BROADCAST,UP"),
        ("link.link/ether", "1e:c5:d4:be:d4:71"),
        ("link.mtu", "1450"),
        ("link.promiscuity", "0"),
        ("link.qdisc", "noqueue"),
        ("link.state", "UP"),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    assert_eq!(links["brq1"], Details::from(expected.map(owned)));
    let vxlan = &links["vxlan-7"];
    assert_eq!(vxlan["vxlan.srcport"], "0 0");
    assert_eq!(vxlan["vxlan.udpcsum"], "");
    assert_eq!(vxlan["vxlan.ttl"], "auto");
}
