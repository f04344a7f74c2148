//! A dnsmasq on the host's end, told by `vmhook export` who has which address.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::stage::{LONG, Machine, configuration, ports, web};
use crate::support::World;
use crate::support::world::CONFIG;

/// A dnsmasq of this thread's namespace.
struct Dnsmasq {
    child: Child,
    leases: PathBuf,
}

impl Dnsmasq {
    /// With this configuration, and nothing of the host's.
    fn start(world: &World, configuration: &str) -> Self {
        let folder = world.config_dir();
        let (file, leases) = (folder.join("dnsmasq.conf"), folder.join("leases"));
        fs::write(&file, configuration).expect("a file can be written");
        let child = Command::new("dnsmasq")
            .arg(format!("--conf-file={}", file.display()))
            .arg(format!("--dhcp-leasefile={}", leases.display()))
            .args([
                "--keep-in-foreground",
                "--no-resolv",
                "--no-hosts",
                "--pid-file",
            ])
            .args(["--user=root", "--except-interface=lo", "--log-facility=-"])
            .stderr(Stdio::null())
            .spawn()
            .expect("dnsmasq starts");
        Self { child, leases }
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a machine's DHCP client is told; it asks until it is, for a while.
fn told(world: &World, machine: &Machine) -> String {
    let script = world.programs(&[("told", "[ $1 = bound ] && env; true")]);
    machine.run(&format!(
        "busybox udhcpc -i eth0 -f -q -n -t {} -T 1 -O mtu -s {}/told",
        LONG.as_secs(),
        script.display()
    ))
}

#[test]
fn a_machine_gets_its_address_and_the_networks_mtu_from_a_dnsmasq_on_the_hosts_end() {
    World::run(|world| {
        world.configure(&(configuration() + &ports(&[8])));
        let machine = Machine::without_address(world, web(8));
        let exported = world.vmhook(&["export", "dnsmasq", "selfservice"]).ok();
        let dnsmasq = Dnsmasq::start(world, &exported);
        let told = told(world, &machine);
        for word in [
            "ip=192.168.101.8",
            "mask=24",
            "mtu=1450",
            "router=192.168.101.1",
            "dns=192.168.101.1",
            "domain=openstacklocal",
        ] {
            assert!(told.lines().any(|line| line == word), "{word}: {told}");
        }
        let leases = fs::read_to_string(&dnsmasq.leases).expect("dnsmasq keeps leases");
        let lease = "fa:16:3e:00:00:08 192.168.101.8 host-192-168-101-8 01:fa:16:3e:00:00:08";
        assert!(leases.contains(lease), "{leases}");

        machine.run("ip address add 192.168.101.8/24 dev eth0");
        let asked = machine.run("busybox nslookup host-192-168-101-8.openstacklocal 192.168.101.1");
        assert!(asked.contains("Address: 192.168.101.8"), "{asked}");
    });
}

/// Over IPv6 it tells the way out and the MTU, and that addresses are asked of it (RFC 4861, section 4.2).
#[test]
fn a_machine_hears_of_its_way_out_over_ipv6_from_there_too() {
    const MANAGED: u8 = 0x80;
    World::run(|world| {
        world.configure(&(configuration() + &ports(&[8])));
        let machine = Machine::without_address(world, web(8));
        let exported = world.vmhook(&["export", "dnsmasq", "selfservice"]).ok();
        let _dnsmasq = Dnsmasq::start(world, &exported);
        let wire = machine.packets();
        machine.run("sysctl -qw net.ipv6.conf.eth0.accept_ra=1");
        machine.run("ip -6 address add fe80::f816:3eff:fe00:8/64 dev eth0 nodad");
        let is_advertisement = |frame: &[u8]| frame[12..14] == [0x86, 0xdd] && frame[54] == 134;
        let told = wire.receive(LONG, is_advertisement);
        let told = told.expect("the machine has asked for routers");
        assert_eq!(told[59] & MANAGED, MANAGED);
        let routes = machine.run("ip -6 route show default");
        assert!(
            routes.contains("via fe80::") && routes.contains("proto ra"),
            "{routes}"
        );
        let mtu = [&[5, 1, 0, 0][..], &1450_u32.to_be_bytes()].concat();
        assert!(told.windows(8).any(|option| option == mtu), "{told:02x?}");
    });
}

/// The server is a machine of the host's like any other: a network that names its servers names it too.
#[test]
fn where_a_network_names_its_dhcp_servers_the_hosts_end_is_none_unless_it_is_named() {
    for (servers, hears) in [("\"192.168.101.2\"", false), ("\"192.168.101.1\"", true)] {
        World::run(|world| {
            let named = format!("vni = 267\ndhcp_servers = [{servers}]\n");
            let toml = configuration() + &ports(&[8]);
            world.configure(&toml.replace("vni = 267\n", &named));
            let machine = Machine::without_address(world, web(8));
            let exported = world.vmhook(&["export", "dnsmasq", "selfservice"]).ok();
            let _dnsmasq = Dnsmasq::start(world, &exported);
            let ask = "busybox udhcpc -i eth0 -f -q -n -T 1 -s /bin/true -t";
            let attempts = if hears { LONG.as_secs() } else { 2 };
            assert_eq!(machine.attempt(&format!("{ask} {attempts}")), hears);
        });
    }
}

#[test]
fn what_is_exported_is_what_ports_have_that_run_and_what_the_configuration_says_of_others() {
    World::run(|world| {
        world.configure(&(CONFIG.to_owned() + &ports(&[8, 9])));
        let export = |part: &str| {
            world
                .vmhook(&["export", "dnsmasq", "selfservice", part])
                .ok()
        };
        let hosts = |numbers: &[&str]| -> String {
            let line = |number: &&str| {
                format!(
                    "fa:16:3e:00:00:{number:0>2},host-192-168-101-{number}.openstacklocal,192.168.101.{number}\n"
                )
            };
            numbers.iter().map(line).collect()
        };
        let of_ipv4 = |text: &str| -> String {
            let lines = text.split_inclusive('\n');
            lines.filter(|line| !line.contains('[')).collect()
        };
        assert_eq!(of_ipv4(&export("hosts")), hosts(&["8", "9"]));
        assert_eq!(export("options"), "option:mtu,1450\n");

        // One whose address only its own metadata tells, and one that runs with another by now.
        world.bring_up(&[&web(3), &web(8)]);
        let changed = CONFIG.to_owned() + &ports(&[8, 9]).replace("101.8\"", "101.88\"");
        world.configure(&changed);
        assert_eq!(of_ipv4(&export("hosts")), hosts(&["3", "8", "9"]));
        world.vmhook(&["reload"]).ok();
        assert!(
            export("names").contains("192.168.101.88\thost-192-168-101-88.openstacklocal host-")
        );

        let refused = world.vmhook(&["export", "dnsmasq", "selfservice"]);
        assert_eq!(refused.code, 2);
        assert!(refused.err.contains("has no host_address"), "{refused:?}");
        let refused = world.vmhook(&["export", "dnsmasq", "nobodys"]);
        assert!(refused.err.contains("there are selfservice"), "{refused:?}");
    });
}
