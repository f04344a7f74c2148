//! How many members the kernel's sets have: a look that costs the same however many they are.

use super::Sets;

/// Whether each of these sets has as many members as it should, by what `ipset list -terse` prints.
/// Whoever flushed one, added or deleted by hand, is found out; who exchanged as many is not.
pub fn have_their_sizes(sets: &Sets, text: &str) -> bool {
    let printed: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.split_once(": "))
        .collect();
    let size = |name: &str| -> Option<usize> {
        let mut from = printed.iter().skip_while(|line| **line != ("Name", name));
        let entries = from.find(|(field, _)| *field == "Number of entries");
        entries.and_then(|(_, number)| number.parse().ok())
    };
    let mut sets = sets.iter();
    sets.all(|(name, members)| size(name.as_str()) == Some(members.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firewall::iptables::SetName;
    use crate::model::Family;

    const TEXT: &str = "\
Name: f2b-sshd
Type: hash:ip
Number of entries: 7

Name: NIPv4web
Type: hash:net
Revision: 7
Header: family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0xd0c0db9b
Size in memory: 648
References: 1
Number of entries: 2
";

    #[test]
    fn a_set_that_somebody_emptied_or_that_is_gone_has_another_size() {
        let has = |members: &[&str], group: &str| {
            let mut sets = Sets::default();
            let name = SetName::of_group(group, Family::Ipv4).unwrap();
            sets.insert(name, members.iter().map(|it| it.parse().unwrap()));
            have_their_sizes(&sets, TEXT)
        };
        assert!(has(&["10.0.0.0/8", "192.0.2.1/32"], "web"));
        assert!(has(&["0.0.0.0/0"], "web"), "everybody is two halves");
        assert!(!has(&["192.0.2.1/32"], "web") && !has(&[], "web"));
        assert!(!has(&[], "db"), "it is not there");
        assert!(have_their_sizes(&Sets::default(), ""));
    }
}
