//! What a start costs: `make bench`.
//!
//! Times whole processes, as libvirt runs them, in a network namespace of its own: `prepare`, `start`
//! and the stop (`stopped` and `release`) of one VM, and a call for a VM that is none of ours, on a
//! host with no other port and on one with 500. Prints medians of 30 as a Markdown table.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark runs programs, reads the clock and prints"
)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};

const RUNS: usize = 30;
const OTHERS: [usize; 2] = [0, 500];
const BRIDGE: &str = "brqc08e7dcd-4a";

const CONFIG: &str = r#"
[host]
local_ip = "172.16.0.31"
[network.selfservice]
id = "c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee"
type = "vxlan"
vni = 267
mtu = 1450
flood = ["172.16.0.32"]
[security_group.web]
ingress = [ { protocol = "icmp" }, { ethertype = "ipv4", protocol = "tcp", port = 22 } ]
egress = [ { any = true } ]
"#;

fn main() {
    unshare(CloneFlags::CLONE_NEWNET).expect("needs root: make bench");
    let files = tempfile::tempdir().unwrap();
    let world = World {
        files: files.path(),
    };
    std::fs::write(world.files.join("vmhook.toml"), CONFIG).unwrap();
    run("ip link add eth0 type veth peer name eth0-peer");
    run("ip addr add 172.16.0.31/24 dev eth0");
    run("ip link set eth0 up");
    run("ip link set eth0-peer up");

    println!("{}\n", machine());
    println!("| other ports | prepare | start | stop | nothing to do |");
    println!("|---:|---:|---:|---:|---:|");
    let mut there = 0;
    for others in OTHERS {
        (there..others).for_each(|number| world.bring(number));
        there = others;
        println!("{}", world.row(others));
    }
}

/// A host with vmhook.
struct World<'a> {
    files: &'a Path,
}

impl World<'_> {
    /// One line of the table.
    fn row(&self, others: usize) -> String {
        let measured = 100_000;
        let mut times: [Vec<Duration>; 4] = Default::default();
        for _ in 0..=RUNS {
            times[0].push(self.event("prepare", measured));
            make_tap(measured);
            times[1].push(self.event("start", measured));
            run(&format!("ip link del {}", tap(measured)));
            times[2].push(self.event("stopped", measured) + self.event("release", measured));
            times[3].push(self.call("prepare", "elsewhere", &xml(measured, "virbr0")));
        }
        let mut row = format!("| {others} ");
        for times in &mut times {
            // The first run finds cold caches.
            let times = &mut times[1..];
            times.sort();
            let median = (times[RUNS / 2 - 1] + times[RUNS / 2]) / 2;
            write!(row, "| {:.1} ms ", median.as_secs_f64() * 1000.0).unwrap();
        }
        row + "|"
    }

    fn bring(&self, number: usize) {
        self.event("prepare", number);
        make_tap(number);
        self.event("start", number);
    }

    fn event(&self, operation: &str, number: usize) -> Duration {
        self.call(operation, &format!("vm{number}"), &xml(number, BRIDGE))
    }

    fn call(&self, operation: &str, name: &str, xml: &str) -> Duration {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vmhook-event"));
        command.args(["qemu", name, operation, "begin", "-"]);
        command
            .env("VMHOOK_CONFIG_DIR", self.files)
            .env("VMHOOK_STATE_DIR", self.files.join("run"));
        let begin = Instant::now();
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(xml.as_bytes())
            .unwrap();
        let status = child.wait().unwrap();
        let time = begin.elapsed();
        assert!(status.success(), "{operation} of {name}");
        time
    }
}

fn tap(number: usize) -> String {
    format!("tap{number:08x}-00")
}

fn make_tap(number: usize) {
    let tap = tap(number);
    run(&format!("ip tuntap add {tap} mode tap"));
    run(&format!("ip link set {tap} mtu 1450 master {BRIDGE} up"));
}

/// A domain as libvirt hands it to a hook, as long as a small one is.
fn xml(number: usize, bridge: &str) -> String {
    let [high, low, ..] = u32::try_from(number).unwrap().to_be_bytes()[1..] else {
        unreachable!()
    };
    let last = number % 256;
    let mac = format!("fa:16:3e:{high:02x}:{low:02x}:{last:02x}");
    let address = format!("10.{high}.{low}.{last}");
    let disks: Vec<String> = (0..8).map(|disk| disk_xml(number, disk)).collect();
    let disks = disks.concat();
    format!(
        "<domain type='qemu' id='1'>
  <name>vm{number}</name>
  <uuid>00000000-0000-4000-8000-{number:012x}</uuid>
  <metadata><vmhook:ports xmlns:vmhook='urn:vmhook:ports:1'><vmhook:port mac='{mac}'>
    <vmhook:fixed-ip address='{address}'/><vmhook:security-group name='web'/>
  </vmhook:port></vmhook:ports></metadata>
  <devices>
{disks}    <interface type='bridge'>
      <mac address='{mac}'/><source bridge='{bridge}'/><target dev='{}'/><mtu size='1450'/>
    </interface>
  </devices>
</domain>",
        tap(number)
    )
}

fn disk_xml(number: usize, disk: usize) -> String {
    format!(
        "    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/>\
         <source file='/var/lib/libvirt/images/vm{number}-{disk}.qcow2'/>\
         <target dev='vd{disk}' bus='virtio'/><address type='pci' domain='0x0000' \
         bus='0x{disk:02x}' slot='0x00' function='0x0'/></disk>\n"
    )
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("");
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = output("uname -r");
    let iptables = output("iptables --version");
    format!("{cores} cores of {model}, Linux {kernel}, {iptables}; medians of {RUNS} whole calls")
}

fn run(command: &str) {
    output(command);
}

fn output(command: &str) -> String {
    let mut words = command.split_whitespace();
    let output = Command::new(words.next().unwrap())
        .args(words)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
