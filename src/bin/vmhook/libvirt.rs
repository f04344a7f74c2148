//! Asking libvirt for a domain's XML.

use anyhow::Result;
use vmhook::domain::Domain;

/// The domain of this name, else of this UUID: as it runs, or else as it is defined.
///
/// # Errors
/// If libvirt does not answer or knows no such domain.
#[cfg(feature = "libvirt")]
pub(crate) fn domain(name: &str) -> Result<Domain> {
    use anyhow::{Context, anyhow};
    use virt::connect::Connect;
    use virt::error::Error;

    /// The system's libvirt: the only one that vmhook serves.
    const URI: &str = "qemu:///system";

    // libvirt prints every error by itself unless it is told not to.
    virt::error::clear_error_callback();
    let words = |error: &Error| anyhow!("{}", error.message());
    let connection = Connect::open_read_only(Some(URI))
        .map_err(|error| words(&error))
        .with_context(|| format!("cannot reach libvirt ({URI})"))?;
    let found = connection.lookup_domain_by_name(name).or_else(|first| {
        let by_uuid = connection.lookup_domain_by_uuid_string(name);
        by_uuid.map_err(|_| first)
    });
    let domain = found.map_err(|error| words(&error))?;
    let xml = domain.xml_desc(0).map_err(|error| words(&error))?;
    vmhook::domain::parse_domain(xml.as_bytes()).with_context(|| format!("domain {name}"))
}

/// This build cannot ask libvirt.
#[cfg(not(feature = "libvirt"))]
pub(crate) fn domain(name: &str) -> Result<Domain> {
    anyhow::bail!(
        "this vmhook was built without libvirt; run `virsh dumpxml -- {name}`, and give what it prints \
         by --xml"
    )
}
