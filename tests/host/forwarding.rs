//! Forwarding databases of VXLAN devices.

use super::*;

fn flood(peer: u8) -> FdbEntry {
    FdbEntry {
        device: name(DEVICE),
        mac: None,
        vtep: vtep(&format!("172.16.1.{peer}")),
    }
}

fn sorted(mut entries: Vec<FdbEntry>) -> Vec<FdbEntry> {
    entries.sort();
    entries
}

#[test]
fn a_hundred_peers_get_every_flooded_frame() {
    in_a_new_namespace(|| {
        underlay();
        let host = machine();
        apply(&host, [LinkChange::AddVxlan(device(1450))]);
        // Another device's entries are not this one's.
        run("ip link add other type vxlan id 9 dstport 8472 dev eth0");
        run("bridge fdb append 00:00:00:00:00:00 dev other dst 172.16.9.9");

        let wanted: Vec<_> = (1..=100).map(flood).collect();
        for _ in ["first", "again"] {
            apply(&host, wanted.iter().cloned().map(LinkChange::AddFdb));
            let found = sorted(host.fdb(&name(DEVICE)).unwrap());
            assert_eq!(found, sorted(wanted.clone()));
        }
        let shown = run(&format!("bridge fdb show dev {DEVICE}"));
        let line = "00:00:00:00:00:00 dst 172.16.1.7 self permanent";
        assert!(shown.lines().any(|one| one.trim() == line), "{shown}");

        for _ in ["first", "again"] {
            apply(&host, [LinkChange::RemoveFdb(flood(7))]);
            let found = host.fdb(&name(DEVICE)).unwrap();
            assert!(!found.contains(&flood(7)));
            assert_eq!(found.len(), 99);
        }
    });
}

#[test]
fn an_address_has_one_remote_end_and_the_last_one_counts() {
    in_a_new_namespace(|| {
        underlay();
        let host = machine();
        apply(&host, [LinkChange::AddVxlan(device(1450))]);
        let to = |peer| FdbEntry {
            mac: "fa:16:3e:be:71:21".parse().ok(),
            ..flood(peer)
        };
        apply(&host, [to(1), to(2)].map(LinkChange::AddFdb));
        assert_eq!(host.fdb(&name(DEVICE)).unwrap(), [to(2)]);
    });
}

#[test]
fn a_device_that_is_gone_has_no_entries() {
    in_a_new_namespace(|| {
        let host = machine();
        assert_eq!(host.fdb(&name(DEVICE)).unwrap(), []);
        apply(&host, [LinkChange::RemoveFdb(flood(1))]);
        let words = refusal(&host, &LinkChange::AddFdb(flood(1)));
        assert!(words.ends_with("there is no device vxlan-267"), "{words}");
    });
}
