//! `[[network.NAME.hosts]]`: the ports that are on other hosts.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::super::error::ConfigErrors;
use super::vxlan::peer;
use super::{Checked, HostVtep, Value};
use crate::model::{MacAddr, RemotePort, Vtep};

/// The ports on other hosts: those that this host's own are left out, so that one list serves all.
pub(super) fn hosts(local: HostVtep, value: &Value<'_>) -> Checked<Vec<RemotePort>> {
    let listed = value.list(|element| port(local, element))?;
    let (mut macs, mut addresses, mut errors) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for Listed { port, mac, ips } in &listed {
        if !macs.insert(port.mac) {
            errors.push(mac.error(format!("{} is in the list twice", port.mac)));
        }
        for address in &port.addresses {
            if !addresses.insert(*address) {
                let of = ips.as_ref().unwrap_or(mac);
                errors.push(of.error(format!("{address} is in the list twice")));
            }
        }
    }
    if let Some(errors) = ConfigErrors::of(errors) {
        return Err(errors);
    }
    let ports = listed.into_iter().map(|listed| listed.port);
    Ok(ports
        .filter(|port| local != HostVtep::Is(port.vtep))
        .collect())
}

/// A port, and where it says so.
struct Listed<'a> {
    port: RemotePort,
    mac: Value<'a>,
    ips: Option<Value<'a>>,
}

fn port<'a>(local: HostVtep, value: &Value<'a>) -> Checked<Listed<'a>> {
    let mut table = value.table()?;
    let mac = table.required("mac", |value| {
        Ok((value.parse::<MacAddr>()?, value.clone()))
    });
    let ips = table.optional("addresses", |value| {
        let addresses: Vec<IpAddr> = value.set(Value::interface_address)?;
        Ok((addresses, value.clone()))
    });
    let vtep: Option<Vtep> = table.required("vtep", |value| peer(local, value));
    let (addresses, ips) = ips.unzip();
    let listed = mac.zip(vtep).map(|((mac, site), vtep)| Listed {
        port: RemotePort {
            mac,
            addresses: addresses.unwrap_or_default(),
            vtep,
        },
        mac: site,
        ips,
    });
    table.finish(listed)
}
