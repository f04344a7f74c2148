//! What `ipset save` says, as far as it is ours.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Sets, UNFINISHED};
use crate::firewall::iptables::SetName;
use crate::model::Family;

/// Reads the output of `ipset save`. Ours are the sets of the names that we give, of the type that
/// we make; everything else is left out.
pub fn parse_sets(text: &str) -> Sets {
    let mut sets = Sets::default();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["create", name, "hash:net", "family", family, options @ ..] => {
                if let Some(name) = ours(name, family).filter(|_| is_plain(options)) {
                    sets.0.insert(name, BTreeSet::new());
                }
            }
            ["add", name, member] => {
                let set = SetName::new(name).and_then(|name| sets.0.get_mut(&name));
                if let (Some(set), Some(member)) = (set, parse_member(member)) {
                    set.insert(member);
                }
            }
            _ => {}
        }
    }
    sets
}

fn ours(name: &str, family: &str) -> Option<SetName> {
    let expected = match family {
        "inet" => Family::Ipv4,
        "inet6" => Family::Ipv6,
        _ => return None,
    };
    let name = SetName::new(name)?;
    let fits = name.family() == Some(expected) || name.as_str() == UNFINISHED;
    fits.then_some(name)
}

/// Sizes differ by kernel and content. Anything else, a time-out or counters, is not ours.
fn is_plain(options: &[&str]) -> bool {
    let sizes = ["hashsize", "maxelem", "bucketsize", "initval"];
    options.chunks(2).all(|pair| sizes.contains(&pair[0]))
}

fn parse_member(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_ipset_prints_and_leaves_out_what_is_not_ours() {
        let text = "\
create NIPv4web hash:net family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x0
add NIPv4web 10.0.0.0/8
add NIPv4web 192.0.2.1
create NIPv6web hash:net family inet6 hashsize 1024 maxelem 65536 bucketsize 12 initval 0x0
add NIPv6web 2001:db8::/64
create NIPv4timed hash:net family inet hashsize 1024 maxelem 65536 timeout 60 initval 0x0
create f2b-sshd hash:net family inet hashsize 1024 maxelem 65536
add f2b-sshd 198.51.100.1
create NIPv4other hash:ip family inet hashsize 1024 maxelem 65536
";
        let sets = parse_sets(text);
        let names: Vec<_> = sets.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["NIPv4web", "NIPv6web"]);
        let counts: Vec<_> = sets.iter().map(|(_, members)| members.len()).collect();
        assert_eq!(counts, [2, 1]);
        let again = Sets::default().change_to(&sets);
        assert!(again.before.contains("add NIPv6web 2001:db8::/64\n"));
    }
}
