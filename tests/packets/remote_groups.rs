//! Ports that let in the members of a group, whoever these are at the time.

use super::*;

fn db() -> End {
    end("fa:16:3e:be:71:24", "192.168.101.91")
}

fn client() -> End {
    end("fa:16:3e:be:71:25", "192.168.101.92")
}

/// Whether the database hears a question; the ping that follows it on its way it must hear.
fn hears(tap: &Tap, number: u16, from: End, send: impl Fn(&[u8])) -> bool {
    let question = frames::udp(from, db(), (4000, 53), &number.to_be_bytes());
    let ping = frames::numbered_ping(from, db(), number);
    send(&question);
    send(&ping);
    machine::first_arrives(tap, &question, &ping)
}

#[test]
fn a_remote_group_lets_its_members_in_as_long_as_they_are_there() {
    let lab = Lab::new();
    let peer = start_host(&lab);
    let before = lab.ok("ipset save");
    let nic = |tap, mac| Nic::new(BRIDGE, tap, mac);
    let (db_machine, db_tap) = boot(&lab, "db", nic("tapdbdbdbdb-24", "fa:16:3e:be:71:24"));
    let (web1_machine, web1_tap) = boot(&lab, "web1", web1_nic());
    let tunnel = peer.packets("vxlan-267");
    let elsewhere = peer_v4();
    let stray = End {
        ip: client().ip,
        ..peer_v4()
    };

    assert!(
        hears(&db_tap, 1, elsewhere, |it| tunnel.send(it)),
        "a member on another host"
    );
    assert!(
        !hears(&db_tap, 2, stray, |it| tunnel.send(it)),
        "nobody has that address"
    );
    assert!(
        !hears(&db_tap, 3, web1(), |it| web1_tap.send(it)),
        "no member"
    );

    let (clients, client_tap) = boot(&lab, "client", nic("tapc1c1c1c1-25", "fa:16:3e:be:71:25"));
    assert!(
        hears(&db_tap, 4, client(), |it| client_tap.send(it)),
        "a member that has come"
    );
    clients.call("stopped");
    assert!(
        !hears(&db_tap, 5, stray, |it| tunnel.send(it)),
        "a member that is gone"
    );

    for machine in [&clients, &web1_machine, &db_machine] {
        machine.call("stopped");
        machine.call("release");
    }
    assert_eq!(
        lab.ok("ipset save"),
        before,
        "the sets go with the last rule"
    );
}
