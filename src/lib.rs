//! vmhook: VXLAN networks and security groups for plain libvirt hosts.
pub mod apply;
pub mod compile;
pub mod config;
pub mod domain;
pub mod event;
pub mod facts;
pub mod firewall;
pub mod hook;
pub mod host;
pub mod inspect;
pub mod model;
pub mod plan;
pub mod record;
pub mod refusal;
pub mod resolve;
pub mod state;
pub mod transaction;
