//! What `make install`, `vmhook setup` and `vmhook remove` put where and take away, and how a
//! running libvirt learns of it.

mod support;

use std::path::Path;

use support::{DomainSpec, Guest, Lab, Nic, Tap, Vm};

const BRIDGE: &str = "brqc08e7dcd-4a";
const TAP: &str = "tap7a8c0a54-75";
const VM1_TAP: &str = "tap00000001-75";
const QEMU: &str = "/etc/libvirt/hooks/qemu.d/50-vmhook";

/// The folder of this build's binaries stands for `target/release`.
fn binaries() -> String {
    let event = Path::new(env!("CARGO_BIN_EXE_vmhook-event"));
    event
        .parent()
        .expect("a file has a folder")
        .display()
        .to_string()
}

fn script() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/install").to_owned()
}

/// Every file below a folder, with its mode.
fn files(lab: &Lab, folder: &str) -> Vec<String> {
    let found = lab.ok(&format!(
        "cd {folder} && find . -type f -printf '%m %P\\n' | sort -k 2"
    ));
    found.lines().map(str::to_owned).collect()
}

#[test]
fn a_package_holds_programs_stubs_and_an_example_and_is_taken_away_whole() {
    let lab = Lab::new();
    lab.ok("mkdir /run/package");
    let said = lab.ok(&format!(
        "DESTDIR=/run/package {} install {}",
        script(),
        binaries()
    ));
    let first = "below      /run/package\nmade       /etc/libvirt/hooks\n";
    assert!(said.starts_with(first), "{said}");
    assert_eq!(
        files(&lab, "/run/package"),
        [
            "755 etc/libvirt/hooks/daemon.d/50-vmhook",
            "755 etc/libvirt/hooks/network.d/50-vmhook",
            "755 etc/libvirt/hooks/qemu.d/50-vmhook",
            "644 etc/vmhook/vmhook.toml.example",
            "755 usr/bin/vmhook",
            "755 usr/bin/vmhook-event",
        ]
    );
    let folders = "find /run/package/etc -type d -printf '%m %P\\n' | sort -k 2";
    assert_eq!(
        lab.ok(folders),
        "755 \n755 libvirt\n755 libvirt/hooks\n755 libvirt/hooks/daemon.d\n\
         755 libvirt/hooks/network.d\n755 libvirt/hooks/qemu.d\n755 vmhook\n755 vmhook/conf.d\n"
    );

    lab.ok(&format!("DESTDIR=/run/package {} uninstall", script()));
    assert_eq!(files(&lab, "/run/package"), [""; 0]);
    assert_eq!(lab.ok("ls -A /run/package/etc"), "libvirt\n");
}

#[test]
fn an_upgrade_keeps_the_operators_configuration_and_other_hooks() {
    let lab = Lab::new();
    lab.configure("# mine\n");
    lab.write("/etc/vmhook/vmhook.toml.example", "# my notes\n");
    lab.install_script("qemu.d/10-mine", "#!/bin/sh\n");
    lab.ok(&format!(
        "{0} install {1} && {0} install {1}",
        script(),
        binaries()
    ));
    assert_eq!(lab.read("/etc/vmhook/vmhook.toml.example"), "# my notes\n");

    lab.ok(&format!("{} uninstall", script()));
    assert_eq!(lab.read("/etc/vmhook/vmhook.toml"), "# mine\n");
    assert_eq!(files(&lab, "/etc/libvirt/hooks"), ["755 qemu.d/10-mine"]);
}

#[test]
fn a_libvirt_that_was_started_before_calls_the_hook_from_then_on() {
    let lab = Lab::new();
    lab.start_libvirtd();
    // The daemon itself says when it has looked again; the pipe waits for that.
    lab.ok("mkfifo /run/reloaded");
    lab.install_script(
        "daemon.d/60-record",
        "#!/bin/sh\n[ $2 = start ] || echo $2 >/run/reloaded\n",
    );
    lab.install_script(
        "qemu.d/60-record",
        "#!/bin/sh\necho $2 >>/run/calls\nexit 1\n",
    );
    lab.ok(&format!("{} install {}", script(), binaries()));
    assert_eq!(lab.ok("timeout 20 cat /run/reloaded"), "reload\n");

    let mut guest = lab.define(&DomainSpec::new("web1"));
    assert!(
        !guest.start().succeeded(),
        "the recording hook refuses the start"
    );
    assert_eq!(lab.read("/run/calls"), "prepare\nstopped\nrelease\n");
}

/// A lab with the programs in their places, and no hook yet.
fn with_programs() -> Lab {
    let lab = Lab::new();
    lab.ok(&format!(
        "install -m 755 {0}/vmhook {0}/vmhook-event /usr/bin/",
        binaries()
    ));
    lab
}

