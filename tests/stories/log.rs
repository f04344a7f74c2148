//! What the journal says of a guest's whole life, line for line.

use super::strangers::MAKE_BR0;
use super::{CONFIG, MAC, TAP, host, rules, web1};
use crate::support::{DomainSpec, Lab, Nic};

/// How many rules the kernel has, IPv4 and IPv6.
fn count(lab: &Lab) -> [usize; 2] {
    ["iptables-save", "ip6tables-save"].map(|save| {
        let lines = rules(lab, save);
        lines.iter().filter(|line| line.starts_with("-A")).count()
    })
}

#[test]
fn a_guests_whole_life_is_a_line_for_each_change_and_refusal() {
    let lab = host(CONFIG);
    let journal = lab.journal();
    let mut web1 = lab.define(&web1());

    lab.configure(&CONFIG.replace("\"mysecurity\"]", "\"web\"]"));
    assert!(!web1.start_paused().succeeded());
    assert_eq!(journal.told(), ["web1|prepare|refused|"]);

    lab.configure(CONFIG);
    web1.start_paused().ok();
    let [v4, v6] = count(&lab);
    let started = format!(
        "web1|start|applied|port +{MAC} {TAP}, rules v4 +{v4} v6 +{v6}, elements +6, \
         connections zone 4097 all"
    );
    let prepared = "web1|prepare|applied|tables +vmhook, bridge +brqc08e7dcd-4a, \
                    device +vxlan-267, fdb +1, elements +8";
    assert_eq!(journal.told(), [prepared, &started]);

    lab.end_libvirtd("TERM");
    lab.start_libvirtd();
    assert_eq!(web1.state(), "paused");
    assert!(journal.told().is_empty(), "nothing was to be done");

    lab.end_libvirtd("TERM");
    lab.ok("nft flush ruleset");
    lab.start_libvirtd();
    assert_eq!(web1.state(), "paused");
    let repaired = format!(
        "|daemon-start|repaired|tables +vmhook, port +{MAC} {TAP}, rules v4 +{v4} v6 +{v6}, \
         elements +14"
    );
    assert_eq!(journal.told(), [repaired]);

    web1.destroy();
    let told = journal.told();
    assert_eq!(told.len(), 2, "{told:#?}");
    let stopped = format!("web1|stopped|applied|port -{MAC} {TAP}, rules v4 -");
    assert!(told[0].starts_with(&stopped), "{told:#?}");
    let released = "web1|release|applied|tables -vmhook, bridge -brqc08e7dcd-4a, \
                    device -vxlan-267, fdb -1, rules v4 -";
    assert!(told[1].starts_with(released), "{told:#?}");
}

#[test]
fn of_a_guest_that_is_not_ours_the_journal_has_no_line() {
    let lab = host(CONFIG);
    let journal = lab.journal();
    lab.ok(MAKE_BR0);
    let mut other = lab.define(&DomainSpec::new("other").nic(Nic::on_bridge("br0", MAC)));
    other.start_paused().ok();
    lab.end_libvirtd("TERM");
    lab.start_libvirtd();
    assert_eq!(other.state(), "paused");
    other.destroy();
    assert_eq!(journal.told(), [""; 0]);
}
