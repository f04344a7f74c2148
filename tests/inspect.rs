//! `vmhook inspect`, `sync` and `plan --from-host` on a real kernel, with the hooks' real work.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "these tests are about files, processes and the kernel"
)]

mod support;

use std::fs::{self, File};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::netns::{attempt, in_a_new_namespace, run};
use support::{DomainSpec, Lab, Nic, Outcome};
use tempfile::TempDir;

const XML: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/fixtures/libvirt/01-one-bridge"
);
const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/example.toml");
const VMHOOK: &str = env!("CARGO_BIN_EXE_vmhook");
const EVENT: &str = env!("CARGO_BIN_EXE_vmhook-event");
const BRIDGE: &str = "brqc08e7dcd-4a";
const TAP: &str = "tap7a8c0a54-75";
const MAC: &str = "fa:16:3e:be:71:21";

/// The host of the reference: the tunnel's address on eth0, and the configuration.
struct Host {
    folder: TempDir,
}

impl Host {
    fn new() -> Self {
        run("ip link add eth0 type veth peer name wire");
        run("ip link set eth0 up");
        run("ip address add 172.16.0.31/24 dev eth0");
        let folder = TempDir::new().unwrap();
        fs::copy(CONFIG, folder.path().join("vmhook.toml")).unwrap();
        Self { folder }
    }

    /// A host on which the machine runs.
    fn with_the_machine() -> Self {
        let host = Self::new();
        host.start_the_machine();
        host
    }

    #[track_caller]
    fn start_the_machine(&self) {
        self.hook("prepare", "01-prepare-begin");
        Host::make_tap();
        self.hook("start", "02-start-begin");
    }

    /// What libvirt does between `prepare` and `start`.
    fn make_tap() {
        run(&format!("ip tuntap add {TAP} mode tap"));
        run(&format!("ip link set {TAP} mtu 1450 master {BRIDGE} up"));
    }

    fn run(&self, program: &str, arguments: &[&str], xml: &str) -> Outcome {
        let output = Command::new(program)
            .args(arguments)
            .env("VMHOOK_CONFIG_DIR", self.folder.path())
            .env("VMHOOK_STATE_DIR", self.folder.path().join("state"))
            .stdin(File::open(format!("{XML}/{xml}.xml")).unwrap())
            .output()
            .unwrap();
        Outcome::of(arguments.join(" "), &output)
    }

    #[track_caller]
    fn hook(&self, operation: &str, xml: &str) {
        let arguments = ["qemu", "instance-0000000d", operation, "begin", "-"];
        self.run(EVENT, &arguments, xml).ok();
    }

    fn inspect(&self, xml: &str) -> Outcome {
        self.run(VMHOOK, &["inspect", "--xml", "-"], xml)
    }

    fn report(&self, xml: &str) -> Value {
        let json = ["inspect", "--xml", "-", "--format", "json"];
        serde_json::from_str(&self.run(VMHOOK, &json, xml).out).unwrap()
    }

    fn sync(&self) -> Outcome {
        self.run(VMHOOK, &["sync"], "INPUT")
    }

    /// Exit code 1, and a line that says this.
    #[track_caller]
    fn differs(&self, line: &str) {
        let outcome = self.inspect("LIVE");
        assert_eq!(outcome.code, 1, "{outcome:#?}");
        let told = outcome.out.lines().any(|it| it.trim_start() == line);
        assert!(told, "{line}\n{}", outcome.out);
    }

    #[track_caller]
    fn is_well(&self) {
        let text = self.inspect("LIVE").ok();
        assert!(
            text.ends_with(" are in the kernel as they were applied\n"),
            "{text}"
        );
    }
}

/// Every check of a report that is not well, as `status kind object`.
fn wrong(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter();
    let wrong = checks.filter(|check| check["status"] != "present");
    let word = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let line = |check| {
        ["status", "kind", "object"]
            .map(|key| word(check, key))
            .join(" ")
    };
    wrong.map(line).collect()
}

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
            "in kernel  link 2/2, bridge port 1/1, FDB entry 1/1, rule 4/4, set element 6/6",
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
fn what_somebody_took_away_is_named_and_sync_brings_it_back() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        run("iptables -D neutron-linuxbri-i7a8c0a54-7 -p icmp -j RETURN");
        host.differs("lacks -A neutron-linuxbri-i7a8c0a54-7 -p icmp -j RETURN");

        run("iptables -D INPUT -j neutron-linuxbri-INPUT");
        host.differs("missing: jump iptables -t filter -A INPUT -j neutron-linuxbri-INPUT, host");

        let element = format!("{{ \"{TAP}\" . {MAC} . 192.168.101.88 }}");
        let words = ["delete", "element", "bridge", "vmhook", "v4", &element];
        assert!(Command::new("nft").args(words).status().unwrap().success());
        host.differs(&format!(
            "missing: set element bridge vmhook v4 {element}, interface {MAC}"
        ));

        run("bridge fdb del 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.32");
        host.differs(
            "missing: FDB entry 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.32, \
             network selfservice",
        );

        run("ip link set vxlan-267 down");
        host.differs("different: link vxlan-267, network selfservice");
        host.differs("is down");

        let said = host.sync().ok();
        assert!(
            said.starts_with("repaired: device ~vxlan-267, fdb +1, rules v4 +"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
        host.is_well();
        run("nft flush ruleset");
        let script = host.run(VMHOOK, &["sync", "--script"], "INPUT").ok();
        assert!(script.starts_with("# repaired:\nnft -f - <<"), "{script}");
        assert!(script.contains("\niptables-restore --noflush"), "{script}");
        host.is_well();
        assert_eq!(
            host.sync().ok(),
            "the kernel had everything as it was applied\n"
        );
    });
}