#[test]
fn setup_says_what_it_does_and_the_second_one_does_nothing() {
    let lab = with_programs();
    let said = lab.ok("umask 077; vmhook setup");
    let expected = "\
made       /etc/libvirt/hooks
made       /etc/libvirt/hooks/qemu.d
made       /etc/libvirt/hooks/network.d
made       /etc/libvirt/hooks/daemon.d
made       /etc/vmhook
made       /etc/vmhook/conf.d
wrote      /etc/vmhook/vmhook.toml.example
wrote      /etc/libvirt/hooks/qemu.d/50-vmhook
wrote      /etc/libvirt/hooks/network.d/50-vmhook
wrote      /etc/libvirt/hooks/daemon.d/50-vmhook
not told   libvirtd, virtqemud, virtnetworkd: none runs; they look when they start
next       write /etc/vmhook/vmhook.toml (as /etc/vmhook/vmhook.toml.example); until then no guest \
starts on a bridge brq…
";
    assert_eq!(said, expected);
    let every_file = "find /etc/libvirt /etc/vmhook -printf '%p %i %m %s %T@ %C@\\n' | sort";
    let before = lab.ok(every_file);

    let said = lab.ok("vmhook setup");
    let again = expected
        .replace("made     ", "as it was")
        .replace("wrote    ", "as it was");
    assert_eq!(said, again);
    assert_eq!(lab.ok(every_file), before);

    let said = lab.ok("vmhook remove");
    assert!(said.contains("removed    /etc/vmhook\n"), "{said}");
    assert_eq!(files(&lab, "/etc/libvirt"), [""; 0]);
    lab.ok("test ! -e /etc/vmhook");
    let said = lab.ok("vmhook remove --purge");
    assert!(said.contains("nothing is installed"), "{said}");
    assert!(said.contains("nothing of vmhook's in the kernel"), "{said}");
}

#[test]
fn setup_mends_what_a_crash_an_editor_or_a_package_manager_left() {
    let lab = with_programs();
    lab.ok("vmhook setup");
    lab.ok("cd /etc/libvirt/hooks
        cp -p qemu.d/50-vmhook qemu.d/50-vmhook.dpkg-old
        head -c 100 network.d/50-vmhook >half; cat half >network.d/50-vmhook; rm half
        sed -i '2i logger \"$2\"' daemon.d/50-vmhook
        cp -p daemon.d/50-vmhook daemon.d/.50-vmhook.swp
        printf half >.vmhook-unfinished; chmod 755 .vmhook-unfinished
        chmod 777 qemu.d");
    let changed = lab.read("/etc/libvirt/hooks/daemon.d/50-vmhook");
    let said = lab.ok("vmhook setup");
    for line in [
        "set aside  /etc/libvirt/hooks/daemon.d/50-vmhook, which somebody had changed, \
         as /etc/libvirt/hooks/50-vmhook.daemon.changed\n",
        "removed    /etc/libvirt/hooks/.vmhook-unfinished\n",
        "removed    /etc/libvirt/hooks/qemu.d/50-vmhook.dpkg-old\n",
        "disarmed   /etc/libvirt/hooks/daemon.d/.50-vmhook.swp: ",
        "wrote      /etc/libvirt/hooks/network.d/50-vmhook\n",
        "protected  /etc/libvirt/hooks/qemu.d: ",
    ] {
        assert!(said.contains(line), "{line}{said}");
    }
    assert_eq!(
        files(&lab, "/etc/libvirt/hooks"),
        [
            "644 50-vmhook.daemon.changed",
            "644 daemon.d/.50-vmhook.swp",
            "755 daemon.d/50-vmhook",
            "755 network.d/50-vmhook",
            "755 qemu.d/50-vmhook",
        ]
    );
    let aside = lab.read("/etc/libvirt/hooks/50-vmhook.daemon.changed");
    assert_eq!(aside, changed);
}

#[test]
fn setup_refuses_to_let_libvirt_start_what_cannot_be_started() {
    let lab = with_programs();
    for spoil in [
        "chmod 644 /usr/bin/vmhook-event",
        "rm /usr/bin/vmhook-event",
    ] {
        lab.ok(spoil);
        let refused = lab.run("vmhook setup");
        assert_eq!(refused.code, 2);
        assert!(
            refused.err.contains("/usr/bin/vmhook-event is not there"),
            "{}",
            refused.err
        );
    }
    lab.ok("printf '\\177ELF of another machine' >/usr/bin/vmhook-event
        chmod 755 /usr/bin/vmhook-event");
    let refused = lab.run("vmhook setup");
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("cannot run what"), "{}", refused.err);
    lab.ok("test ! -e /etc/libvirt/hooks && test ! -e /etc/vmhook");
}

#[test]
fn setup_says_what_guests_will_need_and_what_it_cannot_write() {
    let lab = with_programs();
    lab.ok("mkdir /run/bin; ln -s /usr/sbin/iptables* /usr/sbin/ip6tables* /run/bin");
    let said = lab.run("PATH=/run/bin /usr/bin/vmhook setup");
    assert_eq!(said.code, 1);
    let missing: Vec<&str> = said
        .out
        .lines()
        .filter(|line| line.starts_with("missing"))
        .collect();
    assert_eq!(
        missing,
        [
            "missing    nft (Debian's package nftables)",
            "missing    ipset (Debian's package ipset)",
            "missing    conntrack (Debian's package conntrack)"
        ]
    );
    lab.ok("vmhook remove");
    lab.ok("mount -o remount,ro /etc/libvirt");
    let refused = lab.run("vmhook setup");
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("Read-only file system"),
        "{}",
        refused.err
    );
}

