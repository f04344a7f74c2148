//! What the host and machines are to each other by the host's end.

use std::net::TcpListener;
use std::time::Duration;

use super::stage::{
    END, LONG, Machine, PORT, asked_by, configuration, connects, pings, pings_at_once, ports, web,
};
use crate::support::World;
use crate::support::netns::run;
use crate::support::world::{CONFIG, assert_same};

const SOON: Duration = Duration::from_millis(500);

#[test]
fn the_host_is_a_neighbour_that_groups_filter_and_nothing_of_it_is_left() {
    World::run(|world| {
        world.configure(&(configuration() + &ports(&[8])));
        let before = world.dump();
        let machine = Machine::start(world, web(8)).with_ipv6();
        for address in ["192.168.101.8", "2001:db8:101::8"] {
            assert!(pings(address), "{address}");
        }
        for address in ["192.168.101.1", "2001:db8:101::1"] {
            assert!(machine.pings(address), "{address}");
        }
        let (ssh, telnet) = (machine.serves(22), machine.serves(23));
        let client = connects("192.168.101.8:22", LONG).expect("its group lets ssh in");
        assert_eq!(asked_by(&ssh, client).to_string(), "192.168.101.1");
        assert!(connects("192.168.101.8:23", SOON).is_none());
        drop(telnet);

        let service = TcpListener::bind("192.168.101.1:80").expect("the host has the address");
        let client = machine.connects("192.168.101.1:80", LONG).expect("open");
        assert_eq!(asked_by(&service, client).to_string(), "192.168.101.8");

        let seen = world.vmhook(&["sync"]).ok();
        assert_eq!(seen, "the kernel had everything as it was applied\n");
        machine.stop(world);
        assert_same(&world.dump(), &before, "the machine has stopped");
    });
}

/// Its devices as the design has them.
#[test]
fn it_believes_nobody_and_has_what_is_listed() {
    World::run(|world| {
        world.configure(&configuration());
        let _machine = Machine::start(world, web(8));
        let end = run(&format!("ip -d link show {END}"));
        let port = run(&format!("ip -d link show {PORT}"));
        for link in [&end, &port] {
            assert!(link.contains("mtu 1450"), "{link}");
            assert!(link.contains("alias vmhook:network=c08e7dcd"), "{link}");
        }
        assert!(port.contains("master brqc08e7dcd-4a"), "{port}");
        let addresses = run(&format!("ip -br address show {END}"));
        let own: Vec<&str> = addresses.split_whitespace().skip(2).collect();
        assert_eq!(own[..2], ["192.168.101.1/24", "2001:db8:101::1/64"]);
        assert!(own[2].starts_with("fe80::") && own.len() == 3, "{own:?}");
        for (setting, value) in [
            ("ipv4.conf.END.accept_redirects", "0"),
            ("ipv4.conf.END.proxy_arp", "0"),
            ("ipv4.conf.END.arp_ignore", "1"),
            ("ipv4.conf.END.arp_announce", "2"),
            ("ipv4.conf.END.rp_filter", "1"),
            ("ipv6.conf.END.accept_ra", "0"),
            ("ipv6.conf.END.accept_redirects", "0"),
            ("ipv6.conf.END.disable_ipv6", "0"),
        ] {
            let path = setting.replace('.', "/").replace("END", END);
            assert_eq!(run(&format!("cat /proc/sys/net/{path}")).trim(), value);
        }
    });
}

#[test]
fn ipv6_is_off_at_an_end_without_an_address_of_it() {
    World::run(|world| {
        let toml = CONFIG.replace("vni = 267\n", "vni = 267\nhost_address = \"10.7.0.1/16\"\n");
        world.configure(&toml);
        let _machine = Machine::start(world, web(8));
        let off = run(&format!("cat /proc/sys/net/ipv6/conf/{END}/disable_ipv6"));
        assert_eq!(off.trim(), "1");
        assert_eq!(run(&format!("ip -6 address show {END}")), "");
    });
}

#[test]
fn a_reload_brings_it_changes_it_and_takes_it() {
    World::run(|world| {
        let machine = Machine::start(world, web(8));
        let without = world.kernel();
        world.configure(
            &CONFIG.replace("vni = 267\n", "vni = 267\nhost_address = \"10.7.0.1/16\"\n"),
        );
        let said = world.vmhook(&["reload"]).ok();
        assert_eq!(
            said,
            "network selfservice: host_address none -> 10.7.0.1/16\n"
        );
        machine.run("ip address add 10.7.0.8/16 dev eth0");

        world.configure(&configuration());
        let said = world.vmhook(&["reload"]).ok();
        let words = "host_address 10.7.0.1/16 -> 192.168.101.1/24, 2001:db8:101::1/64";
        assert_eq!(said, format!("network selfservice: {words}\n"));
        assert!(machine.pings("192.168.101.1"));
        assert!(!machine.pings_at_once("10.7.0.1"));
        assert!(pings_at_once("192.168.101.8"));

        world.configure(CONFIG);
        world.vmhook(&["reload"]).ok();
        assert_same(&world.kernel(), &without, "the host's end is gone");
    });
}

#[test]
fn a_repair_brings_back_what_somebody_took_or_changed() {
    World::run(|world| {
        world.configure(&configuration());
        let machine = Machine::start(world, web(8));
        let xml = world.config_dir().join("vm8.xml");
        std::fs::write(&xml, machine.vm.xml()).expect("a file can be written");
        let standing = world.kernel();
        for (spoil, words) in [
            (format!("ip link delete {END}"), END),
            (format!("ip link set {PORT} down"), PORT),
            (format!("ip link set {PORT} nomaster"), PORT),
            (format!("ip link set {END} mtu 1400"), "MTU 1400, not 1450"),
            (
                format!("ip link set {PORT} mtu 1400"),
                "has MTU 1400, not 1450",
            ),
            (
                format!("ip link set {PORT} address 1e:00:00:00:00:01"),
                "the MAC address of vmp-",
            ),
            (
                format!("ip link set {PORT} alias office"),
                "does not bear the alias vmhook:network=",
            ),
            (
                format!("ip address flush dev {END}"),
                "lacks address 192.168.101.1/24",
            ),
            (
                format!("ip address add 10.9.9.9/24 dev {END}"),
                "has address 10.9.9.9/24, which is not of host_address",
            ),
        ] {
            run(&spoil);
            let seen = world.vmhook(&["inspect", "--xml", &xml.display().to_string()]);
            assert!(
                !seen.succeeded() && seen.out.contains(words),
                "{spoil}: {seen:?}"
            );
            world.vmhook(&["sync"]).ok();
            assert_same(&world.kernel(), &standing, &spoil);
            assert!(machine.pings("192.168.101.1"), "{spoil}");
        }
    });
}
