//! Which connections are judged: those of ports that stay open while what they may do changes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Records, membership};
use crate::firewall::connection::{Admission, Changed, Judge};
use crate::model::{NetworkId, PortKey, Tap};
use crate::plan::Judged;
use crate::record::Phase;

/// The ports of loaded domains that stay open on their tap and may do something else now, by
/// network.
pub(super) fn judged(before: &Records, after: &Records) -> Vec<Judged> {
    let (had, has) = (admissions(before), admissions(after));
    let mut by_network: BTreeMap<NetworkId, Vec<Changed>> = BTreeMap::new();
    for (port, (tap, admission)) in has {
        let Some((_, before)) = had.get(&port).filter(|(before, _)| *before == tap) else {
            continue;
        };
        if *before == admission {
            continue;
        }
        let changed = Changed {
            before: before.clone(),
            after: admission,
            others: others(after, &port),
        };
        by_network.entry(port.network).or_default().push(changed);
    }
    let judge = |(network, ports): (NetworkId, Vec<Changed>)| {
        let zone = after.networks.get(&network)?.zone;
        let judge = Judge { ports };
        Some(Judged { zone, judge })
    };
    by_network.into_iter().filter_map(judge).collect()
}

fn admissions(records: &Records) -> BTreeMap<PortKey, (Tap, Admission)> {
    let here = membership::on_this_host(&records.index);
    let domains = records.domains.values();
    let of_domain = domains.flat_map(|record| {
        let members = membership::seen_by(&record.want, &here);
        let open: Vec<_> = record
            .want
            .open_ports()
            .map(|(port, tap)| (port.key(), (tap.clone(), Admission::of(port, &members))))
            .collect();
        open
    });
    of_domain.collect()
}

/// The addresses of the other open ports of its network.
fn others(records: &Records, port: &PortKey) -> BTreeSet<IpAddr> {
    let lines = records.index.lines.iter().filter(|line| {
        line.phase == Phase::Started && line.port.network == port.network && line.port != *port
    });
    lines.flat_map(|line| line.fixed_ips.clone()).collect()
}
