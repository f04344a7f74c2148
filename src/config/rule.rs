//! A rule of a security group: first what is written, then what it means.
//!
//! The shape is that of Neutron's API: what it refuses is refused here, with a place. One rule may
//! mean two of the model's, one a family.

use ipnet::IpNet;

use super::context::Context;
use super::error::Checked;
use super::protocol::ProtocolNumber;
use super::table::Table;
use super::value::Value;
use crate::model::{
    Direction, Family, IcmpMatch, PortRange, Protocol, Remote, RuleError, SecurityGroupRule,
};

/// The longest description that Neutron's database keeps.
pub(super) const DESCRIPTION: usize = 255;

/// A rule as written; every field may be left out.
#[derive(Debug, Default)]
struct Written {
    ethertype: Option<Family>,
    protocol: Option<ProtocolNumber>,
    ports: Option<PortRange>,
    icmp: Option<IcmpMatch>,
    remote: Option<WrittenRemote>,
}

/// The other side as written.
#[derive(Debug)]
enum WrittenRemote {
    /// `remote`
    Prefix(IpNet),
    /// `remote_group`
    Group(String),
    /// `remote_address_group`, as its prefixes.
    Prefixes(Vec<IpNet>),
}

/// What iptables' `--icmp-type` takes for any type.
const ANY_TYPE: u8 = 255;

/// Keys that narrow what a rule allows: `any = true` goes with none of them.
const NARROWING: [&str; 8] = [
    "protocol",
    "port",
    "ports",
    "icmp_type",
    "icmp_code",
    "remote",
    "remote_group",
    "remote_address_group",
];

/// Reads one rule.
pub(super) fn read(
    value: &Value<'_>,
    context: &Context<'_>,
    direction: Direction,
) -> Checked<Vec<SecurityGroupRule>> {
    let mut table = value.table()?;
    any(&mut table);
    let protocol = table.optional("protocol", ProtocolNumber::read);
    let written = Written {
        ethertype: table.optional("ethertype", ethertype),
        protocol,
        ports: ports(&mut table, protocol),
        icmp: icmp(&mut table),
        remote: remote(&mut table, context),
    };
    table.optional("description", |value| value.text(DESCRIPTION));
    if protocol.is_some_and(ProtocolNumber::is_any)
        && table.holds_only(&["protocol", "description"])
    {
        table.complain(ALLOWS_EVERYTHING);
    }
    written.check(&mut table);
    let rules = written.rules(direction);
    if let Err(error) = &rules {
        table.complain_of("remote", error);
    }
    table.finish(rules.ok())
}

const ALLOWS_EVERYTHING: &str =
    "an empty rule allows everything; if that is meant, write { any = true }";

/// `any = true`: whoever allows everything says so, lest a forgotten key does it.
fn any(table: &mut Table<'_>) {
    let any = table.optional("any", Value::boolean);
    let narrow = NARROWING.into_iter().find(|key| table.has(key));
    match (any, narrow) {
        (Some(true), Some(key)) => {
            table.complain_of(
                "any",
                format!("a rule that allows everything does not go with {key:?}"),
            );
        }
        (Some(false), _) => table.complain_of("any", "write true, or leave it out"),
        _ if table.holds_only(&["description"]) => table.complain(ALLOWS_EVERYTHING),
        _ => {}
    }
}

/// Neutron's API writes `IPv4`; every spelling is taken.
fn ethertype(value: &Value<'_>) -> Checked<Family> {
    match value.string()?.to_ascii_lowercase().as_str() {
        "ipv4" => Ok(Family::Ipv4),
        "ipv6" => Ok(Family::Ipv6),
        _ => value.word(&[("ipv4", Family::Ipv4), ("ipv6", Family::Ipv6)]),
    }
}

/// `port = 22` or `ports = "8000-8080"`.
fn ports(table: &mut Table<'_>, protocol: Option<ProtocolNumber>) -> Option<PortRange> {
    // A protocol that could not be read may have some.
    let unread = table.has("protocol") && protocol.is_none();
    if !unread && !protocol.is_some_and(ProtocolNumber::has_ports) {
        no_ports(table, protocol);
        return None;
    }
    let one = table.optional("port", |value| {
        let port: u16 = value.integer(1..=65535)?;
        PortRange::new(port, port).map_err(|error| value.error(error).into())
    });
    let range = table.optional("ports", port_range);
    if table.has("port") && table.has("ports") {
        table.complain_of("ports", "either port or ports, not both");
    }
    one.or(range)
}

const HAVE_PORTS: &str = "only tcp, udp, sctp, dccp and udplite have ports";

const NO_PROTOCOL: &str =
    "\"protocol\" is missing, such as protocol = \"tcp\"; tcp and udp need a rule each";

/// Whatever the ports are, the protocol has none, or there is no protocol.
fn no_ports(table: &mut Table<'_>, protocol: Option<ProtocolNumber>) {
    let why = match protocol {
        None => NO_PROTOCOL.to_owned(),
        Some(protocol) if protocol.has_types() => {
            format!("{HAVE_PORTS}; use icmp_type and icmp_code")
        }
        Some(_) => HAVE_PORTS.to_owned(),
    };
    for key in ["port", "ports"] {
        if table.value(key).is_some() {
            table.complain_of(key, &why);
        }
    }
}

