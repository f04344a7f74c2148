//! The command line.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use vmhook::hook::rehearsal::Act;
use vmhook::host::Paths;
use vmhook::model::{IfName, MacAddr};

const CONFIG_DIR: &str = "Folder of the configuration [default: $VMHOOK_CONFIG_DIR or /etc/vmhook]";
const STATE_DIR: &str = "Folder of the records [default: $VMHOOK_STATE_DIR or /run/vmhook]";

/// VXLAN networks and security groups for plain libvirt hosts.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[arg(long, global = true, value_name = "DIR", help = CONFIG_DIR)]
    config_dir: Option<PathBuf>,

    #[arg(long, global = true, value_name = "DIR", help = STATE_DIR)]
    state_dir: Option<PathBuf>,

    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print what would be run for a domain; change nothing
    ///
    /// Without --from-host, for a host on which there is nothing yet; what is taken for granted of
    /// it stands at the top. The output is a shell script.
    Plan(PlanArguments),

    /// Validate the configuration and say what vmhook makes of it
    ///
    /// As root also what this host needs to carry its networks. Exits 0 if all is right, 1 if
    /// something is wrong, 2 if there is no configuration.
    Check,

    /// Show what a domain has, and whether the kernel has all of it (needs root)
    ///
    /// Exits 0 if all is well, or the domain is shut off and nothing of it is left; 1 if something
    /// differs from what was applied, or the domain runs and nothing was applied for it; 2 if that
    /// cannot be told.
    Inspect(InspectArguments),

    /// Repair what was applied; for DOMAIN also open and close what was plugged (needs root)
    ///
    /// With DOMAIN: close the interfaces that were unplugged or moved away, open those that it has
    /// now, and repair. Exits 1 if one cannot be opened; then what was closed stays closed.
    /// Without: drop the records of machines and interfaces that are gone, and repair everything
    /// else; what was plugged in stays closed. Exits 0 also if there was much to repair, 1 if not
    /// all could be.
    Sync(SyncArguments),

    /// Bring running domains to the configuration as it is now (needs root)
    ///
    /// All that it says of ports, networks and rules, in one transaction, or none of it; but a
    /// network's tunnel and MTU stay while a domain is on it. Connections that are still allowed go
    /// on; the others are cut. Exits 1 if the configuration is wrong, or a domain cannot have what it
    /// says; then nothing is changed.
    Reload(ReloadArguments),

    /// Print what another program must be told; change nothing
    #[command(subcommand)]
    Export(Export),

    /// Put the hooks where libvirt runs them, and an example configuration (needs root)
    ///
    /// Says line by line what it did. What is right already it leaves alone, and asks nothing.
    /// libvirt's daemons that run are told to look for hooks again. Exits 0 if guests can start, 1
    /// if something is missing that they will need, 2 if the installation could not be made.
    Setup(SetupArguments),

    /// Take away what setup made (needs root)
    ///
    /// Guests that run keep their networks and their rules, which nobody takes down when they stop.
    /// Exits 0 if all is away, 1 if something stays that should not, 2 if it could not be begun.
    Remove(RemoveArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// For dnsmasq: whose address is which, and the network's MTU
    ///
    /// From the configuration's ports, and from those that run. Without PART a configuration for a
    /// dnsmasq on the host's own end of the network (`host_address`). Run it again after a change.
    Dnsmasq(DnsmasqArguments),
}

#[derive(Debug, Args)]
pub(crate) struct DnsmasqArguments {
    /// The network's name in the configuration
    #[arg(value_name = "NETWORK")]
    pub(crate) network: String,

    /// One of the files that Neutron's DHCP agent keeps
    #[arg(value_name = "PART")]
    pub(crate) part: Option<DnsmasqPart>,

