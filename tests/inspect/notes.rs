//! What is worth a note and no difference.

use super::*;

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
