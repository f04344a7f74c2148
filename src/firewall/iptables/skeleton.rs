//! The chains that are there as soon as one port is.

use super::{Builtin, ChainName, Comment, Options, Rule, Ruleset, Table, Target};

/// The chains that do not belong to a port, and the jumps to them; the same in both families.
///
/// Neutron leaves them after the last port; here they go with it (listed difference 7).
pub fn skeleton(options: &Options) -> Ruleset {
    let mut ruleset = Ruleset::default();
    filter(options, &mut ruleset);
    raw_and_nat(options, &mut ruleset);
    ruleset
}

fn filter(options: &Options, ruleset: &mut Ruleset) {
    let chain = |part| options.prefix.chain(part);
    let top = ChainName::filter_top();
    for (builtin, to) in [
        (Builtin::Input, chain("INPUT")),
        (Builtin::Forward, top.clone()),
        (Builtin::Forward, chain("FORWARD")),
        (Builtin::Output, top.clone()),
        (Builtin::Output, chain("OUTPUT")),
    ] {
        ruleset.add_jump(Table::Filter, builtin, to);
    }
    let fallback = options.comments.then_some(Comment::FALLBACK);
    let drop = Rule::new(Target::Drop).comment(fallback);
    for (name, rules) in [
        (top, vec![Rule::jump(chain("local"))]),
        (chain("local"), Vec::new()),
        (chain("FORWARD"), Vec::new()),
        (chain("INPUT"), Vec::new()),
        (chain("OUTPUT"), Vec::new()),
        (chain("sg-chain"), Vec::new()),
        (chain("sg-fallback"), vec![drop]),
    ] {
        ruleset.set_chain(Table::Filter, name, rules);
    }
}

fn raw_and_nat(options: &Options, ruleset: &mut Ruleset) {
    for (table, builtin) in [
        (Table::Raw, Builtin::Prerouting),
        (Table::Raw, Builtin::Output),
        (Table::Nat, Builtin::Prerouting),
    ] {
        let chain = options.prefix.chain(builtin.name());
        ruleset.add_jump(table, builtin, chain.clone());
        ruleset.set_chain(table, chain, Vec::new());
    }
}
