//! Security groups and their rules.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Direction, Family, Protocol};

/// A security group: a named list of what is allowed. No rule means no packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// The name in the configuration.
    pub name: String,
    /// Neutron's id, where it has one: it names the group's sets.
    #[serde(default)]
    pub id: Option<String>,
    /// What is allowed, in the order written.
    pub rules: Vec<SecurityGroupRule>,
    /// Addresses of members on other hosts.
    pub members: Vec<IpNet>,
    /// Its ports' packets are judged one by one: an answer passes where a rule allows it, not
    /// because of the question.
    #[serde(default)]
    pub stateless: bool,
}

impl SecurityGroup {
    /// The name of the group that exists without being defined.
    pub const DEFAULT: &'static str = "default";

    /// Neutron's built-in `default`: everything out, in from members of the same group.
    pub fn builtin_default() -> Self {
        let out = |family| SecurityGroupRule::allow(Direction::Egress, family);
        let inside = |family| SecurityGroupRule {
            remote: Remote::Group(Self::DEFAULT.to_owned()),
            ..SecurityGroupRule::allow(Direction::Ingress, family)
        };
        let [v4, v6] = Family::BOTH;
        Self {
            name: Self::DEFAULT.to_owned(),
            id: None,
            rules: vec![out(v4), out(v6), inside(v4), inside(v6)],
            members: Vec::new(),
            stateless: false,
        }
    }
}

/// A security group as the other side of a rule, as it was defined: who is in it on other hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteGroup {
    /// The name in the configuration.
    pub name: String,
    /// Neutron's id, where it has one.
    pub id: Option<String>,
    /// Addresses of members on other hosts.
    pub members: Vec<IpNet>,
}

impl RemoteGroup {
    /// What its sets are named by.
    pub fn key(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.name)
    }
}

impl From<&SecurityGroup> for RemoteGroup {
    fn from(group: &SecurityGroup) -> Self {
        Self {
            name: group.name.clone(),
            id: group.id.clone(),
            members: group.members.clone(),
        }
    }
}

/// One thing that a security group allows, in one direction and one family.
///
/// A rule written without `ethertype` is two of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// Which way.
    pub direction: Direction,
    /// Which family.
    pub family: Family,
    /// What it matches above the address.
    pub protocol: Protocol,
    /// Who the other side is.
    pub remote: Remote,
}

/// The other side of a rule: the source of an ingress rule, the destination of an egress rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remote {
    /// Everybody. A prefix of length 0 is this, as in Neutron's text.
    Any,
    /// The addresses of this prefix, host bits zero.
    Prefix(IpNet),
    /// The members of the security group of this name.
    Group(String),
}

/// Why a rule makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The remote prefix is of the other family.
    #[error("remote {0} is not an {1} prefix")]
    Family(IpNet, Family),
}

impl SecurityGroupRule {
    /// Everything in this direction and family.
    pub fn allow(direction: Direction, family: Family) -> Self {
        Self {
            direction,
            family,
            protocol: Protocol::Any,
            remote: Remote::Any,
        }
    }

    /// The same rule for this remote prefix only.
    ///
    /// # Errors
    /// [`RuleError::Family`] if the prefix is of the other family.
    pub fn from_prefix(self, prefix: IpNet) -> Result<Self, RuleError> {
        if Family::of(prefix.addr()) != self.family {
            return Err(RuleError::Family(prefix, self.family));
        }
        let remote = match prefix.prefix_len() {
            0 => Remote::Any,
            _ => Remote::Prefix(prefix.trunc()),
        };
        Ok(Self { remote, ..self })
    }
}
