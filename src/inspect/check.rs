//! One thing that the kernel should have, and whether it has it.

use std::fmt;

use serde::Serialize;

use crate::model::MacAddr;

/// One thing that the kernel should have, and whether it has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Whose it is.
    pub scope: Scope,
    /// What it is.
    pub kind: Kind,
    /// Which one, as `ip`, `bridge`, `iptables-save` or `nft` writes it.
    pub object: String,
    /// What became of it.
    pub status: Status,
    /// What is different.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Whose a thing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All domains': chains and tables that are there once.
    Host,
    /// A network's, by its name in the configuration.
    Network(String),
    /// An interface's, by its MAC address.
    Interface(MacAddr),
}

/// What kind of thing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A bridge or a VXLAN device that vmhook made.
    Link,
    /// That a device is a port of a bridge.
    BridgePort,
    /// An entry of a VXLAN device's forwarding database.
    FdbEntry,
    /// An entry that says who has an address behind a link.
    Neighbour,
    /// The tap that libvirt made.
    Tap,
    /// A chain of iptables.
    Chain,
    /// A line in a chain that several domains share.
    Rule,
    /// A jump from a built-in chain.
    Jump,
    /// The two nftables tables, with their fixed chains.
    Tables,
    /// An element of one of their sets or maps.
    SetElement,
    /// A set that rules name.
    Set,
    /// That an interface has a port at all, as far as the machine is.
    Port,
}

/// What became of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is there as it was applied.
    Present,
    /// It is not there.
    Missing,
    /// It is there in another form.
    Different,
    /// It is there and nobody applied it.
    Extra,
}

impl Check {
    pub(super) fn new(scope: &Scope, kind: Kind, object: impl fmt::Display) -> Self {
        Self {
            scope: scope.clone(),
            kind,
            object: object.to_string(),
            status: Status::Present,
            detail: None,
        }
    }

    /// The same, with this status.
    pub(super) fn is(self, status: Status) -> Self {
        Self { status, ..self }
    }

    /// The same, missing unless it is there.
    pub(super) fn there(self, there: bool) -> Self {
        let status = if there {
            Status::Present
        } else {
            Status::Missing
        };
        self.is(status)
    }

    /// The same, different in these points; present if there are none.
    pub(super) fn different(self, points: &[String]) -> Self {
        if points.is_empty() {
            return self;
        }
        Self {
            detail: Some(points.join("; ")),
            ..self.is(Status::Different)
        }
    }

    /// It is there as it was applied.
    pub fn is_well(&self) -> bool {
        self.status == Status::Present
    }
}

impl Kind {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::BridgePort => "bridge port",
            Self::FdbEntry => "FDB entry",
            Self::Neighbour => "neighbour",
            Self::Tap => "tap",
            Self::Chain => "chain",
            Self::Rule => "rule",
            Self::Jump => "jump",
            Self::Tables => "nftables tables",
            Self::SetElement => "set element",
            Self::Set => "set",
            Self::Port => "port",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Present => "present",
            Self::Missing => "missing",
            Self::Different => "different",
            Self::Extra => "not vmhook's",
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Network(name) => write!(f, "network {name}"),
            Self::Interface(mac) => write!(f, "interface {mac}"),
        }
    }
}
