//! iptables and nftables.

use vmhook::model::Family;

use super::*;

fn restore(v4: &str, v6: &str, side_by_side: bool) -> RestoreInput {
    RestoreInput {
        v4: v4.to_owned(),
        v6: v6.to_owned(),
        side_by_side,
    }
}

#[test]
fn the_generation_changes_with_every_commit_and_never_otherwise() {
    in_a_new_namespace(|| {
        let host = machine();
        let first = host.ruleset_generation().unwrap();
        run("nft list ruleset");
        apply(&host, [bridge(1450)]);
        assert_eq!(host.ruleset_generation().unwrap(), first);
        host.nft("add table inet vmhook").unwrap();
        let second = host.ruleset_generation().unwrap();
        assert_ne!(second, first);
        in_a_new_namespace(|| machine().nft("add table inet elsewhere").unwrap());
        assert_eq!(host.ruleset_generation().unwrap(), second);
        run("iptables-nft -N chain");
        assert_ne!(host.ruleset_generation().unwrap(), second);
    });
}

#[test]
fn both_families_are_restored_side_by_side_or_one_after_the_other() {
    for side_by_side in [false, true] {
        in_a_new_namespace(|| {
            let host = machine();
            let four = "*filter\n:four - [0:0]\nCOMMIT\n";
            let six = "*filter\n:six - [0:0]\nCOMMIT\n";
            host.iptables_restore(&restore(four, six, side_by_side))
                .unwrap();
            for (family, chain) in vmhook::model::Family::BOTH.into_iter().zip(["four", "six"]) {
                let saved = host.iptables_save(family).unwrap();
                assert!(saved.contains(&format!(":{chain} - [0:0]")), "{saved}");
            }
        });
    }
}

#[test]
fn a_failed_restore_shows_the_line_and_leaves_its_table_as_it_was() {
    in_a_new_namespace(|| {
        let host = machine();
        let text = "*filter\n:mine - [0:0]\n-A nowhere -j DROP\nCOMMIT\n";
        for input in [restore(text, "", false), restore("", text, false)] {
            let error = host.iptables_restore(&input).unwrap_err();
            let words = error.to_string();
            assert!(words.contains("tables-restore --noflush -w "), "{words}");
            assert!(words.ends_with("[-A nowhere -j DROP]"), "{words}");
            assert!(!words.contains('\n'), "{words}");
            assert!(matches!(error, HostError::Command { input, .. } if input == text));
        }
        assert!(
            !host
                .iptables_save(vmhook::model::Family::Ipv4)
                .unwrap()
                .contains("mine")
        );
    });
}

#[test]
fn nothing_to_restore_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let host = machine().with_programs_in(folder.path());
    host.iptables_restore(&RestoreInput::default()).unwrap();
}

#[test]
fn our_table_is_listed_without_counters_and_its_absence_is_no_error() {
    in_a_new_namespace(|| {
        let host = machine();
        assert_eq!(host.nft_table(NftFamily::Bridge).unwrap(), None);
        host.nft("table bridge vmhook { chain c { counter drop; }\n}")
            .unwrap();
        let listed = host.nft_table(NftFamily::Bridge).unwrap().unwrap();
        assert!(listed.contains("counter drop"), "{listed}");
        assert!(!listed.contains("packets"), "{listed}");
        assert_eq!(host.nft_table(NftFamily::Inet).unwrap(), None);
    });
}

#[test]
fn a_script_is_tried_without_being_applied() {
    in_a_new_namespace(|| {
        let host = machine();
        assert!(host.nft_accepts("add table bridge vmhook").unwrap());
        assert!(!host.nft_accepts("add chain bridge vmhook c").unwrap());
        assert_eq!(host.nft_table(NftFamily::Bridge).unwrap(), None);
        let words = host
            .nft("add chain bridge vmhook c")
            .unwrap_err()
            .to_string();
        assert!(words.starts_with("nft -f -: "), "{words}");
    });
}

#[test]
fn the_backend_is_the_one_that_iptables_names() {
    let folder = tempfile::tempdir().unwrap();
    for (words, backend) in [
        ("iptables v1.8.9 (nf_tables)", IptablesBackend::Nft),
        ("iptables v1.8.9 (legacy)", IptablesBackend::Legacy),
        ("iptables v1.6.1", IptablesBackend::Legacy),
    ] {
        script(folder.path(), "iptables", &format!("echo '{words}'"));
        let host = machine().with_programs_in(folder.path());
        assert_eq!(host.iptables_backend().unwrap(), backend, "{words}");
    }
    assert!(machine().iptables_backend().is_ok());
}

#[test]
fn the_policy_of_forward_is_told_for_each_family() {
    in_a_new_namespace(|| {
        let policies = || Family::BOTH.map(|family| vmhook::host::forward_policy(family).unwrap());
        assert_eq!(policies(), ["ACCEPT", "ACCEPT"]);
        run("ip6tables -P FORWARD DROP");
        assert_eq!(policies(), ["ACCEPT", "DROP"]);
    });
}
