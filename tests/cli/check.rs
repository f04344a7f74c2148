//! `vmhook check`.

use super::*;

#[test]
fn a_right_configuration_is_told_in_a_few_lines() {
    let Ended { out, .. } = User::with("reference").run(&["check"]).with_code(0);
    for line in [
        "firewall                   chains neutron-linuxbri-…, with comments",
        "network selfservice        bridge brqc08e7dcd-4a, VNI 267, MTU 1450, to 172.16.0.32",
        "security group mysecurity  2 ingress rules, 1 egress rule",
        "port web1                  fa:16:3e:be:71:21, addresses 192.168.101.88, groups mysecurity",
    ] {
        assert!(out.lines().any(|it| it == line), "{line}\n{out}");
    }
    // Its tunnel end point is another host's: that is said, and is no error elsewhere.
    assert!(out.ends_with("the configuration is right, but not for this host: see above\n"));
}

#[test]
fn each_error_of_the_configuration_is_shown_with_its_place() {
    let user = User::with("refused-broken-network");
    let Ended { out, .. } = user.run(&["check"]).with_code(1);
    let report = "error: network.selfservice.vni: VNI 0 is outside 1 to 16777215\n --> ";
    assert!(out.starts_with(report), "{out}");
    assert!(
        out.contains("/vmhook.toml:7:7\n  |\n7 | vni = 0\n  |       ^\n"),
        "{out}"
    );
    assert!(out.ends_with("\n1 error\n"), "{out}");
}

#[test]
fn a_part_that_is_wrong_hides_nothing_of_the_rest() {
    let user = User::with("reference");
    user.configure("[network.a]\nvni = 0\n[port.b]\nmac = 5\n");
    let Ended { out, .. } = user.run(&["check"]).with_code(1);
    assert!(out.contains("error: network.a.vni: "), "{out}");
    assert!(out.contains("error: port.b.mac: "), "{out}");
    assert!(out.contains("network a               broken: "), "{out}");
    assert!(
        out.contains("security group default  1 ingress rule, 1 egress rule"),
        "{out}"
    );
}

#[test]
fn two_ports_with_one_address_are_a_note_unless_their_networks_keep_them_apart() {
    let port = |name: &str, mac: u8, network: &str| {
        format!(
            "[port.{name}]\nmac = \"52:54:00:00:00:0{mac}\"\nfixed_ips = [\"192.0.2.1\"]\n{network}\n"
        )
    };
    let network = |name: &str, vni: u8| {
        format!("[network.{name}]\nid = \"{name}\"\ntype = \"vxlan\"\nvni = {vni}\nmtu = 1450\n")
    };
    let config = network("x", 1) + &network("y", 2) + &port("a", 1, "network = \"x\"");
    let note = "note: ports a and b both have 192.0.2.1\n";
    for (other, noted) in [
        ("", true),
        ("network = \"x\"", true),
        ("network = \"y\"", false),
    ] {
        let user = User::with("reference");
        user.configure(&(config.clone() + &port("b", 2, other)));
        let Ended { out, .. } = user.run(&["check"]);
        assert_eq!(out.contains(note), noted, "{other}: {out}");
    }
}

