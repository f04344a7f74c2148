//! What a machine has, whether all of it is there, and who says so.

use super::*;

#[test]
fn a_machine_as_it_was_applied_is_well_and_each_value_says_whence() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        host.is_well();
        let text = host.inspect("LIVE").ok();
        for line in [
            "network    selfservice        [network.selfservice]",
            "bridge     brqc08e7dcd-4a     [network.selfservice] id",
            "device     vxlan-267          [network.selfservice] vni",
            "VNI        267                [network.selfservice] vni",
            "tap        tap7a8c0a54-75     domain XML",
            "MAC        fa:16:3e:be:71:21  domain XML",
            "MTU        1450               [network.selfservice] mtu",
            "addresses  192.168.101.88     [port.web1]",
            "security   hardened           [firewall]",
            "groups     mysecurity         [port.web1]",
            "in kernel  link 2/2, bridge port 1/1, FDB entry 1/1, rule 4/4, set element 7/7",
        ] {
            assert!(text.lines().any(|it| it.trim() == line), "{line}\n{text}");
        }
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
    });
}

#[test]
fn json_says_the_same_as_the_text() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        let report = host.report("LIVE");
        assert_eq!(report["version"], 1);
        assert_eq!(report["verdict"], "as_applied");
        assert_eq!(report["running"], true);
        let interface = &report["interfaces"][0];
        assert_eq!(interface["mac"]["value"], MAC);
        assert_eq!(interface["vni"]["value"], 267);
        assert_eq!(interface["addresses"]["value"][0], "192.168.101.88");
        assert_eq!(interface["addresses"]["origin"], "[port.web1]");
        assert_eq!(interface["security"]["value"], "hardened");
        assert_eq!(interface["security"]["origin"], "[firewall]");
        assert_eq!(wrong(&report), [""; 0]);
        let count = report["checks"].as_array().unwrap().len();
        let text = host.inspect("LIVE").ok();
        assert!(text.contains(&format!("\nall {count} things are in the kernel")));
    });
}

#[test]
fn the_xml_may_be_inactive_while_the_machine_runs() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        let text = host.inspect("INPUT").ok();
        assert!(text.starts_with("domain instance-0000000d "), "{text}");
        assert!(text.contains(", runs\n"), "{text}");
    });
}

#[test]
fn a_port_that_may_use_any_address_is_found_as_it_was_applied() {
    in_a_new_namespace(|| {
        let host = Host::new();
        let toml = fs::read_to_string(CONFIG).unwrap();
        let mut any = toml.replace(r#"["192.168.101.88"]"#, "[]");
        for groups in [r#"["mysecurity"]"#, "[]"] {
            any = any.replace(r#"["mysecurity"]"#, groups);
            fs::write(host.folder.path().join("vmhook.toml"), &any).unwrap();
            host.start_the_machine();
            host.is_well();
            run(&format!("ip link delete {TAP}"));
            host.hook("stopped", "04-stopped-end");
            host.hook("release", "05-release-end");
        }
    });
}

#[test]
fn a_machine_that_runs_without_a_record_is_not_well() {
    in_a_new_namespace(|| {
        let host = Host::new();
        let outcome = host.inspect("LIVE");
        assert_eq!(outcome.code, 1);
        let words = "it runs, but nothing was applied for it: its ports are closed; \
                     `vmhook sync instance-0000000d` opens them\n";
        assert!(outcome.out.ends_with(words), "{}", outcome.out);
        assert_eq!(host.report("LIVE")["verdict"], "no_record");
    });
}

#[test]
fn records_of_another_network_namespace_count_as_nothing() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        in_a_new_namespace(|| {
            assert_eq!(host.report("LIVE")["verdict"], "no_record");
        });
        host.is_well();
    });
}

#[test]
fn a_machine_on_its_way_up_or_down_is_not_well_until_nothing_is_left() {
    in_a_new_namespace(|| {
        let host = Host::new();
        assert_eq!(host.inspect("INPUT").code, 0, "never started");
        host.hook("prepare", "01-prepare-begin");
        assert_eq!(host.report("INPUT")["verdict"], "left");
        assert_eq!(
            host.report("LIVE")["verdict"],
            "differs",
            "its port is closed"
        );
        Host::make_tap();
        host.hook("start", "02-start-begin");
        host.is_well();

        run(&format!("ip link del {TAP}"));
        assert_eq!(host.inspect("INPUT").code, 1, "stopped was not called");
        host.hook("stopped", "04-stopped-end");
        assert_eq!(host.inspect("INPUT").code, 1, "release was not called");
        host.hook("release", "05-release-end");
        let text = host.inspect("INPUT").ok();
        assert!(
            text.ends_with("it is shut off, and nothing of it is left\n"),
            "{text}"
        );
    });
}

#[test]
fn an_inspection_changes_nothing() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        let before = kernel();
        let records = run(&format!("grep -r . {}/state", host.folder.path().display()));
        host.is_well();
        run("ip link set vxlan-267 down");
        let broken = kernel();
        assert_ne!(before, broken);
        assert_eq!(host.inspect("LIVE").code, 1);
        assert_same(&kernel(), &broken);
        let after = run(&format!("grep -r . {}/state", host.folder.path().display()));
        assert_eq!(after, records);
    });
}

#[test]
fn libvirt_is_asked_for_a_domain_by_name_or_uuid() {
    let lab = Lab::new();
    lab.join_peer();
    lab.configure(&fs::read_to_string(CONFIG).unwrap());
    lab.ok(&format!(
        "ip link add {BRIDGE} type bridge && ip link set {BRIDGE} up"
    ));
    lab.start_libvirtd();
    let nic = Nic::on_bridge(BRIDGE, MAC).target(TAP).mtu(1450);
    let mut guest = lab.define(&DomainSpec::new("web1").nic(nic));
    let inspect = |domain: &str| lab.command(&[VMHOOK, "inspect", "--", domain]);
    let text = inspect("web1").ok();
    assert!(
        text.ends_with("it is shut off, and nothing of it is left\n"),
        "{text}"
    );
    let uuid = lab.virsh(&["domuuid", "web1"]).ok();
    assert_eq!(inspect(uuid.trim()).ok(), text);

    guest.start().ok();
    let outcome = inspect("web1");
    assert_eq!(
        outcome.code, 1,
        "it was started without hooks: {outcome:#?}"
    );
    assert!(
        outcome.out.contains("nothing was applied for it"),
        "{outcome:#?}"
    );
    guest.destroy();

    let outcome = inspect("web2");
    assert_eq!(outcome.code, 2, "{outcome:#?}");
    assert_eq!(
        outcome.err,
        "vmhook: Domain not found: no domain with matching name 'web2'\n"
    );
}
