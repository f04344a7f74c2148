//! A rule as text.

use std::fmt::{self, Display, Formatter};

use crate::model::{IcmpMatch, PortRange};

use super::address::Canonical;
use super::rule::{CtState, CtStates, Match, Physdev, Rule, SetSide, Side, Target};
use super::{Comment, protocol};

/// Exactly what `iptables-save` prints after `-A CHAIN `.
impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_rule(self, protocol::name, f)
    }
}

/// A rule as it is given to `iptables-restore`: as it is printed, but with the numbers of
/// protocols whose names a host without `/etc/protocols` does not know. One unknown name would
/// fail the whole transaction.
pub(super) struct Restorable<'a>(pub(super) &'a Rule);

impl Display for Restorable<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_rule(self.0, protocol::portable_name, f)
    }
}

type ProtocolName = fn(u8) -> Option<&'static str>;

fn write_rule(rule: &Rule, protocol_name: ProtocolName, f: &mut Formatter<'_>) -> fmt::Result {
    if let Some(source) = &rule.source {
        write!(f, "-s {} ", Canonical(source))?;
    }
    if let Some(destination) = &rule.destination {
        write!(f, "-d {} ", Canonical(destination))?;
    }
    if let Some(device) = &rule.in_interface {
        write!(f, "-i {device} ")?;
    }
    if let Some(device) = &rule.out_interface {
        write!(f, "-o {device} ")?;
    }
    match rule
        .protocol
        .map(|number| (number, protocol_name(number.get())))
    {
        Some((_, Some(name))) => write!(f, "-p {name} ")?,
        Some((number, None)) => write!(f, "-p {number} ")?,
        None => {}
    }
    for one in &rule.matches {
        write!(f, "-m {one} ")?;
    }
    rule.target.fmt(f)
}

impl Display for Match {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Physdev(physdev) => physdev.fmt(f),
            Self::Mac(mac) => write!(f, "mac --mac-source {mac}"),
            Self::State(states) => write!(f, "state --state {states}"),
            Self::Conntrack(states) => write!(f, "conntrack --ctstate {states}"),
            Self::Ports {
                protocol,
                source,
                destination,
            } => {
                protocol.fmt(f)?;
                write_ports(" --sport ", *source, f)?;
                write_ports(" --dport ", *destination, f)
            }
            Self::Multiport(range) => write_ports("multiport --dports ", Some(*range), f),
            Self::Icmp(icmp) => write_icmp("icmp --icmp-type ", *icmp, f),
            Self::Icmpv6(icmp) => write_icmp("icmp6 --icmpv6-type ", *icmp, f),
            Self::Set(name, SetSide::Src) => write!(f, "set --match-set {} src", name.as_str()),
            Self::Set(name, SetSide::Dst) => write!(f, "set --match-set {} dst", name.as_str()),
            Self::ToLocal => f.write_str("addrtype --dst-type LOCAL"),
            Self::Comment(comment) => write!(f, "comment --comment {comment}"),
        }
    }
}

impl Display for Physdev {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.side {
            Side::Out => write!(f, "physdev --physdev-out {}", self.device)?,
            Side::In => write!(f, "physdev --physdev-in {}", self.device)?,
        }
        f.write_str(if self.is_bridged {
            " --physdev-is-bridged"
        } else {
            ""
        })
    }
}

/// Quoted unless it is one word of letters, digits, `_` and `-` (libxtables'
/// `xtables_save_string`).
impl Display for Comment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let text = self.as_str();
        if !text.is_empty() && text.bytes().all(plain) {
            return f.write_str(text);
        }
        f.write_str("\"")?;
        for character in text.chars() {
            if matches!(character, '"' | '\\' | '\'') {
                f.write_str("\\")?;
            }
            write!(f, "{character}")?;
        }
        f.write_str("\"")
    }
}

impl Display for CtStates {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().map(CtState::name).collect();
        f.write_str(&names.join(","))
    }
}

impl CtState {
    /// iptables' name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::New => "NEW",
            Self::Related => "RELATED",
            Self::Established => "ESTABLISHED",
            Self::Untracked => "UNTRACKED",
        }
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Return => f.write_str("-j RETURN"),
            Self::Drop => f.write_str("-j DROP"),
            Self::Accept => f.write_str("-j ACCEPT"),
            Self::Zone(zone) => write!(f, "-j CT --zone {zone}"),
            Self::ZoneOrig(zone) => write!(f, "-j CT --zone-orig {zone}"),
            Self::Notrack => f.write_str("-j CT --notrack"),
            Self::Jump(chain) => write!(f, "-j {chain}"),
            Self::Goto(chain) => write!(f, "-g {chain}"),
        }
    }
}

fn write_ports(option: &str, ports: Option<PortRange>, f: &mut Formatter<'_>) -> fmt::Result {
    match ports.map(|range| (range.first(), range.last())) {
        None => Ok(()),
        Some((first, last)) if first == last => write!(f, "{option}{first}"),
        Some((first, last)) => write!(f, "{option}{first}:{last}"),
    }
}

fn write_icmp(option: &str, icmp: IcmpMatch, f: &mut Formatter<'_>) -> fmt::Result {
    match icmp.code {
        None => write!(f, "{option}{}", icmp.kind),
        Some(code) => write!(f, "{option}{}/{code}", icmp.kind),
    }
}
