//! What changes nothing: a wrong configuration, a reload that fails.

use super::*;

#[test]
fn a_wrong_configuration_changes_nothing_and_the_error_says_where() {
    World::run(|world| {
        bring_up(world);
        let before = world.dump();
        let cases = [
            ("port = 5432", "ports = \"6000-5000\"", "reversed"),
            (
                "remote_group = \"web\"",
                "remote = \"2001:db8::/32\"",
                "2001:db8::/32",
            ),
            (
                "remote_group = \"web\"",
                "remote_group = \"nobody-s\"",
                "nobody-s",
            ),
            (
                "protocol = \"tcp\", port = 5432",
                "protocol = \"gre\", port = 5432",
                "gre",
            ),
            (
                "[\"192.168.101.3\"]",
                "[\"192.168.101.300\"]",
                "192.168.101.300",
            ),
            ("[security_group.db]", "[security_group.db", "vmhook.toml:"),
            // Right as a file, and wrong for one machine alone.
            (
                "[security_group.db]",
                "[security_group.base]",
                "domain vm2, interface fa:16:3e:00:00:02: security group \"db\" is not defined",
            ),
            ("vni = 267", "vni = 268", "runs with"),
        ];
        for (from, to, said) in cases {
            // What is right beside it is not taken either.
            world.configure(&edited(from, to).replace("port = 22", "port = 23"));
            for arguments in [&["reload"][..], &["reload", "--dry-run"]] {
                let outcome = world.vmhook(arguments);
                assert_eq!(
                    (outcome.code, outcome.out.as_str()),
                    (1, ""),
                    "{outcome:#?}"
                );
                assert!(outcome.err.contains(said), "{said}: {outcome:#?}");
                let end = "vmhook: nothing was changed\n";
                assert!(outcome.err.ends_with(end), "{outcome:#?}");
                let place = ["vmhook.toml:", "domain vm"]
                    .iter()
                    .any(|it| outcome.err.contains(it));
                assert!(place, "{outcome:#?}");
                assert_same(&world.dump(), &before, to);
            }
        }
    });
}

#[test]
fn a_reload_that_fails_anywhere_changes_nothing() {
    World::run(|world| {
        bring_up(world);
        let kernel = world.kernel();
        world.configure(
            &(edited("port = 22", "port = 2222")
                .replace("\"192.168.101.3\"", "\"192.168.101.33\"")
                + "\n[firewall]\nchain_prefix = \"mine\"\n"),
        );
        for change in 1.. {
            let outcome = world.vmhook_with(&["reload"], Some(&format!("fail:{change}")));
            if outcome.succeeded() {
                assert!(change > 15, "{change} changes");
                break;
            }
            assert_eq!(outcome.code, 2, "{outcome:#?}");
            assert_same(&world.kernel(), &kernel, &format!("change {change} failed"));
        }
    });
}
