//! One line for an operator of what the kernel has of vmhook's.

use std::collections::BTreeSet;
use std::fmt;

use crate::kernel::Kernel;

/// What is shown where nothing of ours is.
pub(crate) const NOTHING: &str = "nothing";
const PREFIX: &str = "neutron-linuxbri-";

/// Our links, the guarded bridges, the networks' conntrack zones, the open and the closed taps, the
/// chains; [`NOTHING`] where nothing of ours is.
impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let links = self.own_links().map(|link| link.name.clone());
        let closed = self.taps().filter(|tap| !self.is_open(tap));
        let parts = [
            ("links", links.collect()),
            ("guard", guarded(self)),
            ("zone", zones(self)),
            ("open", open(self)),
            ("closed", closed.map(str::to_owned).collect()),
            ("chains", chains(self)),
        ];
        let there = parts.into_iter().filter(|(_, names)| !names.is_empty());
        let shown = there.map(|(part, mut names): (_, Vec<String>)| {
            names.sort();
            format!("{part} {}", names.join(" "))
        });
        let shown: Vec<String> = shown.collect();
        match shown.as_slice() {
            [] => f.write_str(NOTHING),
            parts => f.write_str(&parts.join("; ")),
        }
    }
}

fn guarded(kernel: &Kernel) -> Vec<String> {
    let bridges = kernel.set("bridges").concat();
    if bridges.is_empty() && kernel.is_guarded() {
        return vec!["of no bridge".to_owned()];
    }
    bridges
}

fn zones(kernel: &Kernel) -> Vec<String> {
    let zone = |line: &String| Some(line.split_once("-j CT --zone ")?.1.to_owned());
    let both = kernel.v4.iter().chain(&kernel.v6).filter_map(zone);
    both.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Members that are not our own devices: taps, each with its addresses.
fn open(kernel: &Kernel) -> Vec<String> {
    let foreign = |name: &String| kernel.own_links().all(|link| link.name != *name);
    let taps = kernel.members().filter(foreign);
    let shown = |tap: String| {
        format!(
            "{tap}{} as {}",
            place(kernel, &tap),
            addresses(kernel, &tap)
        )
    };
    taps.map(shown).collect()
}

/// Empty for a tap on a bridge of ours.
fn place(kernel: &Kernel, tap: &str) -> String {
    match kernel.links.iter().find(|link| link.name == tap) {
        None => " (gone)".to_owned(),
        Some(_) if kernel.taps().any(|name| name == tap) => String::new(),
        Some(link) => format!(" (on {})", link.master),
    }
}

fn addresses(kernel: &Kernel, tap: &str) -> String {
    let sources = kernel.set("v4").into_iter().chain(kernel.set("v6"));
    let own = sources.filter(|element| element[0] == tap);
    let mut addresses: Vec<String> = own.filter_map(|mut element| element.pop()).collect();
    addresses.sort();
    addresses.join(" ")
}

/// A port's chains as `7a8c0a54-7 (IPv4 i o s, IPv6 i o)`, the others as `skeleton`. Without an
/// address of a family there is no `s`, as in Neutron.
fn chains(kernel: &Kernel) -> Vec<String> {
    let (v4, v6) = (chain_names(&kernel.v4), chain_names(&kernel.v6));
    let shown = v4.union(&v6).map(|name| match port_of(name) {
        Some(port) => {
            let (v4, v6) = (letters(&v4, port), letters(&v6, port));
            format!("{port} (IPv4{v4}, IPv6{v6})")
        }
        None => "skeleton".to_owned(),
    });
    shown.collect::<BTreeSet<_>>().into_iter().collect()
}

/// How many ports have chains of their own.
pub(crate) fn ports_with_chains(kernel: &Kernel) -> usize {
    let (v4, v6) = (chain_names(&kernel.v4), chain_names(&kernel.v6));
    let ports: BTreeSet<&str> = v4.union(&v6).filter_map(|name| port_of(name)).collect();
    ports.len()
}

/// The filter table's chains of ours, without the prefix.
fn chain_names(rules: &[String]) -> BTreeSet<&str> {
    let declared = rules
        .iter()
        .filter_map(|line| line.strip_prefix("filter :"));
    let names = declared.filter_map(|line| line.split(' ').next());
    names.filter_map(|name| name.strip_prefix(PREFIX)).collect()
}

/// What tells a port's chains from others'; `None` for the chains of the skeleton.
fn port_of(chain: &str) -> Option<&str> {
    let port = chain.strip_prefix(['i', 'o', 's'])?;
    (port.len() == 10 && !chain.starts_with("sg-")).then_some(port)
}

/// Which of a port's chains are there.
fn letters(names: &BTreeSet<&str>, port: &str) -> String {
    let there = ["i", "o", "s"].into_iter().filter(|letter| {
        let name = format!("{letter}{port}");
        names.contains(name.as_str())
    });
    there.flat_map(|letter| [" ", letter]).collect()
}
