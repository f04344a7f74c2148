//! Bytes → [`Config`], errors with their place.
//!
//! The configuration is `vmhook.toml` and what lies in `conf.d/`, one schema over all files.
//! [`load()`] never fails as a whole: every object (a network, a security group, a port, `[host]`,
//! `[firewall]`) is either usable or carries its own errors, so that a slip in one table stops only
//! the VMs that use it.
//!
//! ```text
//! Source ─ parse ▶ Document ─ by section ▶ Entry ─ read ▶ Object ─ clashes ▶ Config
//!   bytes           TOML with spans        one table     value or errors     lookups
//! ```
//!
//! What holds:
//! - Every key is known here, also those that are not served yet. Such a key is validated and then
//!   refused with just these words: nothing in a file is ever ignored in silence.
//! - A broken object keeps its name, its place and the facts by which VMs find it (a network's
//!   bridge, a port's MAC address). Whoever looks it up finds it broken; he never finds it missing.
//! - What cannot be known is closed. While a file does not parse, nobody can tell what it says of any
//!   VM: [`Config::incomplete`]. A network whose bridge cannot be read may own any `brq` bridge:
//!   [`Config::lost_bridge`].

mod address_group;
mod clash;
mod context;
mod error;
mod fingerprint;
mod firewall;
mod hint;
mod host;
mod load;
mod local_ip;
mod lookup;
mod network;
mod object;
mod port;
mod protocol;
mod rule;
mod section;
mod security_group;
mod source;
mod table;
mod value;

pub use error::{Checked, ConfigError, ConfigErrors, Place, Position};
pub use fingerprint::Fingerprint;
pub use firewall::{Dispatch, FirewallConfig};
pub(crate) use hint::nearest;
pub use host::HostConfig;
pub use load::load;
pub use local_ip::LocalIp;
pub use lookup::{Config, ManagedBy};
pub use network::{
    FlatConfig, GuestMtu, NetworkConfig, NetworkKindConfig, VlanConfig, VxlanConfig,
};
pub use port::{DeviceOwner, PortConfig};
pub use section::Section;
pub use security_group::RulesWritten;
pub use source::Source;
