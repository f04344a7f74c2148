//! libvirtd starts beside many guests that run. It calls `reconnect` for each of them, and nobody
//! can do anything with a guest before its call has returned.
#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_types,
    reason = "a test is outside of the program's boundary, and tells what it measured"
)]

use std::time::{Duration, Instant};

use super::{BRIDGE, CONFIG, host, port, rules};
use crate::support::{DomainSpec, Guest, Lab, Nic};

const FEW: usize = 5;
const MANY: usize = 20;

/// Notes what each call costs, on `/run/costs`: operation, seconds, seconds of CPU for the program
/// and for the kernel.
const NOTED: &str = r#"exec bash -c '
TIMEFORMAT="$3 %R %U %S"
{ time "$0" "$@" 2>&3; } 3>&2 2>>/run/costs' $EVENT "$@""#;

#[test]
fn the_hooks_share_of_a_restart_grows_no_faster_than_the_number_of_guests() {
    let lab = host(&format!("{CONFIG}{}", ports()));
    let before = lab.dump();
    lab.replace_event(Some(NOTED));
    let mut guests: Vec<_> = (0..MANY).map(|number| lab.define(&guest(number))).collect();
    let start = |guest: &mut Guest<'_>| {
        guest.start_paused().ok();
    };

    at_once(&mut guests[..FEW], start);
    let running = lab.dump();
    let few = restart(&lab, FEW, "true");
    lab.assert_unchanged_since(&running);
    at_once(&mut guests[FEW..], start);
    let running = lab.dump();
    let many = restart(&lab, MANY, "true");
    lab.assert_unchanged_since(&running);
    let tables = tables(&lab);
    let repaired = restart(&lab, MANY, "nft flush ruleset");
    assert!(self::tables(&lab) == tables, "{}", lab.dump());
    for (what, cost) in [
        ("few", &few),
        ("many", &many),
        ("many, after a flush", &repaired),
    ] {
        println!("{what}: {cost}");
    }

    // Twice what is proportional, for what a clock of milliseconds and other load add.
    let proportional = few.cpu * u32::try_from(MANY / FEW).expect("a small number");
    let limit = 2 * proportional + Duration::from_millis(50);
    assert!(many.cpu < limit, "{MANY} guests: {many}; {FEW}: {few}");

    at_once(&mut guests, Guest::destroy);
    lab.assert_unchanged_since(&before);
}

/// What a start of libvirtd took.
#[derive(Debug)]
struct Cost {
    /// Until every guest could be asked for its state.
    until_all_answer: Duration,
    /// The longest call of our program.
    longest_call: Duration,
    /// All calls of our program together.
    cpu: Duration,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            until_all_answer,
            longest_call,
            cpu,
        } = self;
        write!(
            f,
            "all answer after {until_all_answer:.2?}, the longest call of ours took "
        )?;
        write!(f, "{longest_call:.0?}, all took {cpu:.0?} of CPU")
    }
}

/// libvirtd ends, something happens, libvirtd starts, and every guest is as it was.
fn restart(lab: &Lab, guests: usize, meanwhile: &str) -> Cost {
    lab.end_libvirtd("TERM");
    lab.ok(&format!("rm -f /run/costs; {meanwhile}"));
    let begin = Instant::now();
    lab.start_libvirtd();
    let asked: Vec<_> = (0..guests)
        .map(|number| format!("domstate guest{number}"))
        .collect();
    let states = lab.virsh(&[&asked.join("; ")]).ok();
    let until_all_answer = begin.elapsed();
    let paused = states
        .split_whitespace()
        .filter(|word| *word == "paused")
        .count();
    assert_eq!(paused, guests, "{states}\n{}", lab.libvirtd_log());

    let costs = lab.read("/run/costs");
    let of = |operation: &str| {
        costs
            .lines()
            .filter(|line| line.starts_with(operation))
            .count()
    };
    assert_eq!((of("start "), of("reconnect ")), (1, guests), "{costs}");
    let calls = costs.lines().map(|line| {
        let mut seconds = line
            .split(' ')
            .skip(1)
            .map(|word| Duration::from_secs_f64(word.parse().expect("bash tells seconds")));
        (
            seconds.next().expect("a call has its time"),
            seconds.sum::<Duration>(),
        )
    });
    Cost {
        until_all_answer,
        longest_call: calls
            .clone()
            .map(|(time, _)| time)
            .max()
            .expect("there are calls"),
        cpu: calls.map(|(_, cpu)| cpu).sum(),
    }
}

/// Every rule and element of ours; the order of the ports' chains is nobody's concern.
fn tables(lab: &Lab) -> (Vec<String>, String) {
    let saves = ["iptables-save", "ip6tables-save"];
    let mut lines: Vec<_> = saves.iter().flat_map(|save| rules(lab, save)).collect();
    lines.sort();
    let guard = lab.ok("nft list table bridge vmhook; nft list table inet vmhook");
    (lines, guard)
}

/// Does something with each guest, with a few at a time.
fn at_once<'lab>(guests: &mut [Guest<'lab>], act: impl Fn(&mut Guest<'lab>) + Sync) {
    for some in guests.chunks_mut(4) {
        std::thread::scope(|scope| {
            for guest in some {
                scope.spawn(|| act(guest));
            }
        });
    }
}

fn mac(number: usize) -> String {
    format!("fa:16:3e:20:00:{number:02x}")
}

/// A guest whose processor never runs: libvirt and we have as much to do with it as with any.
fn guest(number: usize) -> DomainSpec {
    let nic = Nic::on_bridge(BRIDGE, &mac(number)).mtu(1450);
    DomainSpec::new(&format!("guest{number}")).nic(nic)
}

fn ports() -> String {
    let of = |number| {
        let address = format!("192.168.101.{}", number + 100);
        port(&format!("guest{number}"), &mac(number), &address)
    };
    (0..MANY).map(of).collect()
}
