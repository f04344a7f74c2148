//! A rule from text.

use std::str::FromStr;

use ipnet::IpNet;

use crate::model::{IcmpMatch, PortProtocol, PortRange, Zone};

use super::words::Words;
use super::{
    ChainName, Comment, CtState, CtStates, Match, Physdev, Rule, SetName, SetSide, Side, Target,
    protocol,
};

/// Why a line is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A quote is not closed.
    #[error("a quote is not closed")]
    Quote,
    /// A word that rules of ours never have.
    #[error("unknown word \"{0}\"")]
    Word(String),
    /// An option whose value is missing or is none that rules of ours have.
    #[error("value of \"{0}\" is missing or unknown")]
    Value(&'static str),
    /// A rule without target only counts.
    #[error("no target")]
    Target,
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(line: &str) -> Result<Self, RuleError> {
        let mut words = Words::split(line).ok_or(RuleError::Quote)?;
        // The target comes last; until it is read, any will do.
        let mut rule = Self::new(Target::Return);
        loop {
            match words.next().ok_or(RuleError::Target)?.as_str() {
                "-s" => rule = rule.from(value(&mut words, "-s", prefix)?),
                "-d" => rule = rule.to(value(&mut words, "-d", prefix)?),
                "-i" => rule = rule.coming_in(value(&mut words, "-i", parsed)?),
                "-o" => rule = rule.going_out(value(&mut words, "-o", parsed)?),
                "-p" => {
                    rule = rule.protocol(Some(value(&mut words, "-p", protocol::number)?));
                }
                "-m" => rule = rule.matching(parse_match(&mut words)?),
                "-j" => {
                    rule.target = parse_target(&mut words)?;
                    break;
                }
                "-g" => {
                    rule.target = Target::Goto(value(&mut words, "-g", parsed)?);
                    break;
                }
                word => return Err(RuleError::Word(word.to_owned())),
            }
        }
        match words.next() {
            None => Ok(rule),
            Some(word) => Err(RuleError::Word(word)),
        }
    }
}

fn parse_target(words: &mut Words) -> Result<Target, RuleError> {
    let name = words.next().ok_or(RuleError::Value("-j"))?;
    Ok(match name.as_str() {
        "RETURN" => Target::Return,
        "DROP" => Target::Drop,
        "ACCEPT" => Target::Accept,
        "CT" if words.take("--notrack") => Target::Notrack,
        "CT" if words.take("--zone-orig") => Target::ZoneOrig(value(words, "--zone-orig", zone)?),
        "CT" if words.take("--zone") => Target::Zone(value(words, "--zone", zone)?),
        "CT" => return Err(RuleError::Value("CT")),
        chain => Target::Jump(parsed::<ChainName>(chain).ok_or(RuleError::Value("-j"))?),
    })
}

fn parse_match(words: &mut Words) -> Result<Match, RuleError> {
    let module = words.next().ok_or(RuleError::Value("-m"))?;
    match module.as_str() {
        "physdev" => parse_physdev(words),
        "mac" => Ok(Match::Mac(option(words, "--mac-source", parsed)?)),
        "state" => Ok(Match::State(option(words, "--state", states)?)),
        "conntrack" => Ok(Match::Conntrack(option(words, "--ctstate", states)?)),
        "tcp" => parse_ports(PortProtocol::Tcp, words),
        "udp" => parse_ports(PortProtocol::Udp, words),
        "sctp" => parse_ports(PortProtocol::Sctp, words),
        "dccp" => parse_ports(PortProtocol::Dccp, words),
        "multiport" => Ok(Match::Multiport(option(words, "--dports", port_range)?)),
        "icmp" => parse_icmp(words),
        "icmp6" => Ok(Match::Icmpv6(option(words, "--icmpv6-type", icmp)?)),
        "set" => {
            let name = option(words, "--match-set", SetName::new)?;
            Ok(Match::Set(name, value(words, "--match-set", set_side)?))
        }
        "addrtype" => {
            let local = |word: &str| (word == "LOCAL").then_some(Match::ToLocal);
            option(words, "--dst-type", local)
        }
        "comment" => {
            let comment = |text: &str| Comment::new(text.to_owned());
            Ok(Match::Comment(option(words, "--comment", comment)?))
        }
        _ => Err(RuleError::Word(module)),
    }
}

fn parse_physdev(words: &mut Words) -> Result<Match, RuleError> {
    let (side, device) = if words.take("--physdev-in") {
        (Side::In, value(words, "--physdev-in", parsed)?)
    } else {
        (Side::Out, option(words, "--physdev-out", parsed)?)
    };
    let is_bridged = words.take("--physdev-is-bridged");
    Ok(Match::Physdev(Physdev {
        device,
        side,
        is_bridged,
    }))
}

fn parse_ports(protocol: PortProtocol, words: &mut Words) -> Result<Match, RuleError> {
    Ok(Match::Ports {
        protocol,
        source: optional(words, "--sport", port_range)?,
        destination: optional(words, "--dport", port_range)?,
    })
}

fn parse_icmp(words: &mut Words) -> Result<Match, RuleError> {
    let one = option(words, "--icmp-type", icmp)?;
    // iptables takes type 255 for any type; its save form for that is the word `any`.
    if one.kind == u8::MAX {
        return Err(RuleError::Value("--icmp-type"));
    }
    Ok(Match::Icmp(one))
}

/// The value of an option whose name was taken already.
fn value<T>(
    words: &mut Words,
    name: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, RuleError> {
    let word = words.next().ok_or(RuleError::Value(name))?;
    read(&word).ok_or(RuleError::Value(name))
}

/// An option that must come next, with its value.
fn option<T>(
    words: &mut Words,
    name: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, RuleError> {
    optional(words, name, read)?.ok_or(RuleError::Value(name))
}

/// An option that may come next, with its value.
fn optional<T>(
    words: &mut Words,
    name: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, RuleError> {
    match words.option(name) {
        None => Ok(None),
        Some(word) => Ok(Some(read(&word).ok_or(RuleError::Value(name))?)),
    }
}

fn parsed<T: FromStr>(word: &str) -> Option<T> {
    word.parse().ok()
}

fn prefix(word: &str) -> Option<IpNet> {
    let address = || {
        word.parse()
            .ok()
            .map(|address: std::net::IpAddr| address.into())
    };
    word.parse().ok().or_else(address)
}

fn zone(word: &str) -> Option<Zone> {
    Zone::try_from(word.parse::<u16>().ok()?).ok()
}

fn states(word: &str) -> Option<CtStates> {
    let named = |name| CtState::ALL.into_iter().find(|state| state.name() == name);
    let states: Option<Vec<_>> = word.split(',').map(named).collect();
    CtStates::new(states?)
}

fn port_range(word: &str) -> Option<PortRange> {
    let (first, last) = word.split_once(':').unwrap_or((word, word));
    PortRange::new(first.parse().ok()?, last.parse().ok()?).ok()
}

fn icmp(word: &str) -> Option<IcmpMatch> {
    let (kind, code) = match word.split_once('/') {
        Some((kind, code)) => (kind, Some(code.parse().ok()?)),
        None => (word, None),
    };
    let kind = kind.parse().ok()?;
    Some(IcmpMatch { kind, code })
}

fn set_side(word: &str) -> Option<SetSide> {
    match word {
        "src" => Some(SetSide::Src),
        "dst" => Some(SetSide::Dst),
        _ => None,
    }
}
