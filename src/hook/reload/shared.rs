//! What a configuration makes of what all domains share: networks, and how rules are written.

use std::collections::BTreeMap;

use crate::apply::Standing;
use crate::config::Config;
use crate::firewall::iptables::Options;
use crate::hook::domain::options;
use crate::model::{Network, NetworkId, NetworkKind, Vtep, Vxlan};
use crate::resolve::{self, Claimed};
use crate::transaction::Renewal;

/// What becomes of what no domain owns.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared {
    /// What is to be done about it.
    pub(super) renewal: Renewal,
    /// Networks that stand, as the configuration has them now; also with another tunnel.
    pub(super) networks: BTreeMap<NetworkId, Network>,
    /// What changes, for people.
    pub(super) changes: Vec<String>,
    /// What stays otherwise than the configuration says.
    pub(super) notes: Vec<String>,
    /// Networks that stay as they were made, for what the configuration says of them cannot be had.
    pub(super) left: Vec<String>,
}

impl Shared {
    pub(super) fn of(config: &Config, standing: Standing<'_>) -> Self {
        let mut shared = Self::default();
        let host = standing.records.host.as_ref();
        // What is wrong with [firewall], a reload has said before.
        if let (Some(host), Ok(says)) = (host, options(config))
            && host.options != says
        {
            shared.changes.push(written(&host.options, &says));
            shared.renewal.options = Some(says);
        }
        for record in standing.records.networks.values() {
            shared.network(config, standing, &record.network);
        }
        shared
    }

    fn network(&mut self, config: &Config, standing: Standing<'_>, stands: &Network) {
        let name = &stands.name;
        let claimed = resolve::ours(stands.bridge.as_str(), config, || true);
        let of_network = match claimed {
            Claimed::Ours(network) if network.id == stands.id => network,
            // Whoever is on it is refused.
            _ => return self.let_go(stands),
        };
        let says = match resolve::network(config, of_network, standing.facts) {
            Ok(says) => says,
            Err(cause) => {
                let left = format!("network {name} stays as it was made: {cause}");
                return self.left.push(left);
            }
        };
        if says.has_same_links(stands) {
            if says != *stands {
                self.changes.extend(renewed(stands, &says));
                let closed = super::existing::closed(stands, &says, standing.facts);
                self.notes.extend(closed);
                self.renewal.networks.push(says.clone());
            }
        } else if stands.keep && !is_used(stands, standing) {
            let [had, has] = [stands, &says].map(Network::links_in_words);
            self.changes.push(format!(
                "network {name} goes: it stands with {had}, and the configuration now says {has}; the \
                 next start makes it anew"
            ));
            self.renewal.networks.push(unkept(stands));
        }
        self.networks.insert(stands.id.clone(), says);
    }

    /// A network that the configuration does not have any more is not kept.
    fn let_go(&mut self, stands: &Network) {
        if stands.keep {
            let network = unkept(stands);
            self.changes.extend(renewed(stands, &network));
            self.renewal.networks.push(network);
        }
    }
}

/// Whether a domain that lives has a port on the network.
fn is_used(network: &Network, standing: Standing<'_>) -> bool {
    let mut networks = standing.wants.iter().flat_map(|want| &want.networks);
    networks.any(|used| used.id == network.id)
}

/// The network as one that goes when nobody uses it.
fn unkept(network: &Network) -> Network {
    Network {
        keep: false,
        ..network.clone()
    }
}

fn written(before: &Options, now: &Options) -> String {
    let mut what = Vec::new();
    if before.prefix != now.prefix {
        let (before, now) = (before.prefix.as_str(), now.prefix.as_str());
        what.push(format!("chain_prefix {before} -> {now}"));
    }
    for (name, before, now) in [
        ("comments", before.comments, now.comments),
        ("ipset", before.ipset, now.ipset),
    ] {
        what.extend((before != now).then(|| format!("{name} {before} -> {now}")));
    }
    format!("[firewall]: {}", what.join("; "))
}

fn renewed(before: &Network, now: &Network) -> Option<String> {
    let mut what = Vec::new();
    if before.name != now.name {
        what.push(format!("name {} -> {}", before.name, now.name));
    }
    if before.keep != now.keep {
        what.push(format!("keep {} -> {}", before.keep, now.keep));
    }
    what.extend(super::inventory::renewed(before, now));
    if let (NetworkKind::Vxlan(before), NetworkKind::Vxlan(now)) = (&before.kind, &now.kind) {
        what.extend(renewed_vxlan(before, now));
    }
    what.extend(super::host_end::renewed(before, now));
    if let (Some(had), Some(has)) = (before.existing(), now.existing()) {
        what.extend(super::existing::renewed((before, had), (now, has)));
    }
    if before.clamp_mss != now.clamp_mss {
        let (before, now) = (before.clamp_mss, now.clamp_mss);
        what.push(format!("clamp_mss {before} -> {now}"));
    }
    (!what.is_empty()).then(|| format!("network {}: {}", now.name, what.join("; ")))
}

fn renewed_vxlan(before: &Vxlan, now: &Vxlan) -> Vec<String> {
    let peers = |vxlan: &Vxlan| {
        let peers: Vec<String> = vxlan.flood.iter().map(Vtep::to_string).collect();
        super::rewritten::words(&peers)
    };
    let header = |vxlan: &Vxlan| match vxlan.outer.to_string().trim() {
        "" => "the kernel's".to_owned(),
        words => words.to_owned(),
    };
    let whats = [
        ("peers (flood)", peers(before), peers(now)),
        ("outer header", header(before), header(now)),
    ];
    let other = whats.into_iter().filter(|(_, had, has)| had != has);
    other
        .map(|(what, had, has)| format!("{what} {had} -> {has}"))
        .collect()
}
