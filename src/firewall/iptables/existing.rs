//! What a network on a bridge of the host's adds.
//!
//! Such a bridge has ports that are no machine's, and may be the host's own way into the network. With
//! the first machine all that is bridged there meets the host's own rules: a `FORWARD` that drops, as
//! Docker's, and translations that were written for what the host routes. So what goes between the
//! ports that are named is accepted, and what is bridged is translated by nobody.
//!
//! Where the host is on the bridge itself, its own connections keep conntrack and translation as they
//! are: only what comes from a machine's tap, or goes to an address of a machine, is in the network's
//! zone, and of it only the direction that begins the connection (`--zone-orig`). The other direction
//! is in the host's own zone, where both find it: a reply to a machine comes in by whatever port, and
//! the host's own packets have no zone. (With a plain zone by tap both lose their replies: measured.)

use crate::firewall::tracking::Tracking;
use crate::model::{ExistingBridge, Family, IfName, Network, Port, Tap};

use super::network::{Place, lines, network_rules};
use super::{
    Builtin, Comment, Match, Options, Physdev, Rule, Ruleset, Side, Table, Target, chain_suffix,
};

/// The lines of a network on such a bridge.
pub fn existing_rules(
    options: &Options,
    place: Place<'_>,
    (existing, tracking): (&ExistingBridge, &Tracking),
    family: Family,
) -> Ruleset {
    let mut ruleset = if existing.host_unfiltered {
        beside_the_host(options, place, tracking, family)
    } else {
        network_rules(options, place, tracking, family)
    };
    ruleset.merge(&between_ways_out(options, existing));
    ruleset
}

/// What is said of an open port on such a bridge besides [its own lines](super::port_rules).
///
/// Neutron's line for what a port sends to the host asks for a bridged packet, which none is there: it
/// never matches. Here the host is one of those that the port speaks with, so what is sent to it, and
/// what it routes for the port or to an address of its, passes the port's chains.
pub fn host_side_rules(
    options: &Options,
    network: &Network,
    (port, tap): (&Port, &Tap),
    family: Family,
) -> Ruleset {
    let mut ruleset = Ruleset::default();
    if network.existing().is_none() {
        return ruleset;
    }
    let untranslated = Rule::new(Target::Accept).matching(bridged(&tap.name, Side::Out));
    let chain = |name: &str| options.prefix.chain(name);
    ruleset.set_chain(Table::Nat, chain("POSTROUTING"), vec![untranslated]);
    if !network.has_host() || !port.security.is_filtered() {
        return ruleset;
    }
    let suffix = chain_suffix(port);
    let comment = |text: Comment| options.comments.then_some(text);
    let sent = Rule::jump(options.prefix.egress(&suffix))
        .matching(from(&tap.name))
        .comment(comment(Comment::TO_HOST));
    let addresses = port.fixed_ips_of(family);
    let routed = addresses.map(|address| {
        Rule::jump(options.prefix.ingress(&suffix))
            .to(ipnet::IpNet::from(address))
            .going_out(network.bridge.clone())
            .comment(comment(Comment::TO_PORT))
    });
    let forward = routed.chain([sent.clone()]).collect();
    ruleset.set_chain(Table::Filter, chain("INPUT"), vec![sent]);
    ruleset.set_chain(Table::Filter, chain("FORWARD"), forward);
    let own = Rule::new(Target::Accept).matching(from(&tap.name));
    ruleset.set_chain(Table::Nat, chain("PREROUTING"), vec![own]);
    ruleset
}

/// raw and nat by port. The host's own addresses come first in nat: its translations hold for machines
/// as for everybody who speaks with it.
fn beside_the_host(
    options: &Options,
    place: Place<'_>,
    tracking: &Tracking,
    family: Family,
) -> Ruleset {
    let Place { bridge, zone, .. } = place;
    let prerouting = || options.prefix.chain(Builtin::Prerouting.name());
    let own = options.prefix.zone(zone);
    let mut ruleset = Ruleset::default();
    let to_host = || Rule::new(Target::Return).matching(Match::ToLocal);
    let stateful = tracking.stateful.iter();
    let in_zone = stateful.flat_map(|end| lines(end, &Target::ZoneOrig(zone), family));
    let stateless = tracking.stateless.iter();
    let untracked: Vec<Rule> = stateless
        .flat_map(|end| lines(end, &Target::Notrack, family))
        .collect();
    // The host recognises the answers to its own questions.
    let but_for_the_host = (!untracked.is_empty()).then(to_host);
    let rules = in_zone.chain(but_for_the_host).chain(untracked).collect();
    let jump = Rule::jump(own.clone())
        .coming_in(bridge.clone())
        .comment(Some(Comment::zone(place.network)));
    ruleset.set_chain(Table::Raw, prerouting(), vec![jump]);
    ruleset.set_chain(Table::Raw, own, rules);
    let translated = to_host().coming_in(bridge.clone());
    ruleset.set_chain(Table::Nat, prerouting(), vec![translated]);
    ruleset
}

/// What passes between the bridge's ports that are no machine's, as it did before.
fn between_ways_out(options: &Options, existing: &ExistingBridge) -> Ruleset {
    let accept = |device: &IfName, side| Rule::new(Target::Accept).matching(bridged(device, side));
    let accepted = existing.ways_out().flat_map(|device| {
        [Side::Out, Side::In]
            .map(|side| accept(device, side).comment(options.comments.then_some(Comment::TRUSTED)))
    });
    let untranslated = existing.ways_out().map(|device| accept(device, Side::Out));
    let postrouting = options.prefix.chain(Builtin::Postrouting.name());
    let mut ruleset = Ruleset::default();
    ruleset.set_chain(
        Table::Filter,
        options.prefix.chain("FORWARD"),
        accepted.collect(),
    );
    ruleset.add_jump(Table::Nat, Builtin::Postrouting, postrouting.clone());
    ruleset.set_chain(Table::Nat, postrouting, untranslated.collect());
    ruleset
}

fn bridged(device: &IfName, side: Side) -> Match {
    Match::Physdev(Physdev {
        device: device.clone(),
        side,
        is_bridged: true,
    })
}

/// From a port, wherever to.
fn from(device: &IfName) -> Match {
    Match::Physdev(Physdev {
        device: device.clone(),
        side: Side::In,
        is_bridged: false,
    })
}
