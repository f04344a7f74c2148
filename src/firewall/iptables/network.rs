//! What a network adds to raw and nat.

use crate::model::{IfName, NetworkId, Zone};

use super::{Builtin, Comment, Options, Rule, Ruleset, Table, Target};

/// The lines of one network on a bridge that vmhook made; the same in both families.
///
/// Neutron writes three raw lines and two nat lines a port, of which one each decides. Such a
/// bridge carries no address, so that every packet that comes in by it is a VM's, and one line a
/// network gives the same verdicts (listed difference 4).
///
/// - raw: its packets are tracked in the network's own zone, so that equal addresses on two
///   networks never meet;
/// - nat: no other program's translation touches them.
pub fn network_rules(
    options: &Options,
    bridge: &IfName,
    network: &NetworkId,
    zone: Zone,
) -> Ruleset {
    let chain = options.prefix.chain(Builtin::Prerouting.name());
    let comment = Comment::zone(network);
    let in_zone = Rule::new(Target::Zone(zone))
        .coming_in(bridge.clone())
        .comment(Some(comment));
    let untranslated = Rule::new(Target::Accept).coming_in(bridge.clone());
    let mut ruleset = Ruleset::default();
    ruleset.set_chain(Table::Raw, chain.clone(), vec![in_zone]);
    ruleset.set_chain(Table::Nat, chain, vec![untranslated]);
    ruleset
}
