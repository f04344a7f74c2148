//! How the rules are written.

use super::ChainPrefix;

/// What the configuration says about the text of the rules; it changes no verdict.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Options {
    /// What the names of our chains start with.
    pub prefix: ChainPrefix,
    /// Write Neutron's comments. Without them the raw table keeps its own: they say which zone is
    /// which network's.
    pub comments: bool,
    /// Remote groups are sets; else one rule a member. Records of earlier versions say nothing, and
    /// those wrote rules.
    #[serde(default)]
    pub ipset: bool,
}

impl Default for Options {
    /// The reference: Neutron's prefix, with comments and sets.
    fn default() -> Self {
        Self {
            prefix: ChainPrefix::default(),
            comments: true,
            ipset: true,
        }
    }
}
