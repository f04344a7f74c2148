//! Connections that are over, and those that go on.

use super::*;

/// Notes a connection of the network's zone, as if its packets had passed.
pub(super) fn connect(protocol: &str, from: &str, to: &str, port: u16) {
    let state = match protocol {
        "tcp" => "--state ESTABLISHED",
        _ => "",
    };
    run(&format!(
        "conntrack -I -w 4097 -s {from} -d {to} -p {protocol} --sport 40000 --dport {port} -t 100 \
         {state}"
    ));
}

/// The connections there are, in [`connect`]'s words.
pub(super) fn connections() -> BTreeSet<String> {
    let all = run("conntrack -L -w 4097");
    let line = |line: &str| {
        let field = |name: &str| {
            let mut words = line.split_whitespace();
            words
                .find_map(|word| word.strip_prefix(name))
                .unwrap_or("-")
                .to_owned()
        };
        let protocol = line.split_whitespace().next().unwrap_or_default();
        format!(
            "{protocol} {} {} {}",
            field("src="),
            field("dst="),
            field("dport=")
        )
    };
    let entries = all.lines().filter(|line| line.contains("src="));
    entries.map(line).collect()
}

#[test]
fn connections_that_are_not_allowed_any_more_go_and_no_others() {
    World::run(|world| {
        bring_up(world);
        world.configure(
            &edited(
                "protocol = \"tcp\", port = 22 }",
                "protocol = \"tcp\", ports = \"80-90\", remote = \"10.0.0.0/8\" }",
            )
            .replace("[\"192.168.101.3\"]", "[\"192.168.101.33\"]"),
        );
        let go = [
            ("tcp", "10.0.0.1", "192.168.101.1", 22),
            ("tcp", "192.0.2.1", "192.168.101.1", 80),
            ("udp", "10.0.0.1", "192.168.101.1", 85),
            // Of an address that is nobody's any more, and of one that was somebody else's.
            ("tcp", "192.168.101.3", "10.0.0.1", 80),
            ("tcp", "10.0.0.1", "192.168.101.33", 85),
        ];
        let stay = [
            ("tcp", "10.0.0.1", "192.168.101.1", 85),
            ("tcp", "192.168.101.1", "10.0.0.1", 22),
            ("udp", "192.168.101.1", "10.0.0.1", 53),
            // Their rules are as they were.
            ("tcp", "192.168.101.1", "192.168.101.2", 5432),
            ("tcp", "192.168.101.2", "10.0.0.1", 22),
            ("tcp", "10.0.0.1", "10.0.0.2", 22),
        ];
        for (protocol, from, to, port) in go.into_iter().chain(stay) {
            connect(protocol, from, to, port);
        }
        assert_eq!(connections().len(), go.len() + stay.len());
        reload(world).ok();
        let words = |(protocol, from, to, port)| format!("{protocol} {from} {to} {port}");
        assert_eq!(connections(), stay.map(words).into());
    });
}

#[test]
fn who_leaves_a_group_loses_what_its_members_may() {
    World::run(|world| {
        bring_up(world);
        connect("tcp", "192.168.101.1", "192.168.101.2", 5432);
        connect("tcp", "192.168.101.3", "192.168.101.2", 5432);
        let last = "security_groups = [\"web\"]\n";
        world.configure(&edited(last, "security_groups = [\"default\"]\n"));
        reload(world).ok();
        let left = "tcp 192.168.101.1 192.168.101.2 5432".to_owned();
        assert_eq!(connections(), [left].into());
    });
}
