//! The difference between two host states, in the order in which it is safe.
pub mod link;

/// The families of our own nftables tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NftFamily {
    /// `table bridge vmhook`.
    Bridge,
    /// `table inet vmhook`.
    Inet,
}

/// What goes to the two `iptables-restore` programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreInput {
    /// For `iptables-restore`; empty: not run.
    pub v4: String,
    /// For `ip6tables-restore`; empty: not run.
    pub v6: String,
    /// Run them side by side. Deletions must not: parallel deleters restart each other.
    pub side_by_side: bool,
}
