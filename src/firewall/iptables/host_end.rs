//! The lines of the port that leads to the host's end of a network.

use crate::model::IfName;

use super::{Comment, Match, Options, Physdev, Rule, Ruleset, Side, Table, Target};

/// What Neutron writes for a trusted port: what crosses the bridge from or to the host's end is accepted,
/// where no port's chains dropped it before. They are as needed as those: where `FORWARD` drops what
/// nobody accepts, as Docker has it, the host would meet no VM of another host.
///
/// What the host then routes crosses no bridge any more, and is for the host's own rules.
pub fn host_end_rules(options: &Options, port: &IfName) -> Ruleset {
    let line = |side| {
        let bridged = Match::Physdev(Physdev {
            device: port.clone(),
            side,
            is_bridged: true,
        });
        let accept = Rule::new(Target::Accept).matching(bridged);
        accept.comment(options.comments.then_some(Comment::TRUSTED))
    };
    let lines = [Side::Out, Side::In].map(line);
    let mut ruleset = Ruleset::default();
    let forward = options.prefix.chain("FORWARD");
    ruleset.set_chain(Table::Filter, forward, lines.to_vec());
    ruleset
}
