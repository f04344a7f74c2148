//! FRR on a host: zebra and bgpd, as `docs/operations.md` sets them up.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::hosts::Hosts;
use super::support::netns::run;

/// More than anything takes, on a machine with much else to do.
const LONG: Duration = Duration::from_secs(40);

/// The daemons of a host. They end with it.
#[derive(Debug)]
pub(crate) struct Routing {
    folder: TempDir,
    daemons: Vec<Child>,
}

/// The file that operators are told to write, for the host of this number.
fn bgpd_conf(number: usize) -> String {
    let peers: Vec<usize> = (31..=33).filter(|peer| *peer != number).collect();
    let of_peers = |lines: fn(String) -> String| -> String {
        let each = peers.iter();
        each.map(|peer| lines(format!("neighbor 172.16.0.{peer}")))
            .collect()
    };
    let neighbours = of_peers(|it| {
        format!(
            " {it} remote-as 65000\n {it} password a-word-of-the-mesh\n {it} timers 1 3\n \
             {it} timers connect 1\n {it} advertisement-interval 0\n"
        )
    });
    let activated = of_peers(|it| format!("  {it} activate\n"));
    format!(
        "router bgp 65000\n bgp router-id 172.16.0.{number}\n no bgp default ipv4-unicast\n\
         {neighbours} address-family l2vpn evpn\n{activated}  advertise-all-vni\n \
         exit-address-family\n"
    )
}

impl Routing {
    /// Starts them on a host.
    pub(crate) fn start(hosts: &Hosts, host: usize) -> Self {
        let folder = TempDir::new().expect("a folder can be made");
        let path = folder.path();
        std::fs::write(path.join("zebra.conf"), "").expect("a file can be written");
        std::fs::write(path.join("bgpd.conf"), bgpd_conf(31 + host))
            .expect("a file can be written");
        run(&format!("chown -R frr:frr {}", path.display()));
        let listen = format!("172.16.0.{}", 31 + host);
        let daemons = hosts.on(host, |_| {
            let zebra = spawn("zebra", path, &[]);
            [zebra, spawn("bgpd", path, &["-l", &listen])]
        });
        Self {
            folder,
            daemons: daemons.into(),
        }
    }

    /// What the daemons answer to a command.
    pub(crate) fn asked(&self, command: &str) -> String {
        let output = Command::new("vtysh")
            .arg("--vty_socket")
            .arg(self.folder.path())
            .args(["-c", command])
            .output()
            .expect("vtysh starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until the answer to a command has all of these words.
    #[track_caller]
    pub(crate) fn until(&self, command: &str, words: &[&str]) {
        let mut said = String::new();
        let found = until(|| {
            said = self.asked(command);
            words.iter().all(|word| said.contains(word))
        });
        assert!(found, "{command} does not say {words:?}: {said}");
    }
}

impl Drop for Routing {
    fn drop(&mut self) {
        for daemon in &mut self.daemons {
            // One that is gone needs no end.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

fn spawn(name: &str, folder: &Path, more: &[&str]) -> Child {
    let file = |what: &str| folder.join(what);
    Command::new(format!("/usr/lib/frr/{name}"))
        .arg("-f")
        .arg(file(&format!("{name}.conf")))
        .arg("-i")
        .arg(file(&format!("{name}.pid")))
        .arg("-z")
        .arg(file("zserv.api"))
        .arg("--vty_socket")
        .arg(folder)
        .args(["-P", "0"])
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("FRR is installed")
}

/// Whether it becomes true, looked at every 20 milliseconds.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < LONG {
        if is_so() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
