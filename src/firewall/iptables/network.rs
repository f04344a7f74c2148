//! What a network adds to raw and nat.

use crate::firewall::tracking::{End, Tracking};
use crate::model::{Family, IfName, NetworkId, Zone};

use super::{Builtin, Comment, Match, Options, Physdev, Rule, Ruleset, Side, Table, Target};

/// A network, as its packets show it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// What they come in by.
    pub bridge: &'a IfName,
    /// Its id, for people.
    pub network: &'a NetworkId,
    /// Where they are tracked.
    pub zone: Zone,
}

/// The lines of one network on a bridge that vmhook made.
///
/// Neutron writes three raw lines and two nat lines a port, of which one each decides. Such a
/// bridge carries no address, so that every packet that comes in by it is a VM's, and one line a
/// network gives the same verdicts (listed difference 4).
///
/// - raw: its packets are tracked in the network's own zone, so that equal addresses on two
///   networks never meet. Where a port is stateless, a chain of the network's own decides packet
///   by packet;
/// - nat: no other program's translation touches them.
pub fn network_rules(
    options: &Options,
    place: Place<'_>,
    tracking: &Tracking,
    family: Family,
) -> Ruleset {
    let chain = options.prefix.chain(Builtin::Prerouting.name());
    let in_zone = Rule::new(Target::Zone(place.zone))
        .coming_in(place.bridge.clone())
        .comment(Some(Comment::zone(place.network)));
    let untranslated = Rule::new(Target::Accept).coming_in(place.bridge.clone());
    let mut ruleset = Ruleset::default();
    ruleset.set_chain(Table::Nat, chain.clone(), vec![untranslated]);
    if tracking.is_whole() {
        ruleset.set_chain(Table::Raw, chain, vec![in_zone]);
        return ruleset;
    }
    let own = options.prefix.zone(place.zone);
    let jump = Rule::jump(own.clone()).coming_in(place.bridge.clone());
    let mut rules = tracking_rules(tracking, place.zone, family);
    rules.push(in_zone);
    ruleset.set_chain(Table::Raw, chain, vec![jump]);
    ruleset.set_chain(Table::Raw, own, rules);
    ruleset
}

/// The first line that fits decides, and none ends the chain: the kernel keeps what a packet was
/// given first. Stateful ports come first, from and to them; then stateless ones.
fn tracking_rules(tracking: &Tracking, zone: Zone, family: Family) -> Vec<Rule> {
    let ends = |ends: &[End], target: Target| -> Vec<Rule> {
        let lines = ends.iter().flat_map(|end| lines(end, &target, family));
        lines.collect()
    };
    let mut rules = ends(&tracking.stateful, Target::Zone(zone));
    // To a stateful port that may have any address goes everything.
    let anywhere = tracking.stateful.iter().any(|end| end.addresses.is_empty());
    if anywhere {
        rules.push(Rule::new(Target::Zone(zone)));
    }
    rules.extend(ends(&tracking.stateless, Target::Notrack));
    rules
}

/// What comes from a port, and what goes to one of its addresses.
pub(super) fn lines(end: &End, target: &Target, family: Family) -> Vec<Rule> {
    let physdev = Physdev {
        device: end.tap.clone(),
        side: Side::In,
        is_bridged: false,
    };
    let from = Rule::new(target.clone()).matching(Match::Physdev(physdev));
    let addresses = end.addresses.iter();
    let own = addresses.filter(|address| Family::of(address.addr()) == family);
    let to = own.map(|address| Rule::new(target.clone()).to(*address));
    std::iter::once(from).chain(to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(tap: &str, addresses: &[&str]) -> End {
        End {
            tap: tap.parse().unwrap(),
            addresses: addresses.iter().map(|it| it.parse().unwrap()).collect(),
        }
    }

    fn raw(tracking: &Tracking, family: Family) -> Vec<String> {
        let network: NetworkId = "lab".parse().unwrap();
        let bridge = network.bridge();
        let place = Place {
            bridge: &bridge,
            network: &network,
            zone: Zone::FIRST,
        };
        let rules = network_rules(&Options::default(), place, tracking, family);
        let text = rules.to_string();
        let lines = text.lines().filter_map(|line| line.strip_prefix("-A "));
        let raw = lines.take_while(|line| !line.ends_with("-j ACCEPT"));
        raw.map(|line| line.replace("neutron-linuxbri-", ""))
            .collect()
    }

    const ZONE: &str = "-i brqlab -m comment --comment \"Set zone for lab\" -j CT --zone 4097";

    #[test]
    fn everything_is_tracked_where_no_port_is_stateless() {
        let tracking = Tracking {
            stateful: vec![end("tap1", &["192.0.2.1/32"])],
            stateless: Vec::new(),
        };
        assert_eq!(raw(&tracking, Family::Ipv4), [format!("PREROUTING {ZONE}")]);
    }

    #[test]
    fn what_a_stateful_port_sends_or_gets_is_tracked_before_anything_is_not() {
        let tracking = Tracking {
            stateful: vec![end("tap1", &["192.0.2.1/32", "2001:db8::1/128"])],
            stateless: vec![end("tap2", &["192.0.2.2/32"])],
        };
        let zone = format!("zone4097 {ZONE}");
        let expected = [
            "PREROUTING -i brqlab -j zone4097",
            "zone4097 -m physdev --physdev-in tap1 -j CT --zone 4097",
            "zone4097 -d 192.0.2.1/32 -j CT --zone 4097",
            "zone4097 -m physdev --physdev-in tap2 -j CT --notrack",
            "zone4097 -d 192.0.2.2/32 -j CT --notrack",
            &zone,
        ];
        assert_eq!(raw(&tracking, Family::Ipv4), expected);
    }

    #[test]
    fn a_stateful_port_of_any_address_leaves_nothing_untracked() {
        let tracking = Tracking {
            stateful: vec![end("tap1", &[])],
            stateless: vec![end("tap2", &["192.0.2.2/32"])],
        };
        let lines = raw(&tracking, Family::Ipv4);
        let tracked = lines
            .iter()
            .position(|line| line == "zone4097 -j CT --zone 4097");
        let untracked = lines.iter().position(|line| line.ends_with("--notrack"));
        assert!(tracked.is_some() && tracked < untracked, "{lines:?}");
    }
}
