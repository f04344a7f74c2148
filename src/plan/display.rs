//! A plan as text: the commands it amounts to, for a reader who knows them.

use std::fmt;

use super::link::{Bridge, LinkChange, RESERVED, Setting, VlanDevice, VxlanDevice, alias};
use super::{Forget, Judged, Plan, Step};
use crate::model::{Family, IfName, Learning, Neighbour, OuterHeader, Tos, Tunnel, Vlan};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| step.fmt(f))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nft(script) => here_document(f, "nft -f -", script),
            Self::Links(changes) => changes.iter().try_for_each(|change| change.fmt(f)),
            Self::Sets(text) | Self::UnusedSets(text) => {
                here_document(f, "ipset -exist restore", text)
            }
            Self::Rules(input) => {
                here_document(f, "iptables-restore --noflush", &input.v4)?;
                here_document(f, "ip6tables-restore --noflush", &input.v6)
            }
            Self::Connections(forget) => forget.fmt(f),
            Self::Judge(judged) => judged.fmt(f),
        }
    }
}

impl fmt::Display for Forget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            zone,
            of,
            addresses,
        } = self;
        let option = of.option();
        if addresses.is_empty() {
            writeln!(f, "conntrack -D -f ipv4 {option} {zone}")?;
            return writeln!(f, "conntrack -D -f ipv6 {option} {zone}");
        }
        addresses.iter().try_for_each(|address| {
            let family = if address.is_ipv6() { "ipv6" } else { "ipv4" };
            writeln!(f, "conntrack -D -f {family} {option} {zone} -s {address}")?;
            writeln!(f, "conntrack -D -f {family} {option} {zone} -d {address}")
        })
    }
}

/// What is deleted is known only then: no command says it.
impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { zone, judge } = self;
        let of = match judge.ports.len() {
            1 => "a port whose rules changed does".to_owned(),
            ports => format!("{ports} ports whose rules changed do"),
        };
        writeln!(
            f,
            "# conntrack -L -w {zone}; each entry is deleted that {of} not allow any more"
        )
    }
}

fn here_document(f: &mut fmt::Formatter<'_>, command: &str, text: &str) -> fmt::Result {
    if text.is_empty() {
        return Ok(());
    }
    writeln!(f, "{command} <<'END'")?;
    f.write_str(text)?;
    writeln!(f, "END")
}

impl fmt::Display for LinkChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddBridge(bridge) => bridge.fmt(f),
            Self::AddVxlan(device) => device.fmt(f),
            Self::AddVlan(device) => device.fmt(f),
            Self::AddHostEnd(pair) => pair.fmt(f),
            Self::SetHeader(device) => set_header(f, device),
            Self::AddFdb(entry) => match entry.mac {
                None => writeln!(f, "bridge fdb append {entry}"),
                Some(_) => writeln!(f, "bridge fdb replace {entry}"),
            },
            Self::RemoveFdb(entry) => writeln!(f, "bridge fdb del {entry}"),
            Self::SetNeighbour(neighbour) => writeln!(f, "ip neigh replace {neighbour}"),
            Self::RemoveNeighbour(Neighbour {
                device, address, ..
            }) => writeln!(f, "ip neigh del {address} dev {device}"),
            Self::Suppress(port) => {
                writeln!(
                    f,
                    "bridge link set dev {port} learning off neigh_suppress on"
                )
            }
            Self::Enslave { device, bridge } => writeln!(f, "ip link set {device} master {bridge}"),
            Self::Raise(device) => writeln!(f, "ip link set {device} up"),
            Self::TakeOut { device, bridge } => {
                writeln!(f, "ip link set {device} nomaster # out of {bridge}")
            }
            Self::SetMtu { device, mtu } => writeln!(f, "ip link set {device} mtu {mtu}"),
            Self::QuietTap(tap) => writeln!(f, "sysctl -qw net/ipv6/conf/{tap}/disable_ipv6=1"),
            Self::ShutTap(tap) => writeln!(f, "ip link set {tap} down"),
            Self::FenceTap(tap) => writeln!(
                f,
                "ip link set {tap} type bridge_slave group_fwd_mask {RESERVED:#x}"
            ),
            Self::SetSwitches { bridge, switches } => {
                let [v4, v6] = [switches.iptables, switches.ip6tables].map(u8::from);
                writeln!(
                    f,
                    "ip link set {bridge} type bridge nf_call_iptables {v4} nf_call_ip6tables {v6}"
                )
            }
            Self::Delete(name) => writeln!(f, "ip link del {name}"),
        }
    }
}

