//! `vmhook setup`: what it makes, mends and refuses.

use super::*;

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