/// What somebody does, how they undo it (or else `sync` does), and what is found meanwhile.
const CHANGES: [[&str; 3]; 8] = [
    [
        "iptables -I neutron-linuxbri-sg-chain 1 -j ACCEPT",
        "iptables -D neutron-linuxbri-sg-chain 1",
        "different chain iptables -t filter neutron-linuxbri-sg-chain",
    ],
    [
        "iptables -I FORWARD 1 -s 192.0.2.1 -j neutron-linuxbri-sg-chain",
        "iptables -D FORWARD 1",
        "different jump iptables -t filter -A FORWARD -j neutron-filter-top",
    ],
    [
        "bridge fdb append 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.66",
        "bridge fdb del 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.66",
        "extra fdb_entry 00:00:00:00:00:00 dev vxlan-267 dst 172.16.0.66",
    ],
    [
        "ip link set brqc08e7dcd-4a type bridge nf_call_iptables 0",
        "ip link set brqc08e7dcd-4a type bridge nf_call_iptables 1",
        "different link brqc08e7dcd-4a",
    ],
    [
        "ip link set tap7a8c0a54-75 nomaster",
        "ip link set tap7a8c0a54-75 master brqc08e7dcd-4a",
        "different tap tap7a8c0a54-75",
    ],
    [
        "ip link set tap7a8c0a54-75 down",
        "ip link set tap7a8c0a54-75 up",
        "different tap tap7a8c0a54-75",
    ],
    [
        "nft add element bridge vmhook has6 {tap7a8c0a54-75}",
        "nft delete element bridge vmhook has6 {tap7a8c0a54-75}",
        "extra set_element bridge vmhook has6 { \"tap7a8c0a54-75\" }",
    ],
    [
        "nft insert rule bridge vmhook from_vm accept",
        "",
        "different tables bridge vmhook, inet vmhook",
    ],
];

#[test]
fn a_change_of_each_kind_is_found_and_named() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        for [change, back, found] in CHANGES {
            run(change);
            let report = host.report("LIVE");
            assert_eq!(report["verdict"], "differs", "{change}");
            let wrong = wrong(&report);
            assert!(wrong.iter().any(|it| it == found), "{change}: {wrong:?}");
            if back.is_empty() {
                host.sync().ok();
            } else {
                run(back);
            }
            host.is_well();
        }
    });
}

#[test]
fn a_flush_of_all_nftables_is_told_whole() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        run("nft flush ruleset");
        let wrong = wrong(&host.report("LIVE"));
        let kinds: Vec<&str> = wrong.iter().filter_map(|it| it.split(' ').nth(1)).collect();
        for kind in ["chain", "rule", "jump", "tables", "set_element"] {
            assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
        }
        assert!(!kinds.contains(&"link"), "{kinds:?}");
        host.sync().ok();
        host.is_well();
    });
}

#[test]
fn another_machines_tap_on_the_bridge_is_a_note_and_no_difference() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        run("ip tuntap add stranger mode tap");
        run(&format!("ip link set stranger master {BRIDGE} up"));
        let text = host.inspect("LIVE").ok();
        let note = format!("note: stranger on {BRIDGE} is nobody's port: it is closed");
        assert!(text.lines().any(|line| line == note), "{text}");
    });
}

