//! A change of how all rules are written, while ports are open.

use proptest::prelude::*;
use vmhook::firewall::iptables::Options;
use vmhook::plan::{Besides, Plan};
use vmhook::record::Want;
use vmhook::state::ReadBack;
use vmhook::transaction::{Renewal, Surroundings, Transaction, settle};

use crate::hosts::{around, batches, facts};
use crate::kernel::acts;
use crate::order::at_every_point;
use crate::transactions::{Host, played};

fn options() -> impl Strategy<Value = Options> {
    let prefix = prop_oneof![Just("mine"), Just("neutron-linuxbri")];
    (prefix, any::<bool>(), any::<bool>()).prop_map(|(prefix, comments, ipset)| Options {
        prefix: prefix.parse().expect("a prefix"),
        comments,
        ipset,
    })
}

/// All rules written like this from now on, everything read back.
fn rewritten(host: &Host, options: &Options) -> Transaction {
    let wants = host.records.domains.values().map(|record| Want {
        options: options.clone(),
        ..record.want.clone()
    });
    let wants: Vec<Want> = wants.collect();
    let observed = host.kernel.observed_by(host.records.host.as_ref());
    let renewal = Renewal {
        options: Some(options.clone()),
        networks: Vec::new(),
    };
    let facts = facts();
    let around = Surroundings {
        observed: Some(&observed),
        renewal: Some(&renewal),
        ..around(&facts)
    };
    settle(&host.records, &wants, around)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn it_leads_to_rules_that_are_all_written_so(batches in batches(), options in options()) {
        let mut host = played(&batches)?;
        let transaction = rewritten(&host, &options);
        let all: Vec<Want> = host.records.domains.values().map(|it| it.want.clone()).collect();
        host.take(&transaction, &all);
        host.check()?;
        prop_assert!(host.records.host.iter().all(|record| record.options == options));
        let wants = host.records.domains.values().map(|record| &record.want);
        prop_assert!(wants.into_iter().all(|want| want.options == options));
        prop_assert!(host.settle_whole(&[]).plan.is_empty());
        let again = rewritten(&host, &options);
        prop_assert!(again.plan.is_empty(), "{}", again.plan);
    }

    #[test]
    fn nothing_is_open_at_any_point_that_is_not_filtered(batches in batches(), options in options()) {
        let host = played(&batches)?;
        at_every_point(&host, &rewritten(&host, &options))?;
    }

    #[test]
    fn cut_anywhere_it_can_be_undone(batches in batches(), options in options()) {
        let host = played(&batches)?;
        let transaction = rewritten(&host, &options);
        let before = host.records.state();
        let mut kernel = host.kernel.clone();
        for act in acts(&transaction.plan) {
            kernel.act(&act);
            let have = kernel.observed_by(host.records.host.as_ref());
            let mut undone = kernel.clone();
            undone.run(&Plan::between(&have, &before, &Besides::default()));
            prop_assert_eq!(undone.observed(), ReadBack::from(before.clone()));
        }
    }
}
