//! The XML of a virtual machine.

use std::fmt::Write as _;
use std::path::Path;

const IMAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/guest");

/// One interface of a virtual machine, as its XML has it.
#[derive(Debug, Clone)]
pub struct Nic {
    source: String,
    mac: String,
    target: Option<String>,
    mtu: Option<u32>,
    addresses: Vec<String>,
}

impl Nic {
    /// `<interface type='bridge'>`.
    pub fn on_bridge(bridge: &str, mac: &str) -> Self {
        Self::of(format!("type='bridge'><source bridge='{bridge}'/>"), mac)
    }

    /// `<interface type='network'>`, a network of libvirt.
    pub fn on_network(network: &str, mac: &str) -> Self {
        Self::of(format!("type='network'><source network='{network}'/>"), mac)
    }

    fn of(source: String, mac: &str) -> Self {
        Self {
            source,
            mac: mac.into(),
            target: None,
            mtu: None,
            addresses: Vec::new(),
        }
    }

    /// The name of the tap on the host; libvirt takes a free `vnetN` otherwise.
    #[must_use]
    pub fn target(mut self, tap: &str) -> Self {
        self.target = Some(tap.into());
        self
    }

    /// `<mtu size=...>`: what the guest is told.
    #[must_use]
    pub fn mtu(mut self, bytes: u32) -> Self {
        self.mtu = Some(bytes);
        self
    }

    /// An address that the guest gives itself, with its prefix length: `192.168.101.88/24`.
    #[must_use]
    pub fn address(mut self, address: &str) -> Self {
        self.addresses.push(address.into());
        self
    }

    fn xml(&self) -> String {
        let target = self
            .target
            .iter()
            .map(|dev| format!("<target dev='{dev}'/>"));
        let mtu = self
            .mtu
            .iter()
            .map(|bytes| format!("<mtu size='{bytes}'/>"));
        let optional: String = target.chain(mtu).collect();
        let (source, mac) = (&self.source, &self.mac);
        format!(
            "<interface {source}<mac address='{mac}'/>{optional}<model type='virtio'/></interface>"
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
}

impl DomainSpec {
    /// A machine of 128 MB without interfaces.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            uuid: None,
            metadata: String::new(),
            nics: Vec::new(),
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

    /// What stands in `<metadata>`, with its namespaces.
    #[must_use]
    pub fn metadata(mut self, xml: &str) -> Self {
        self.metadata = xml.into();
        self
    }

    /// Its name, which is also that of its files.
    pub fn name(&self) -> &str {
        &self.name
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
        let (name, metadata, cmdline) = (&self.name, &self.metadata, self.cmdline());
        let files = folder.join(name).display().to_string();
        format!(
            "<domain type='qemu'>
  <name>{name}</name>{uuid}<metadata>{metadata}</metadata>
  <memory unit='MiB'>128</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{IMAGE}/vmlinuz</kernel><initrd>{IMAGE}/initrd</initrd><cmdline>{cmdline}</cmdline></os>
  <features><acpi/></features>
  <on_reboot>restart</on_reboot>
  <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{nics}
    <serial type='file'><source path='{files}.console'/><target port='0'/></serial>
    <serial type='pipe'><source path='{files}'/><target port='1'/></serial>
    <memballoon model='none'/><controller type='usb' model='none'/>
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