    /// The DNS domain of the names
    #[arg(long, value_name = "DOMAIN", default_value = "openstacklocal", value_parser = dns_domain)]
    pub(crate) domain: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DnsmasqPart {
    /// For dhcp-hostsfile
    Hosts,
    /// For addn-hosts
    Names,
    /// For dhcp-optsfile
    Options,
}

/// The system whose files are meant.
#[derive(Debug, Args)]
pub(crate) struct System {
    /// Work on the system below this folder, and tell no daemon
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/",
        hide_default_value = true
    )]
    pub(crate) root: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SetupArguments {
    #[command(flatten)]
    pub(crate) system: System,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArguments {
    #[command(flatten)]
    pub(crate) system: System,

    /// Also close every port and take down all that vmhook made in the kernel, and its records
    ///
    /// Guests that run on vmhook's networks have no network then, until they are started anew.
    #[arg(long, conflicts_with = "root")]
    pub(crate) purge: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// The domain's XML; - for standard input
    #[arg(long, value_name = "FILE|-")]
    pub(crate) xml: PathBuf,

    /// The call of libvirt's [default: prepare, then start; of a domain that was started, start]
    #[arg(long)]
    pub(crate) event: Option<Event>,

    /// Start from this host as it is (needs root)
    #[arg(long)]
    pub(crate) from_host: bool,

    /// The name of a tap that libvirt would choose
    #[arg(long, value_name = "MAC=NAME", value_parser = tap)]
    pub(crate) tap: Vec<(MacAddr, IfName)>,
}

#[derive(Debug, Args)]
pub(crate) struct InspectArguments {
    /// The domain's name or UUID; libvirt is asked for its XML
    #[arg(value_name = "DOMAIN", required_unless_present = "xml")]
    pub(crate) domain: Option<String>,

    /// The domain's XML instead, live or inactive; - for standard input
    #[arg(long, value_name = "FILE|-", conflicts_with = "domain")]
    pub(crate) xml: Option<PathBuf>,

    /// For people or for programs
    #[arg(long, default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct SyncArguments {
    /// The domain's name or UUID; libvirt is asked for its XML
    #[arg(value_name = "DOMAIN")]
    pub(crate) domain: Option<String>,

    /// The domain's live XML instead; - for standard input
    #[arg(long, value_name = "FILE|-", conflicts_with = "domain")]
    pub(crate) xml: Option<PathBuf>,

    /// Print all that was run, as `plan` does
    #[arg(long, conflicts_with_all = ["domain", "xml"])]
    pub(crate) script: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReloadArguments {
    /// Print what would be run, and for which ports; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// A call of libvirt's that changes something.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Event {
    Prepare,
    Start,
    Stopped,
    Release,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Arguments {
    /// Where the files are: the option, else the environment, else where packages put them.
    pub(crate) fn paths(&self) -> Paths {
        let path = |given: &Option<PathBuf>, variable: &str, usual: &str| {
            let set = || env::var_os(variable).filter(|value| *value != OsString::new());
            let path = given.clone().or_else(|| set().map(PathBuf::from));
            path.unwrap_or_else(|| PathBuf::from(usual))
        };
        Paths {
            config_dir: path(&self.config_dir, "VMHOOK_CONFIG_DIR", "/etc/vmhook"),
            state_dir: path(&self.state_dir, "VMHOOK_STATE_DIR", "/run/vmhook"),
        }
    }
}

impl From<Event> for Act {
    fn from(event: Event) -> Self {
        match event {
            Event::Prepare => Self::Prepare,
            Event::Start => Self::Start,
            Event::Stopped => Self::Stopped,
            Event::Release => Self::Release,
        }
    }
}

/// It is written into files of other programs, where it must stay one word.
fn dns_domain(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let is_domain = !text.is_empty() && text.bytes().all(allowed);
    is_domain
        .then(|| text.to_owned())
        .ok_or_else(|| "a DNS domain has letters, digits, - and . alone".to_owned())
}

fn tap(text: &str) -> Result<(MacAddr, IfName), String> {
    let (mac, name) = text.split_once('=').ok_or("write MAC=NAME")?;
    let mac = mac.parse().map_err(|error| format!("{error}"))?;
    let name = name.parse().map_err(|error| format!("{error}"))?;
    Ok((mac, name))
}