#[test]
fn dhcp_servers_that_leave_out_the_host_are_a_note() {
    let network = |hosts: &str, servers: &str| {
        format!(
            "[network.x]\nid = \"x\"\ntype = \"local\"\nhost_address = {hosts}\n\
             dhcp_servers = {servers}\n"
        )
    };
    let own = r#"["192.0.2.1/24", "2001:db8::1/64"]"#;
    let note = "note: network x: dhcp_servers does not name 192.0.2.1, the host's own address";
    for (hosts, servers, noted) in [
        (own, r#"["192.0.2.2", "fe80::1"]"#, true),
        (own, r#"["192.0.2.2", "192.0.2.1"]"#, false),
        (own, "[]", false),
        (r#"["2001:db8::1/64"]"#, r#"["fe80::1"]"#, false),
    ] {
        let user = User::with("reference");
        user.configure(&network(hosts, servers));
        let Ended { out, .. } = user.run(&["check"]).with_code(0);
        assert_eq!(out.contains(note), noted, "{hosts} {servers}: {out}");
        assert_eq!(out.contains("dhcp_servers does not name"), noted, "{out}");
    }
}

#[test]
fn an_address_outside_the_prefixes_of_the_host_is_a_note() {
    let network = "[network.x]\nid = \"x\"\ntype = \"local\"\nhost_address = [\"192.0.2.1/24\"]\n";
    let port = "[port.a]\nmac = \"52:54:00:00:00:01\"\n";
    for (placed, address, noted) in [
        ("network = \"x\"\n", "192.0.3.5", true),
        ("network = \"x\"\n", "192.0.2.5", false),
        ("network = \"x\"\n", "2001:db8::5", false),
        ("network = \"x\"\n", "169.254.0.5", false),
        ("", "192.0.3.5", false),
    ] {
        let user = User::with("reference");
        user.configure(&format!(
            "{network}{port}{placed}fixed_ips = [\"{address}\"]\n"
        ));
        let Ended { out, .. } = user.run(&["check"]).with_code(0);
        let note = format!(
            "note: port a has {address}, which is outside every prefix of host_address on network x"
        );
        assert_eq!(out.contains(&note), noted, "{placed}{address}: {out}");
    }
}

#[test]
fn a_configuration_that_is_not_there_is_exit_code_2() {
    let user = User::with("reference");
    let nowhere = ["--config-dir", "/nonexistent", "check"];
    let Ended { err, .. } = user.run(&nowhere).with_code(2);
    assert_eq!(
        err,
        "vmhook: /nonexistent/vmhook.toml: there is no such file; `vmhook setup` puts an example, \
         vmhook.toml.example, into /etc/vmhook\n"
    );
}

/// Right, and seldom meant, beside the reference.
const SELDOM_MEANT: &str = r#"
[address_group.offices]
addresses = []
[security_group.default]
members = ["10.1.2.3/8", "0.0.0.0/0"]
[security_group.web]
stateful = false
ingress = [{ protocol = "tcp", port = 80, remote_group = "web" }]
[port.web8]
mac = "fa:16:3e:00:00:08"
network = "selfservice"
fixed_ips = ["192.168.101.8"]
security_groups = ["web", "mysecurity"]
[port.balancer]
mac = "fa:16:3e:00:00:0a"
fixed_ips = []
security_groups = ["web"]
device_owner = "neutron:LOADBALANCERV2"
[port.silent]
mac = "fa:16:3e:00:00:09"
fixed_ips = []
security_groups = []
"#;

#[test]
fn what_is_right_and_seldom_meant_is_noted_and_no_error() {
    let user = User::with("reference");
    let reference = fs::read_to_string(user.path("vmhook.toml")).unwrap();
    user.configure(&format!("{reference}{SELDOM_MEANT}"));
    let Ended { out, .. } = user.run(&["check"]).with_code(0);
    for words in [
        "note: address_group.offices.addresses: no address: a rule that names this group allows nothing",
        "note: security_group.default.members[0]: 10.1.2.3/8 has host bits: it is read as 10.0.0.0/8",
        "note: security_group.default.members[1]: 0.0.0.0/0 is every address of its family",
        "note: port web8 is in group web, which rules name as remote group: ",
        "note: port web8 has stateful and stateless groups: its first, web, decides for all",
        "note: port balancer has a stateless group and a device_owner of \"neutron:…\": all its packets \
         are tracked",
    ] {
        assert!(out.contains(words), "{words}\n{out}");
    }
    for (name, words) in [
        ("address group offices", "no address"),
        // Its rules are the built-in ones: it says nothing of them.
        (
            "security group default",
            "1 ingress rule, 1 egress rule, 2 members elsewhere",
        ),
        (
            "security group web ",
            "1 ingress rule, 0 egress rules, stateless",
        ),
        (
            "port silent",
            "fa:16:3e:00:00:09, addresses any, no groups: no packet",
        ),
    ] {
        let line = out.lines().find(|line| line.starts_with(name));
        assert!(
            line.is_some_and(|line| line.ends_with(words)),
            "{words}\n{out}"
        );
    }
    assert!(!out.contains("is in group default"), "{out}");
}
