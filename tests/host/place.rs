//! Which boot, which namespace, and who else is there.

use std::io::{Read, Write};

use super::*;

#[test]
fn each_network_namespace_is_an_epoch_of_its_own() {
    let here = machine().epoch().unwrap();
    in_a_new_namespace(|| {
        let there = machine().epoch().unwrap();
        assert_eq!(there.boot, here.boot);
        assert_ne!(there.netns, here.netns);
    });
}

#[test]
fn an_agent_in_another_namespace_is_no_matter() {
    let folder = tempfile::tempdir().unwrap();
    let agent = folder.path().join("neutron-linuxbridge-agent");
    fs::copy(run("which cat").trim(), &agent).unwrap();
    in_a_new_namespace(|| {
        let mut running = std::process::Command::new(&agent)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // A program has its command line a moment after it was started; once it answers it has.
        running.stdin.as_mut().unwrap().write_all(b"?").unwrap();
        let mut answer = [0];
        running
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut answer)
            .unwrap();
        assert_eq!(machine().neutron_agent().unwrap(), Some(running.id()));
        in_a_new_namespace(|| assert_eq!(machine().neutron_agent().unwrap(), None));
        drop(running.stdin.take());
        running.wait().unwrap();
        assert_eq!(machine().neutron_agent().unwrap(), None);
    });
}

#[test]
fn a_module_that_is_there_keeps_the_operators_switches() {
    in_a_new_namespace(|| {
        let switch = "bridge/bridge-nf-call-iptables";
        let (there, words) = attempt(&format!("test -e /proc/sys/net/{switch}"));
        assert!(
            there,
            "this kernel has br_netfilter built in or loaded: {words}"
        );
        for value in ["1", "0"] {
            fs::write(format!("/proc/sys/net/{switch}"), value).unwrap();
            machine().ensure_br_netfilter().unwrap();
            assert_eq!(setting(switch), value);
        }
    });
}
