//! vmhook gives plain libvirt hosts what OpenStack's Linux bridge agent gave its compute nodes: a
//! VXLAN network behind each interface of a virtual machine, and security groups in front of it.
//! libvirt runs it as a hook: it sets up what a machine needs before the machine runs, and takes it
//! away when the machine has ended.
//!
//! # The pipeline
//!
//! Everything goes one way, and all of it up to the last step is a function of values:
//!
//! ```text
//! domain XML ──▶ domain ─┐
//! TOML ────────▶ config ─┼─ resolve ─▶ Want ─┐
//! links, addresses: facts┘                   │
//!                                            ├─ transaction ─▶ Plan ─▶ apply ─▶ host
//! what was applied: record ──────────────────┤     ├ compile ─▶ HostState (want)
//! or the kernel read back ───────────────────┘     └ plan: have ─▶ want, in a safe order
//! ```
//!
//! libvirt calls with a few words and the domain's XML. [`event`] makes of the words what is told,
//! [`domain`] of the XML the interfaces and what the domain's metadata says of them, [`config`] of
//! the operator's files objects that are usable or carry their errors. [`resolve`] brings the three
//! together with [`facts`], what the host's links and addresses are: which interface is ours, and
//! what network and port it then is. What cannot be resolved is a [`refusal`], and the machine does
//! not start. Everything that these steps speak of is in [`model`], as types that have no room for
//! nonsense.
//!
//! What comes out is an intent and no list of commands: a [`Want`](record::Want), written down
//! before anything else happens. Whoever holds the host's lock takes *all* wants there are and makes
//! one [`transaction`] of them. There [`compile`] says what networks and ports must be in the
//! kernel: links, [`firewall`] rules, elements of the guard's tables. That is a
//! [`HostState`](state::HostState). [`plan`] finds the way to it from the state that is there, in an
//! order in which no moment is more open than both ends.
//!
//! Where the state that is there comes from is the only difference between a start, a stop and a
//! repair. While nobody else has touched the kernel's tables it is what the [`record`]s say was
//! applied, and the records of the domains concerned are enough. Else it is the kernel, read back.
//! So there is no code for undoing: to undo is to plan from what is there to what was before.
//!
//! Then the machine is touched, for the first time: [`apply`] runs the plan and writes the records,
//! through [`host`], the only module that knows files, processes, sockets and the clock. [`hook`]
//! ties both ends together, a function a call; [`inspect`] holds what was applied, what is
//! configured today and what the kernel has against each other, for the operator, and [`installation`]
//! says which files libvirt must find for any of it to be called; [`export`] says what vmhook knows in the
//! words of other programs.
//!
//! # What always holds
//!
//! - **Closed by default.** A port is open only while its tap is a member in the guard's tables. It
//!   becomes one last, when all its rules are there, and is none any more before they go.
//! - **Only what we made is ours.** Links that bear our alias, chains of the names that we give,
//!   tables named `vmhook`. Foreign objects are in no value of this crate.
//! - **Any hook may die anywhere.** Its want stays and the host's record is marked: the next hook
//!   sees both, reads the kernel back, and finishes or takes away what was begun.
//! - **Pure means pure.** No module but [`host`], [`apply`] and [`hook`] can reach the machine; a
//!   lint and a test hold it. So plans can be printed, rehearsed, and tried on hosts that do not
//!   exist.
//!
//! `docs/design.md` has the reasons, `docs/security.md` what is closed and by what, and
//! `docs/operations.md` what to do at night.

pub mod apply;
pub mod compile;
pub mod config;
pub mod domain;
pub mod event;
pub mod export;
pub mod facts;
pub mod firewall;
pub mod hook;
pub mod host;
pub mod inspect;
pub mod installation;
pub mod model;
pub mod plan;
pub mod record;
pub mod refusal;
pub mod resolve;
pub mod state;
pub mod transaction;
