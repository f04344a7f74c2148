//! The packet matrix: frames as data, each with its verdict behind vmhook and behind Neutron.
//!
//! `fixtures/packets/*.toml` has the rows, `vmhook.toml` beside them the host they are about. Every
//! row is sent for real three times: behind vmhook; behind vmhook without the guard's tables, so
//! that a verdict names what gives it; and behind what real Neutron's agent wrote for the same ports.
//! `docs/security.md` shows them all; `UPDATE_GOLDEN=1 cargo test --test packets document` writes
//! that part anew.

mod document;
mod language;
mod neutron;
mod row;
mod scene;
mod station;

use super::machine::{self, boot};
use super::support::Lab;
use row::{Neutron, Row, Topic, topics};
use scene::Scene;
use station::Station;

/// How a packet finds its port's chains, as the configuration calls it.
const DISPATCHES: [&str; 1] = ["flat"];

/// Sends every row; those whose frame arrives where `arrives` says otherwise.
fn wrong(scene: &Scene<'_>, topics: &[Topic], arrives: impl Fn(&Row) -> bool) -> Vec<String> {
    let rows = topics.iter().flat_map(|topic| &topic.rows);
    rows.filter_map(|row| {
        let came = scene.arrives(row);
        let fate = if came { "arrives" } else { "does not arrive" };
        let Row { id, what, .. } = row;
        (came != arrives(row)).then(|| format!("{id} ({what}) {fate}"))
    })
    .collect()
}

#[test]
fn every_frame_of_the_matrix_fares_as_it_says_behind_vmhook() {
    let topics = topics();
    for dispatch in DISPATCHES {
        let lab = Lab::new();
        let configuration = row::configuration();
        let peer = machine::start_host_with(
            &lab,
            &format!("{configuration}\n[firewall]\ndispatch = \"{dispatch}\"\n"),
        );
        let guests = Station::GUESTS.map(|guest| {
            let (_machine, tap) = boot(&lab, guest.name(), guest.nic());
            (guest, tap)
        });
        let scene = Scene::new(&lab, &peer, guests.into());
        let guarded = wrong(&scene, &topics, |row| row.vmhook.arrives());
        lab.ok("nft 'delete table bridge vmhook; delete table inet vmhook'");
        let unguarded = wrong(&scene, &topics, |row| row.vmhook.arrives_without_guard());
        assert_eq!(
            (guarded, unguarded),
            (vec![], vec![]),
            "{dispatch}: these fare otherwise with the guard, and these without"
        );
    }
}

#[test]
fn every_frame_of_the_matrix_fares_as_it_says_behind_neutron() {
    let lab = Lab::new();
    let peer = machine::join_peer(&lab);
    let guests = neutron::start(&lab);
    let scene = Scene::new(&lab, &peer, guests);
    let other = wrong(&scene, &topics(), |row| row.neutron == Neutron::Passes);
    assert_eq!(other, [""; 0], "these fare otherwise");
}
