//! The XML of a virtual machine.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

const IMAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/guest");

/// One interface of a virtual machine, as its XML has it.
#[derive(Debug, Clone)]
pub struct Nic {
    kind: String,
    mac: String,
    addresses: Vec<String>,
    /// The elements in it, whole.
    children: Vec<String>,
}

impl Nic {
    /// `<interface type='bridge'>`.
    pub fn on_bridge(bridge: &str, mac: &str) -> Self {
        Self::of("bridge", mac).with(&format!("<source bridge='{bridge}'/>"))
    }

    /// `<interface type='network'>`, a network of libvirt.
    pub fn on_network(network: &str, mac: &str) -> Self {
        Self::of("network", mac).with(&format!("<source network='{network}'/>"))
    }

    /// `<interface type=...>` of any other kind, whose `<source>` is still to be added.
    pub fn of(kind: &str, mac: &str) -> Self {
        Self {
            kind: kind.into(),
            mac: mac.into(),
            addresses: Vec::new(),
            children: Vec::new(),
        }
    }

    /// The name of the tap on the host; libvirt takes a free `vnetN` otherwise.
    #[must_use]
    pub fn target(self, tap: &str) -> Self {
        self.with(&format!("<target dev='{tap}'/>"))
    }

    /// `<mtu size=...>`: what the guest is told.
    #[must_use]
    pub fn mtu(self, bytes: u32) -> Self {
        self.with(&format!("<mtu size='{bytes}'/>"))
    }

    /// One more element in it: `<link state='down'/>`.
    #[must_use]
    pub fn with(mut self, element: &str) -> Self {
        self.children.push(element.into());
        self
    }

    /// An address that the guest gives itself, with its prefix length: `192.168.101.88/24`.
    #[must_use]
    pub fn address(mut self, address: &str) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// Its XML, as `virsh attach-device` takes it too.
    pub fn xml(&self) -> String {
        let (kind, mac, children) = (&self.kind, &self.mac, self.children.concat());
        format!(
            "<interface type='{kind}'><mac address='{mac}'/>{children}<model type='virtio'/>\
             </interface>"
        )
    }
}

/// A virtual machine to be defined.
#[derive(Debug, Clone)]
pub struct DomainSpec {
    name: String,
    uuid: Option<String>,
    metadata: String,
    nics: Vec<Nic>,
    devices: String,
    elements: String,
}

impl DomainSpec {
    /// A machine of 128 MB without interfaces.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            uuid: None,
            metadata: String::new(),
            nics: Vec::new(),
            devices: String::new(),
            elements: String::new(),
        }
    }

    /// Its UUID; libvirt invents one otherwise.
    #[must_use]
    pub fn uuid(mut self, uuid: &str) -> Self {
        self.uuid = Some(uuid.into());
        self
    }

    /// One more interface; the guest calls them eth0, eth1 and so on, in this order.
    #[must_use]
    pub fn nic(mut self, nic: Nic) -> Self {
        self.nics.push(nic);
        self
    }

    /// One more of `<devices>`.
    #[must_use]
    pub fn device(mut self, xml: &str) -> Self {
        self.devices.push_str(xml);
        self
    }

    /// One more element of `<domain>` itself.
    #[must_use]
    pub fn element(mut self, xml: &str) -> Self {
        self.elements.push_str(xml);
        self
    }

    /// What stands in `<metadata>`, with its namespaces.
    #[must_use]
    pub fn metadata(mut self, xml: &str) -> Self {
        self.metadata = xml.into();
        self
    }

    /// Its name: any text that libvirt takes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its files are called: its name, where that can be a file's on any host.
    pub(super) fn file_name(&self) -> String {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if self.name.len() <= 64 && self.name.chars().all(plain) {
            return self.name.clone();
        }
        let mut hasher = DefaultHasher::new();
        self.name.hash(&mut hasher);
        format!("guest-{:016x}", hasher.finish())
    }

    /// The domain XML. The first serial port is the kernel's console, the second the agent's; their
    /// files are in `folder`.
    pub fn xml(&self, folder: &Path) -> String {
        let uuid = self
            .uuid
            .as_ref()
            .map(|uuid| format!("<uuid>{uuid}</uuid>"));
        let uuid = uuid.unwrap_or_default();
        let nics: String = self.nics.iter().map(Nic::xml).collect();
        let (name, metadata, cmdline) = (escaped(&self.name), &self.metadata, self.cmdline());
        let files = folder.join(self.file_name()).display().to_string();
        let (devices, elements) = (&self.devices, &self.elements);
        format!(
            "<domain type='qemu'>
  <name>{name}</name>{uuid}<metadata>{metadata}</metadata>
  <memory unit='MiB'>128</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{IMAGE}/vmlinuz</kernel><initrd>{IMAGE}/initrd</initrd><cmdline>{cmdline}</cmdline></os>
  <features><acpi/></features>
  <on_reboot>restart</on_reboot>{elements}
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{nics}
    <serial type='file'><source path='{files}.console'/><target port='0'/></serial>
    <serial type='pipe'><source path='{files}'/><target port='1'/></serial>
    <memballoon model='none'/><controller type='usb' model='none'/>{devices}
  </devices>
</domain>"
        )
    }

    fn cmdline(&self) -> String {
        let mut line = String::from("console=ttyS0 quiet mitigations=off");
        for (index, nic) in self.nics.iter().enumerate() {
            if !nic.addresses.is_empty() {
                let _ = write!(line, " vmhook.eth{index}={}", nic.addresses.join(","));
            }
        }
        line
    }
}

/// A text as XML has it between tags. A parser would read a bare carriage return as a line's end.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\r', "&#13;")
}
