//! A virtual machine as libvirt tells a hook of it.

use std::fmt::Write;

/// A virtual machine, as XML.
#[derive(Debug, Clone)]
pub struct Vm {
    /// Its name.
    pub name: String,
    /// Its UUID.
    pub uuid: String,
    /// Its interfaces.
    pub nics: Vec<VmNic>,
}

/// One interface of type `bridge`.
#[derive(Debug, Clone)]
pub struct VmNic {
    /// MAC address.
    pub mac: String,
    /// `<source bridge='…'/>`.
    pub bridge: String,
    /// `<target dev='…'/>`.
    pub tap: String,
    /// `<mtu size='…'/>`; 0: it has none.
    pub mtu: u32,
    /// Fixed IP address, in the domain's metadata.
    pub ip: String,
    /// Security group, in the domain's metadata; empty: it names none.
    pub group: String,
}

impl Vm {
    /// The virtual machine of this number, with one interface.
    pub fn new(number: u8) -> Self {
        Self {
            name: format!("vm{number}"),
            uuid: format!("00000000-0000-4000-8000-0000000000{number:02x}"),
            nics: vec![VmNic::new(number)],
        }
    }

    /// The same with an interface more.
    #[must_use]
    pub fn and(mut self, nic: VmNic) -> Self {
        self.nics.push(nic);
        self
    }

    /// The same with another first interface.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut VmNic)) -> Self {
        change(&mut self.nics[0]);
        self
    }

    /// What libvirt hands over on standard input.
    pub fn xml(&self) -> String {
        let (mut ports, mut interfaces) = (String::new(), String::new());
        for (at, nic) in self.nics.iter().enumerate() {
            let VmNic { mac, ip, group, .. } = nic;
            let group = match group.as_str() {
                "" => String::new(),
                name => format!("<vmhook:security-group name='{name}'/>"),
            };
            // Writing to a String cannot fail.
            if self.nics[..at].iter().all(|other| other.mac != *mac) {
                let _ = writeln!(
                    ports,
                    "<vmhook:port mac='{mac}'><vmhook:fixed-ip address='{ip}'/>\
                     {group}</vmhook:port>"
                );
            }
            let VmNic {
                bridge, tap, mtu, ..
            } = nic;
            let told = match mtu {
                0 => String::new(),
                size => format!("<mtu size='{size}'/>"),
            };
            let _ = writeln!(
                interfaces,
                "<interface type='bridge'><mac address='{mac}'/><source bridge='{bridge}'/>\
                 <target dev='{tap}'/>{told}</interface>"
            );
        }
        let Self { name, uuid, .. } = self;
        format!(
            "<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><metadata>\
             <vmhook:ports xmlns:vmhook='urn:vmhook:ports:1'>\n{ports}</vmhook:ports></metadata>\
             <devices>\n{interfaces}</devices></domain>\n"
        )
    }
}

impl VmNic {
    /// The interface of this number.
    pub fn new(number: u8) -> Self {
        Self {
            mac: format!("fa:16:3e:00:00:{number:02x}"),
            bridge: super::world::BRIDGE.to_owned(),
            tap: format!("tap000000{number:02x}-75"),
            mtu: 1450,
            ip: format!("192.168.101.{number}"),
            group: "default".to_owned(),
        }
    }
}