/// Somebody reads the stub all the time, while it is made and removed, and while a setup is killed in
/// the middle. What libvirt would run is whole, whenever.
#[test]
fn at_no_moment_can_libvirt_run_half_a_stub() {
    let lab = with_programs();
    lab.ok("vmhook setup");
    let stub = lab.read(QEMU);
    lab.write("/run/whole", &stub);
    lab.ok("cat >/run/watch <<'END'
cd /etc/libvirt/hooks
seen=0
while [ ! -e /run/enough ]; do
    for file in */* */.[!.]*; do
        [ -x \"$file\" ] || continue
        case $file in qemu.d/50-vmhook) ;; daemon.d/50-vmhook|network.d/50-vmhook) continue ;;
        *) [ ! -x \"$file\" ] || echo \"runs $file\" ;; esac
        text=$(cat \"$file\" 2>/dev/null; echo .) || continue
        [ \"$text\" = . ] || [ \"$text\" = \"$(cat /run/whole; echo .)\" ] || echo \"half: $text\"
        seen=$((seen + 1))
    done
done
echo \"seen $seen\" >/run/count
END
        sh /run/watch >/run/wrong 2>&1 & echo $! >/run/watcher
        for round in $(seq 40); do
            vmhook remove >/dev/null
            timeout -s KILL 0.0$((round % 4 + 1)) vmhook setup >/dev/null
        done
        touch /run/enough
        tail --pid=$(cat /run/watcher) -f /dev/null
        vmhook setup >/dev/null");
    assert_eq!(lab.read("/run/wrong"), "");
    assert!(lab.read("/run/count").trim() > "seen 0", "somebody looked");
    assert_eq!(lab.read(QEMU), stub);
    lab.ok("test ! -e /etc/libvirt/hooks/.vmhook-unfinished");
}

/// The reference's guest, on a host that had libvirt before it had vmhook.
fn reference() -> DomainSpec {
    let nic = Nic::on_bridge(BRIDGE, "fa:16:3e:be:71:21")
        .target(TAP)
        .mtu(1450);
    DomainSpec::new("web1").nic(nic.address("192.168.101.88/24"))
}

#[track_caller]
fn assert_answers(guest: &mut Guest<'_>) {
    guest.sh("ping -c 1 -W 5 192.168.101.1").ok();
}

#[test]
fn an_installation_comes_and_goes_around_a_running_guest() {
    let lab = with_programs();
    lab.join_peer();
    lab.start_libvirtd();
    let before = lab.dump();
    lab.ok("mkfifo /run/reloaded");
    lab.install_script(
        "daemon.d/60-record",
        "#!/bin/sh\n[ $2 = start ] || echo $2 >/run/reloaded\n",
    );
    let said = lab.ok("vmhook setup");
    assert!(said.contains("told       libvirtd (pid "), "{said}");
    assert_eq!(lab.ok("timeout 20 cat /run/reloaded"), "reload\n");
    lab.ok("rm /etc/libvirt/hooks/daemon.d/60-record");
    lab.configure(include_str!("../docs/example.toml"));
    let mut web1 = lab.define(&reference());
    web1.boot();
    assert_answers(&mut web1);

    let said = lab.ok("vmhook remove");
    assert!(said.contains("guests that run: web1\n"), "{said}");
    assert!(
        said.contains("kept       /etc/vmhook/vmhook.toml: "),
        "{said}"
    );
    assert_eq!(files(&lab, "/etc/libvirt/hooks"), [""; 0]);
    assert_answers(&mut web1);
    lab.ok("vmhook inspect web1");

    let said = lab.ok("vmhook remove --purge");
    assert!(
        said.contains("note       web1 runs on without a network\n"),
        "{said}"
    );
    assert!(
        said.contains("removed    bridges, tunnels, rules and records\n"),
        "{said}"
    );
    assert!(!web1.sh("ping -c 1 -W 1 192.168.101.1").succeeded());
    let tap = lab.ok(&format!("ip -o link show {TAP}"));
    assert!(
        !tap.contains("UP"),
        "a guest cannot reach the host by it: {tap}"
    );
    assert_eq!(web1.state(), "running");
    web1.destroy();
    lab.ok("rm /etc/vmhook/vmhook.toml; rmdir /etc/vmhook");
    lab.assert_unchanged_since(&before);
}

/// Sets vmhook up and starts a machine as libvirt would; its tap lives as long as what is returned.
fn with_a_machine(lab: &Lab) -> Tap {
    lab.ok("vmhook setup");
    lab.configure(include_str!("../docs/example.toml"));
    lab.write("/run/vm1.xml", &Vm::new(1).xml());
    lab.ok(&format!("{QEMU} vm1 prepare begin - </run/vm1.xml"));
    let tap = lab.tap_on(BRIDGE, VM1_TAP, "fa:16:3e:00:00:01");
    lab.ok(&format!("{QEMU} vm1 start begin - </run/vm1.xml"));
    tap
}

#[track_caller]
fn assert_purged(lab: &Lab, tap: Tap, before: &str) {
    assert!(!lab.ok(&format!("ip -o link show {VM1_TAP}")).contains("UP"));
    drop(tap);
    lab.ok("rm -r /etc/vmhook");
    lab.assert_unchanged_since(before);
}

#[test]
fn a_purge_needs_no_record() {
    let lab = with_programs();
    lab.join_peer();
    let before = lab.dump();
    for lost in [
        "for file in $(find /run/vmhook -type f); do echo damaged >$file; done",
        "rm -r /run/vmhook",
    ] {
        let tap = with_a_machine(&lab);
        lab.ok(lost);
        lab.ok("vmhook remove --purge");
        assert_purged(&lab, tap, &before);
    }
}

#[test]
fn a_purge_that_fails_or_dies_says_so_and_the_next_one_finishes_it() {
    let lab = with_programs();
    lab.join_peer();
    let before = lab.dump();
    for fault in ["fail", "die-after"] {
        let tap = with_a_machine(&lab);
        // Each is interrupted one change later than the one before it.
        let interrupted = (1..=3).filter(|at| {
            let purge = lab.run(&format!("VMHOOK_FAULT={fault}:{at} vmhook remove --purge"));
            purge.code != 0
        });
        assert_eq!(interrupted.count(), 3, "{fault}");
        lab.ok("vmhook remove --purge");
        assert_purged(&lab, tap, &before);
    }
}

/// As much of a policy as the module names, in the words of the policy's own language.
const SELINUX_BASE: &str = "
    (handleunknown allow)
    (class process (transition noatsecure siginh rlimitinh sigchld))
    (class file (getattr open read map execute entrypoint))
    (class dir (getattr open read search))
    (class fd (use))
    (class fifo_file (getattr read write append ioctl lock))
    (classorder (process file dir fd fifo_file))
    (sid kernel) (sidorder (kernel))
    (sensitivity s0) (sensitivityorder (s0))
    (level low (s0)) (levelrange lows (low low))
    (user system_u) (role system_r) (userrole system_u system_r)
    (userlevel system_u low) (userrange system_u lows)
    (type virtqemud_t) (roletype system_r virtqemud_t)
    (type virt_hook_t) (roletype system_r virt_hook_t)
    (type virt_hook_unconfined_t) (roletype system_r virt_hook_unconfined_t)
    (allow virt_hook_unconfined_t virt_hook_t (file (entrypoint)))
    (sidcontext kernel (system_u system_r virtqemud_t lows))
    (boolean virt_hooks_unconfined false)
";

/// What runs it, SELinux itself, is not on this machine: `docs/operations.md`.
#[test]
fn the_selinux_module_is_one_that_its_compiler_takes_and_needs_no_other_type() {
    let lab = Lab::new();
    lab.write("/run/base.cil", SELINUX_BASE);
    let module = concat!(env!("CARGO_MANIFEST_DIR"), "/selinux/vmhook.cil");
    let compile = format!("cd /run && secilc -o policy -f contexts base.cil {module}");
    lab.ok(&compile);

    let without = SELINUX_BASE.replace("(boolean virt_hooks_unconfined false)", "");
    lab.write("/run/base.cil", &without);
    assert!(
        !lab.run(&compile).succeeded(),
        "the boolean is the distribution's"
    );
}
