//! The tap of an interface, as libvirt makes it for QEMU.

use tappers::Tap;
use vmhook::domain::Interface;
use vmhook::model::MacAddr;

use crate::support::netns::{attempt, run};

/// A tap that somebody has open. It goes when this is dropped.
pub(crate) struct OpenTap {
    name: String,
    _open: Tap,
}

impl OpenTap {
    /// Makes it on its bridge and up, in libvirt's order; `None` for an interface on no bridge.
    pub(crate) fn make(interface: &Interface, mac: MacAddr, name: &str) -> Option<Self> {
        let bridge = interface.bridge.as_ref()?;
        let open = Tap::new_named(tappers::Interface::new(name).unwrap()).unwrap();
        // No address of the host's may be as low as the guests', or bridges take it.
        let address = format!("fe{}", &mac.to_string()[2..]);
        let mtu = match interface.mtu.clone().unwrap() {
            Some(mtu) => mtu.to_string(),
            None => mtu_of(bridge),
        };
        run(&format!(
            "ip link set {name} address {address} mtu {mtu} master {bridge} up"
        ));
        Some(Self {
            name: name.to_owned(),
            _open: open,
        })
    }
}

impl Drop for OpenTap {
    /// The kernel does this at the last close, and another test's thread that starts a program at
    /// this moment has the file open too.
    fn drop(&mut self) {
        attempt(&format!("ip link delete {}", self.name));
    }
}

fn mtu_of(link: &str) -> String {
    let shown = run(&format!("ip -o link show {link}"));
    let mut words = shown.split(' ').skip_while(|word| *word != "mtu");
    words.nth(1).unwrap().to_owned()
}
