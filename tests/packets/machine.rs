//! A machine whose libvirt is the test.

use std::sync::Arc;

use super::*;
use crate::support::Outcome;

/// Two networks of one address range; the other ports on the first, `both` on either.
pub(crate) const CONFIGURATION: &str = r#"
[host]
local_ip = "172.16.0.31"

[network.selfservice]
id = "c08e7dcd-4acb-4cd0-ad08-ebd3b48467ee"
type = "vxlan"
vni = 267
mtu = 1450
flood = ["172.16.0.32"]

[network.other]
id = "2222aaaa-1111-4cd0-ad08-ebd3b48467ee"
type = "vxlan"
vni = 268
mtu = 1450
ipv6_addresses = "prefix"
flood = ["172.16.0.32"]

[security_group.mysecurity]
ingress = [
  { protocol = "icmp" },
  { ethertype = "ipv4", protocol = "tcp", port = 22 },
]
egress = [{ any = true }]

[security_group.dual]
ingress = [
  { protocol = "icmp" },
  { protocol = "ipv6-icmp" },
  { protocol = "tcp", port = 22 },
]
egress = [{ any = true }]

[security_group.stateless]
stateful = false
ingress = [{ protocol = "icmp" }, { protocol = "udp", port = 53 }]
egress = [{ any = true }]

[security_group.db]
ingress = [{ protocol = "icmp" }, { protocol = "udp", port = 53, remote_group = "clients" }]
egress = [{ any = true }]

[security_group.clients]
members = ["192.168.101.1"]
egress = [{ any = true }]

[port.web1]
network = "selfservice"
mac = "fa:16:3e:be:71:21"
fixed_ips = ["192.168.101.88"]
security_groups = ["mysecurity"]

[port.web2]
mac = "fa:16:3e:be:71:22"
fixed_ips = ["192.168.101.89", "2001:db8:101::89"]
security_groups = ["dual"]

[port.web3]
mac = "fa:16:3e:be:71:23"
fixed_ips = ["192.168.101.90"]
security_groups = ["stateless"]

[port.db]
mac = "fa:16:3e:be:71:24"
fixed_ips = ["192.168.101.91"]
security_groups = ["db"]

[port.client]
mac = "fa:16:3e:be:71:25"
fixed_ips = ["192.168.101.92"]
security_groups = ["clients"]

[port.router]
mac = "fa:16:3e:be:71:26"
fixed_ips = ["192.168.101.93"]
allowed_address_pairs = [
  { ip = "10.9.0.0/24" },
  { ip = "192.168.101.200", mac = "00:00:5e:00:01:01" },
  { ip = "2001:db8:5::/48" },
]
security_groups = ["dual"]

[port.any]
mac = "fa:16:3e:be:71:27"
fixed_ips = []
security_groups = ["dual"]

[port.slaac]
network = "other"
mac = "fa:16:3e:be:71:28"
fixed_ips = ["192.168.101.95", "2001:db8:102::95"]
security_groups = ["dual"]

[port.other]
network = "other"
mac = "fa:16:3e:be:71:21"
fixed_ips = ["192.168.101.88"]
security_groups = ["mysecurity"]
"#;

/// A host with vmhook and nothing on it yet; its other host speaks on both networks.
pub(crate) fn start_host(lab: &Lab) -> Peer<'_> {
    start_host_with(lab, CONFIGURATION)
}

/// The same with another configuration of those networks.
pub(crate) fn start_host_with<'lab>(lab: &'lab Lab, configuration: &str) -> Peer<'lab> {
    lab.configure(configuration);
    lab.install_hook();
    join_peer(lab)
}

/// The other host, on both networks.
pub(crate) fn join_peer(lab: &Lab) -> Peer<'_> {
    let peer = lab.join_peer();
    peer.run(
        "ip link add vxlan-268 address fa:16:3e:00:02:01 mtu 1450 type vxlan id 268 \
             local 172.16.0.32 dev eth0 dstport 8472
         bridge fdb append 00:00:00:00:00:00 dev vxlan-268 dst 172.16.0.31
         ip link set vxlan-268 up",
    )
    .ok();
    peer
}