/// A range; one port in a string is taken for what it means.
fn port_range(value: &Value<'_>) -> Checked<PortRange> {
    let several = "a rule has one port or one range: write a rule for each";
    match value.string() {
        Ok(text) if text.contains(',') => Err(value.error(several).into()),
        Err(_) if value.is_array() => Err(value.error(several).into()),
        Err(_) => {
            let message = "a range is a string, \"8000-8080\"; one port is port = 22";
            Err(value.error(message).into())
        }
        Ok(text) => match text.parse::<u16>() {
            Ok(port) => PortRange::new(port, port).map_err(|error| value.error(error).into()),
            Err(_) => value.port_range(),
        },
    }
}

/// `icmp_type`, alone or with `icmp_code`.
fn icmp(table: &mut Table<'_>) -> Option<IcmpMatch> {
    let kind = table.optional("icmp_type", |value| value.integer(0..=255));
    let code = table.optional("icmp_code", |value| value.integer(0..=255));
    if table.has("icmp_code") && !table.has("icmp_type") {
        table.complain_of("icmp_code", "a code needs \"icmp_type\" beside it");
    }
    kind.map(|kind| IcmpMatch { kind, code })
}

/// At most one of three.
fn remote(table: &mut Table<'_>, context: &Context<'_>) -> Option<WrittenRemote> {
    let remotes = ["remote", "remote_group", "remote_address_group"];
    let mut given = remotes.into_iter().filter(|key| table.has(key));
    if let (Some(first), Some(second)) = (given.next(), given.next()) {
        table.complain_of(second, format!("either {first} or {second}, not both"));
    }
    let group = table.optional("remote_group", |value| context.security_group(value));
    let prefixes = table.optional("remote_address_group", |value| context.address_group(value));
    let prefix = table.optional("remote", Value::prefix);
    let prefix = prefix.map(WrittenRemote::Prefix);
    let group = group.map(WrittenRemote::Group);
    prefix.or(group).or(prefixes.map(WrittenRemote::Prefixes))
}

impl Written {
    /// What each key says for itself is right; is it right together?
    fn check(&self, table: &mut Table<'_>) {
        let only_ipv6 = self.protocol.is_some_and(ProtocolNumber::only_ipv6);
        if only_ipv6 && self.families().contains(&Family::Ipv4) {
            table.complain_of(
                "protocol",
                "this protocol exists in IPv6 only, the rule is for IPv4",
            );
        }
        let has_types = self.protocol.is_some_and(ProtocolNumber::has_types);
        // A protocol that could not be read may have both.
        let unread = table.has("protocol") && self.protocol.is_none();
        let ipv4 = self.families().contains(&Family::Ipv4);
        if has_types && ipv4 && self.icmp.is_some_and(|icmp| icmp.kind == ANY_TYPE) {
            table.complain_of(
                "icmp_type",
                "iptables takes type 255 of IPv4 for any type, so it cannot be allowed alone; leave \
                 icmp_type out to allow all types",
            );
        }
        if table.has("icmp_type") && !has_types && !unread {
            table.complain_of("icmp_type", "only icmp and ipv6-icmp have types");
        }
    }

    /// The families it is for: as written, or as the address says, or as the protocol says, or both.
    fn families(&self) -> Vec<Family> {
        let of_remote = || match &self.remote {
            Some(WrittenRemote::Prefix(prefix)) => Some(Family::of(prefix.addr())),
            _ => None,
        };
        let of_protocol = || self.protocol.and_then(ProtocolNumber::decides);
        match self.ethertype.or_else(of_remote).or_else(of_protocol) {
            Some(family) => vec![family],
            None => Family::BOTH.to_vec(),
        }
    }

    /// What it means.
    fn rules(&self, direction: Direction) -> Result<Vec<SecurityGroupRule>, RuleError> {
        let protocol = self.protocol.map_or(Protocol::Any, |number| {
            number.matching(self.ports, self.icmp)
        });
        let rule = |family| SecurityGroupRule {
            protocol,
            ..SecurityGroupRule::allow(direction, family)
        };
        let families = self.families().into_iter();
        let rules = families.map(|family| self.with_remote(rule(family)));
        rules.collect::<Result<Vec<_>, _>>().map(|it| it.concat())
    }

    /// The rule for the other side as written: of an address group, one for each prefix of its
    /// family.
    fn with_remote(&self, rule: SecurityGroupRule) -> Result<Vec<SecurityGroupRule>, RuleError> {
        match &self.remote {
            None => Ok(vec![rule]),
            Some(WrittenRemote::Prefix(prefix)) => Ok(vec![rule.from_prefix(*prefix)?]),
            Some(WrittenRemote::Group(name)) => Ok(vec![SecurityGroupRule {
                remote: Remote::Group(name.clone()),
                ..rule
            }]),
            Some(WrittenRemote::Prefixes(prefixes)) => {
                let of_family = |prefix: &&IpNet| Family::of(prefix.addr()) == rule.family;
                let own = prefixes.iter().filter(of_family);
                own.map(|prefix| rule.clone().from_prefix(*prefix))
                    .collect()
            }
        }
    }
}
