//! Guests that end otherwise than planned.

use super::{CONFIG, OTHER_PEOPLES, host, web1};

/// `ABRT` and `SEGV` are how QEMU dies of a fault of its own, `KILL` how the kernel ends it when
/// memory is short.
#[test]
fn a_guest_whose_qemu_dies_leaves_nothing() {
    let lab = host(CONFIG);
    lab.ok(OTHER_PEOPLES);
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    for signal in ["ABRT", "SEGV", "KILL"] {
        web1.start().ok();
        lab.ok(&format!("kill -{signal} $(cat /run/libvirt/qemu/web1.pid)"));
        web1.wait_until_off();
        lab.assert_unchanged_since(&before);
    }
}

/// The device by which a guest tells that its kernel has panicked; libvirt 9.0 knows it on the ISA
/// bus alone, where this guest cannot reach it.
const PANIC_DEVICE: &str = "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\
    <qemu:arg value='-device'/><qemu:arg value='pvpanic-pci,addr=0x1e'/></qemu:commandline>";
const PANIC: &str = "for device in /sys/bus/pci/devices/*; do \
    [ $(cat $device/device) != 0x0011 ] || \
    { read -r address rest <$device/resource; devmem $address 8 1; }; done";

#[test]
fn a_guest_whose_kernel_panics_leaves_nothing() {
    let lab = host(CONFIG);
    let before = lab.dump();
    let mut web1 = lab.define(&web1().element(PANIC_DEVICE));
    web1.boot();
    web1.tell(PANIC);
    web1.wait_until_off();
    let state = lab.virsh(&["domstate", "--reason", "web1"]).ok();
    assert_eq!(state.trim(), "shut off (crashed)");
    lab.assert_unchanged_since(&before);
}

#[test]
fn a_guest_stops_cleanly_whatever_has_become_of_the_configuration() {
    let lab = host(CONFIG);
    let before = lab.dump();
    let mut web1 = lab.define(&web1());
    for broken in [
        "[network.selfservice",
        "",
        "[firewall]\nchain_prefix = \"other\"\n",
    ] {
        web1.start().ok();
        lab.configure(broken);
        web1.destroy();
        lab.configure(CONFIG);
        lab.assert_unchanged_since(&before);
    }
}