/// One interface of a machine.
#[derive(Debug, Clone)]
pub(crate) struct Nic {
    bridge: &'static str,
    tap: &'static str,
    mac: &'static str,
    named: bool,
}

impl Nic {
    pub(crate) fn new(bridge: &'static str, tap: &'static str, mac: &'static str) -> Self {
        Self {
            bridge,
            tap,
            mac,
            named: true,
        }
    }

    pub(crate) fn bridge(&self) -> &'static str {
        self.bridge
    }

    pub(crate) fn tap(&self) -> &'static str {
        self.tap
    }

    /// The XML names no tap before there is one.
    pub(crate) fn named_by_libvirt(self) -> Self {
        Self {
            named: false,
            ..self
        }
    }

    fn xml(&self, plugged: bool) -> String {
        let Self {
            bridge, tap, mac, ..
        } = self;
        let target = if self.named || plugged {
            format!("<target dev='{tap}'/>")
        } else {
            String::new()
        };
        format!(
            "<interface type='bridge'><mac address='{mac}'/><source bridge='{bridge}'/>{target}\
             <model type='virtio'/><mtu size='1450'/></interface>"
        )
    }
}

/// A domain, in whatever phase of its life the test has brought it to.
#[derive(Debug, Clone)]
pub(crate) struct Machine<'lab> {
    lab: &'lab Lab,
    name: &'static str,
    nics: Vec<Nic>,
}

impl<'lab> Machine<'lab> {
    pub(crate) fn new(lab: &'lab Lab, name: &'static str, nics: &[Nic]) -> Self {
        let nics = nics.to_vec();
        Self { lab, name, nics }
    }

    /// Calls the hook as libvirt does at this operation.
    pub(crate) fn try_to(&self, operation: &str, environment: &str) -> Outcome {
        let name = self.name;
        let xml = format!("/run/lab/{name}.xml");
        self.lab.write(&xml, &self.xml(operation != "prepare"));
        self.lab.run(&format!(
            "{environment} /usr/bin/vmhook-event qemu {name} {operation} begin - <{xml}"
        ))
    }

    /// The same; it must succeed.
    #[track_caller]
    pub(crate) fn call(&self, operation: &str) {
        let out = self.try_to(operation, "").ok();
        assert_eq!(out, "", "libvirt takes what a hook prints for XML");
    }

    /// Opens the taps and sets them up on their bridges.
    pub(crate) fn plug(&self) -> Vec<Arc<Tap>> {
        let taps = self.nics.iter();
        taps.map(|nic| Arc::new(self.lab.tap_on(nic.bridge, nic.tap, nic.mac)))
            .collect()
    }

    fn xml(&self, plugged: bool) -> String {
        let nics: String = self.nics.iter().map(|nic| nic.xml(plugged)).collect();
        let name = self.name;
        let number: u32 = name.bytes().map(u32::from).sum();
        format!(
            "<domain type='kvm'><name>{name}</name>\
             <uuid>df970ec9-8410-48a6-9f04-d4621c96{number:04x}</uuid>\
             <devices>{nics}</devices></domain>"
        )
    }
}

/// A machine with one interface from nothing to running.
pub(crate) fn boot<'lab>(
    lab: &'lab Lab,
    name: &'static str,
    nic: Nic,
) -> (Machine<'lab>, Arc<Tap>) {
    let machine = Machine::new(lab, name, &[nic]);
    machine.call("prepare");
    let tap = machine.plug().remove(0);
    machine.call("start");
    machine.call("started");
    (machine, tap)
}

/// Whether the tap gets the first of two frames that are sent one after the other; the second must
/// arrive in any case.
pub(crate) fn first_arrives(tap: &Tap, frame: &[u8], then: &[u8]) -> bool {
    let next = || tap.receive(SOON, |it| it == frame || it == then);
    let first = next().expect("the frame that follows must arrive");
    first == frame && next().as_deref() == Some(then)
}
