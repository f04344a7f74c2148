//! `vmhook plan --from-host` and `check`: the host as it is.

use super::*;

fn paste(script: &str) {
    let mut shell = Command::new("sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut shell.stdin.take().unwrap(), script.as_bytes()).unwrap();
    // `conntrack -D` ends with 1 where there is nothing to delete.
    shell.wait().unwrap();
}

#[test]
fn a_pasted_plan_does_what_the_hooks_do() {
    let by_hooks = std::sync::Mutex::new(Vec::new());
    in_a_new_namespace(|| {
        let _host = Host::with_the_machine();
        *by_hooks.lock().unwrap() = kernel();
    });
    in_a_new_namespace(|| {
        let host = Host::new();
        let plan = |event: &str| {
            let arguments = ["plan", "--from-host", "--event", event, "--xml", "-"];
            host.run(VMHOOK, &arguments, "INPUT").ok()
        };
        paste(&plan("prepare"));
        Host::make_tap();
        paste(&plan("start"));
        assert_same(&kernel(), &by_hooks.lock().unwrap());
        assert!(
            !host.folder.path().join("state").exists(),
            "plan writes nothing"
        );
    });
}

#[test]
fn a_plan_of_this_host_starts_from_what_is_there() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        let plan = |event: &str| {
            let arguments = ["plan", "--from-host", "--event", event, "--xml", "-"];
            host.run(VMHOOK, &arguments, "LIVE").ok()
        };
        assert!(plan("start").ends_with("# start\n# nothing is to be done\n"));
        let arguments = ["plan", "--from-host", "--xml", "-"];
        let whole = host.run(VMHOOK, &arguments, "LIVE").ok();
        assert_eq!(whole, plan("start"), "it was started already");
        run("iptables -D neutron-linuxbri-i7a8c0a54-7 -p icmp -j RETURN");
        assert!(
            plan("start").contains("-p icmp -j RETURN\n"),
            "the hook would repair it"
        );
        paste(&plan("stopped"));
        let chains = run("iptables-save");
        assert!(!chains.contains("i7a8c0a54-7"), "{chains}");
    });
}

#[test]
fn check_looks_around_on_the_host_itself() {
    in_a_new_namespace(|| {
        let host = Host::new();
        let text = host.run(VMHOOK, &["check"], "INPUT").ok();
        for line in [
            "local_ip 172.16.0.31 on eth0 with MTU 1500; UDP port 8472",
            "bridge brqc08e7dcd-4a, device vxlan-267, VNI 267, MTU 1450, to 172.16.0.32",
            "there, on nftables",
        ] {
            assert!(text.lines().any(|it| it.ends_with(line)), "{line}\n{text}");
        }
        run("ip address del 172.16.0.31/24 dev eth0");
        let outcome = host.run(VMHOOK, &["check"], "INPUT");
        assert_eq!(outcome.code, 1, "{outcome:#?}");
        let words = "error: network selfservice: no device of this host has local_ip 172.16.0.31";
        assert!(outcome.out.starts_with(words), "{outcome:#?}");
    });
}
