//! `stopped`, `release`, `reconnect`: from records alone.

use std::ffi::OsStr;

use anyhow::Result;

use super::context::let_go;
use super::input::Input;
use crate::apply::{Store, is_as_recorded, repair, without_unplugged};
use crate::event::Call;
use crate::host::Host;
use crate::model::DomainUuid;
use crate::record::{DomainRecord, Phase, Want};

/// QEMU is gone: the domain's ports close, its networks stay until `release`.
pub(super) fn stopped(host: &dyn Host, name: &OsStr, input: &Input) -> Result<()> {
    let store = Store::open(host)?;
    let Some(known) = Known::find(&store, name, input)? else {
        return Ok(());
    };
    if known.is_done(&store)? {
        return Ok(());
    }
    let Known::Recorded(record) = known else {
        return let_go(host, &store, known.gone(&store, Call::Stopped)?);
    };
    let generation = store.next_generation(&record.want.uuid)?;
    let want = Want {
        call: Call::Stopped,
        caller: host.caller(),
        ..record.want.closed(generation)
    };
    let_go(host, &store, want)
}

/// Everything of the domain is gone, and with the last one of a network the network.
pub(super) fn release(host: &dyn Host, name: &OsStr, input: &Input) -> Result<()> {
    let store = Store::open(host)?;
    if let Ok(domain) = input.domain(name) {
        // Left where a migration failed before `start`.
        store.take_incoming(&domain.uuid)?;
    }
    let Some(known) = Known::find(&store, name, input)? else {
        // A hook of its that died may have left why it would have failed.
        return input
            .domain(name)
            .map_or(Ok(()), |domain| store.drop_failures(&domain.uuid));
    };
    if known.is_done(&store)? {
        return Ok(());
    }
    let_go(host, &store, known.gone(&store, Call::Release)?)
}

/// libvirtd has restarted and the domain runs: is everything as it was?
pub(super) fn reconnect(host: &dyn Host, name: &OsStr, input: &Input) -> Result<()> {
    let store = Store::open(host)?;
    let Some(Known::Recorded(record)) = Known::find(&store, name, input)? else {
        return Ok(());
    };
    let has_its_taps = without_unplugged(host, &record.want)?.is_none();
    if has_its_taps && is_as_recorded(host, &store)? && store.wants()?.is_empty() {
        return Ok(());
    }
    repair(host, Call::Reconnect)
}

/// A domain that left something with us.
enum Known {
    /// Something was applied for it.
    Recorded(Box<DomainRecord>),
    /// A hook of its died before its first want was applied.
    Wanted(Box<Want>),
}

impl Known {
    /// By the UUID in the XML, or by the name where there is no XML to read.
    fn find(store: &Store<'_>, name: &OsStr, input: &Input) -> Result<Option<Self>> {
        let uuid = match input.domain(name) {
            Ok(domain) => domain.uuid,
            Err(_) => match by_name(store, name)? {
                Some(uuid) => uuid,
                None => return Ok(None),
            },
        };
        if let Some(record) = store.domain(&uuid)? {
            return Ok(Some(Self::Recorded(Box::new(record))));
        }
        let want = store.wants()?.into_iter().find(|want| want.uuid == uuid);
        Ok(want.map(|want| Self::Wanted(Box::new(want))))
    }

    /// It gave up on the lock, wants nothing any more, and no hook has left anything undone: whoever
    /// has the lock, or has it next, removes that want. To wait for the lock once more would hold
    /// up libvirt by another time limit.
    fn is_done(&self, store: &Store<'_>) -> Result<bool> {
        match self {
            Self::Wanted(want) if want.phase == Phase::Gone => {
                let host = store.host_record()?;
                Ok(host.is_none_or(|record| !record.is_in_doubt()))
            }
            Self::Wanted(_) | Self::Recorded(_) => Ok(false),
        }
    }

    /// The want after which nothing of it is left.
    fn gone(&self, store: &Store<'_>, call: Call) -> Result<Want> {
        let last = match self {
            Self::Recorded(record) => &record.want,
            Self::Wanted(want) => want,
        };
        Ok(Want {
            call,
            ..last.gone(store.next_generation(&last.uuid)?)
        })
    }
}

fn by_name(store: &Store<'_>, name: &OsStr) -> Result<Option<DomainUuid>> {
    let name = name.to_string_lossy();
    if let Some(record) = store.domain_named(&name)? {
        return Ok(Some(record.want.uuid));
    }
    let want = store.wants()?.into_iter().find(|want| want.name == name);
    Ok(want.map(|want| want.uuid))
}
