//! What hangs holds up libvirt no longer than the time limit.

#![expect(
    clippy::disallowed_types,
    reason = "this is about the time that libvirt is held up"
)]

use std::time::{Duration, Instant};

use super::reference::assert_filter_tables_are_neutrons;
use super::{CONFIG, MAC, host, web1};
use crate::support::{Lab, Outcome};

/// Longer than the share of it that is for work, which is two thirds.
const LIMIT: Duration = Duration::from_secs(6);
/// What stops reads no configuration.
const OWN_LIMIT: Duration = Duration::from_secs(15);

fn short() -> String {
    CONFIG.replace("[host]\n", "[host]\nhook_timeout = 6\n")
}

/// Does something that waits, while `virsh list` is asked: it answers when the hook has given up,
/// at the latest.
fn with_a_list(lab: &Lab, limit: Duration, wait: impl FnOnce() -> Outcome) -> Outcome {
    std::thread::scope(|scope| {
        let began = Instant::now();
        let list = scope.spawn(move || {
            let listed = lab.virsh(&["list", "--all"]);
            (listed.ok(), began.elapsed())
        });
        let outcome = wait();
        let slack = Duration::from_secs(4);
        let took = began.elapsed();
        assert!(took < limit + slack, "{took:?}: {outcome:#?}");
        let (listed, took) = list.join().expect("virsh ends");
        assert!(took < limit + slack, "virsh list took {took:?}");
        assert!(listed.contains("web1"), "{listed}");
        outcome
    })
}

#[track_caller]
fn assert_says(outcome: &Outcome, words: &[&str]) {
    assert_eq!(outcome.code, 1, "{outcome:#?}");
    for word in words {
        assert!(outcome.err.contains(word), "{word:?}: {outcome:#?}");
    }
}

/// Holds the lock, in a process of the name `cat`, until a line comes.
const HOLD: &str = "mkdir -p /run/vmhook; mkfifo /run/hold
    flock --no-fork /run/vmhook cat /run/hold </dev/null >/dev/null 2>&1 &
    echo $!; while flock --nonblock /run/vmhook true; do :; done";

#[test]
fn a_start_gives_up_on_the_lock_and_names_who_holds_it() {
    let lab = host(&short());
    let journal = lab.journal();
    let mut web1 = lab.define(&web1());
    let holder = lab.command(&["bash", "-c", HOLD]).ok();
    let before = lab.dump();

    let start = with_a_list(&lab, LIMIT, || web1.start_paused());
    let holder = format!("held by pid {}, cat", holder.trim());
    let words = [
        "vmhook: domain web1",
        MAC,
        "waiting for the lock /run/vmhook",
        &holder,
    ];
    assert_says(&start, &words);
    assert_eq!(journal.told(), ["web1|prepare|failed|"]);
    lab.ok("echo >/run/hold; rm /run/hold");
    lab.virsh(&["list"]).ok();

    web1.start_paused().ok();
    assert_filter_tables_are_neutrons(&lab);
    web1.destroy();
    lab.assert_unchanged_since(&before);
}

#[test]
fn a_start_whose_iptables_hangs_is_undone_and_says_so() {
    let lab = host(&short());
    let journal = lab.journal();
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    hang(&lab, true);
    let start = with_a_list(&lab, LIMIT, || web1.start_paused());
    assert_says(
        &start,
        &[
            "vmhook: domain web1",
            MAC,
            "iptables-restore",
            "killed after",
        ],
    );
    assert_eq!(web1.state(), "shut off");
    let told = journal.told();
    assert!(told.contains(&"web1|start|failed|".to_owned()), "{told:#?}");
    hang(&lab, false);
    lab.assert_unchanged_since(&before);
}

#[test]
fn a_stop_whose_iptables_hangs_comes_back_and_the_next_hook_finishes() {
    let lab = host(CONFIG);
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    web1.start_paused().ok();
    hang(&lab, true);
    // `stopped` and `release`, one after the other.
    let destroyed = with_a_list(&lab, 2 * OWN_LIMIT, || lab.virsh(&["destroy", "web1"]));
    assert!(destroyed.succeeded(), "{destroyed:#?}");
    let members = lab.run("nft list set bridge vmhook members").out;
    assert!(!members.contains("tap"), "closed at once: {members}");
    hang(&lab, false);
    lab.ok("vmhook sync");
    lab.assert_unchanged_since(&before);
}

/// Puts a program that never ends in the place of iptables-restore, or takes it away.
fn hang(lab: &Lab, hangs: bool) {
    // Debian's iptables is a link to one of two; the lab's `/etc` is its own.
    const LINK: &str = "/etc/alternatives/iptables-restore";
    lab.ok(&if hangs {
        format!(
            "printf '#!/bin/sh\\nread -r never </run/never\\n' >/run/hangs; chmod 755 /run/hangs
             mkfifo /run/never; readlink {LINK} >/run/link; ln -sfn /run/hangs {LINK}"
        )
    } else {
        format!("ln -sfn $(cat /run/link) {LINK}; rm /run/hangs /run/never /run/link")
    });
}