/// Of a network: what a reload brings.
const OTHERWISE: &str = "dhcp_servers = []
keep = true
clamp_mss = true
hosts = [ { mac = \"fa:16:3e:00:00:02\", addresses = [], vtep = \"172.16.0.32\" } ]
";

#[test]
fn a_configuration_that_changed_since_is_a_note() {
    in_a_new_namespace(|| {
        let host = Host::with_the_machine();
        let file = host.folder.path().join("vmhook.toml");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(
            &file,
            text.replace("101.88", "101.99")
                .replace("port = 22", "port = 23")
                .replace("vni = 267", &format!("vni = 267\n{OTHERWISE}")),
        )
        .unwrap();
        let text = host.inspect("LIVE").ok();
        let since = format!("note: interface {MAC}: configuration changed since: ");
        assert!(
            text.contains(&format!(
                "{since}addresses are now 192.168.101.99; `vmhook reload` brings it\n"
            )),
            "{text}"
        );
        assert!(
            text.contains(&format!(
                "{since}the rules or members of its security groups are others now"
            )),
            "{text}"
        );
        assert!(
            text.contains(&format!("{since}its network has other DHCP servers now")),
            "{text}"
        );
        let keys = "of its network hosts, clamp_mss, keep; `vmhook reload` brings it\n";
        assert!(text.contains(&format!("{since}{keys}")), "{text}");
        let line = "addresses  192.168.101.88     record; the configuration has changed since";
        assert!(text.lines().any(|it| it.trim() == line), "{text}");

        fs::write(&file, "nonsense").unwrap();
        let text = host.inspect("LIVE").ok();
        assert!(
            text.contains("the configuration does not serve it: the file does not parse"),
            "{text}"
        );
        assert!(
            text.contains("addresses  192.168.101.88     record\n"),
            "{text}"
        );
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
fn a_bridge_that_looks_like_ours_and_is_no_networks_is_a_note() {
    in_a_new_namespace(|| {
        let host = Host::new();
        let file = host.folder.path().join("vmhook.toml");
        let config = fs::read_to_string(&file).unwrap();
        fs::write(&file, config.replace("c08e7dcd-4acb", "c08e7dcd-5acb")).unwrap();
        let text = host.inspect("INPUT").ok();
        let note = format!(
            "\nnote: no network has bridge {BRIDGE}; the configuration's bridges: brqc08e7dcd-5a\n"
        );
        assert!(text.contains(&note), "{text}");
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

/// All that vmhook changes in the kernel, line by line, without counters and what differs by itself.
fn kernel() -> Vec<String> {
    let mut lines = Vec::new();
    let devices: Value = serde_json::from_str(&run("ip -d -j link show")).unwrap();
    lines.extend(devices.as_array().unwrap().iter().map(link));
    let fdb = attempt("bridge fdb show").1;
    lines.extend(
        fdb.lines()
            .filter(|line| line.contains(" dst "))
            .map(str::to_owned),
    );
    for save in ["iptables-save", "ip6tables-save"].map(run) {
        let lasting = save.lines().filter(|line| !line.starts_with('#'));
        lines.extend(lasting.map(str::to_owned));
    }
    for family in ["bridge", "inet"] {
        let table = attempt(&format!("nft --stateless list table {family} vmhook")).1;
        let table = table.replace(",\n\t\t\t     ", ", ");
        lines.extend(table.lines().map(sorted_set));
    }
    let sysctls = run("sysctl net.ipv4.conf net.ipv6.conf");
    let own = |line: &&str| ["brq", "vxlan", "tap"].iter().any(|it| line.contains(it));
    lines.extend(sysctls.lines().filter(own).map(str::to_owned));
    lines
}

/// A line of nft's with the elements of its set in order: nft prints them in that of a hash.
fn sorted_set(line: &str) -> String {
    let (Some(open), Some(close)) = (line.find("{ "), line.rfind(" }")) else {
        return line.to_owned();
    };
    let mut elements: Vec<&str> = line[open + 2..close].split(", ").collect();
    elements.sort_unstable();
    format!("{}{}{}", &line[..open], elements.join(", "), &line[close..])
}

/// Fails with the lines that only one of them has.
#[track_caller]
fn assert_same(left: &[String], right: &[String]) {
    let only = |here: &[String], there: &[String]| -> Vec<String> {
        here.iter()
            .filter(|line| !there.contains(line))
            .cloned()
            .collect()
    };
    assert_eq!(only(left, right), only(right, left));
    assert_eq!(left.len(), right.len());
}

/// A link with what is set on it. A VXLAN device's own MAC address is random; timers run, and the
/// carrier comes when it comes.
fn link(link: &Value) -> String {
    let up = link["flags"].as_array().unwrap().contains(&"UP".into());
    let own = ["ifname", "mtu", "master", "ifalias"].map(|key| link[key].to_string());
    let data = link["linkinfo"]["info_data"].as_object();
    let passing = |key: &str| key.ends_with("timer") || key.starts_with("topology_change");
    let set = data.into_iter().flatten().filter(|(key, _)| !passing(key));
    let set: Vec<String> = set.map(|(key, value)| format!("{key} {value}")).collect();
    format!("{} up {up} {}", own.join(" "), set.join(" "))
}

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