impl fmt::Display for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            mac,
            mtu,
            network,
        } = self;
        writeln!(
            f,
            "ip link add {name} address {mac} mtu {mtu} type bridge forward_delay 0 stp_state 0 \
             mcast_snooping 0 group_fwd_mask 0x4000 nf_call_iptables 1 nf_call_ip6tables 1"
        )?;
        writeln!(f, "ip link set {name} alias {}", alias(network))?;
        writeln!(f, "sysctl -qw net/ipv6/conf/{name}/disable_ipv6=1")?;
        writeln!(f, "sysctl -qw net/ipv4/conf/{name}/arp_ignore=1")?;
        writeln!(f, "sysctl -qw net/ipv4/conf/{name}/arp_announce=2")?;
        writeln!(f, "ip link set {name} up")
    }
}

impl fmt::Display for VxlanDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tunnel {
            vni,
            device: name,
            local,
            underlay,
            port,
            options,
        } = &self.tunnel;
        let ports = options.source_ports.map_or((0, 0), <(u16, u16)>::from);
        write!(f, "ip link add {name} mtu {} type vxlan id {vni}", self.mtu)?;
        if let Some(group) = options.group {
            write!(f, " group {group}")?;
        }
        write!(
            f,
            " local {local} dev {underlay} srcport {} {} dstport {port}",
            ports.0, ports.1
        )?;
        if !options.udp_checksum {
            f.write_str(match Family::of(local.address()) {
                Family::Ipv4 => " noudpcsum",
                Family::Ipv6 => " udp6zerocsumtx udp6zerocsumrx",
            })?;
        }
        f.write_str(match options.learning {
            Learning::Frames => "",
            Learning::Inventory => " nolearning proxy",
            Learning::Evpn => " nolearning",
        })?;
        writeln!(f, "{}", self.outer)?;
        writeln!(f, "ip link set {name} alias {}", alias(&self.network))?;
        settings(f, name, self.settings())
    }
}

impl fmt::Display for VlanDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Vlan {
            id,
            device: name,
            parent,
        } = &self.vlan;
        let mtu = self.mtu;
        writeln!(
            f,
            "ip link add {name} link {parent} mtu {mtu} type vlan id {id}"
        )?;
        writeln!(f, "ip link set {name} alias {}", alias(&self.network))?;
        settings(f, name, self.settings())
    }
}

fn settings(f: &mut fmt::Formatter<'_>, name: &IfName, settings: &[Setting]) -> fmt::Result {
    settings.iter().try_for_each(|(protocol, setting, value)| {
        writeln!(f, "sysctl -qw net/{protocol}/conf/{name}/{setting}={value}")
    })
}

/// Whatever the device had is not known here, so each word is said.
fn set_header(f: &mut fmt::Formatter<'_>, device: &VxlanDevice) -> fmt::Result {
    let VxlanDevice { tunnel, outer, .. } = device;
    let (name, vni) = (&tunnel.device, tunnel.vni);
    write!(f, "ip link set {name} type vxlan id {vni} ttl ")?;
    match outer.ttl {
        Some(ttl) => write!(f, "{ttl}")?,
        None => f.write_str("auto")?,
    }
    match outer.tos {
        Tos::Inherit => writeln!(f, " tos inherit"),
        Tos::Is(octet) => writeln!(f, " tos {octet:#x}"),
    }
}

/// As words of `ip link`, each behind a blank; what is the kernel's is left out.
impl fmt::Display for OuterHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ttl) = self.ttl {
            write!(f, " ttl {ttl}")?;
        }
        match self.tos {
            Tos::Inherit => f.write_str(" tos inherit"),
            Tos::Is(0) => Ok(()),
            Tos::Is(octet) => write!(f, " tos {octet:#x}"),
        }
    }
}
