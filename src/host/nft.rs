//! The `nft` program: our own tables, each change one transaction.

use crate::plan::NftFamily;

use super::HostError;
use super::process::{Call, Runner};

/// Applies a script.
pub(super) fn apply(runner: &Runner, script: &str) -> Result<(), HostError> {
    let call = Call::new("nft", &["-f", "-"]).with_input(script);
    runner.run_well(&call).map(drop)
}

/// Whether the kernel would take a script.
pub(super) fn accepts(runner: &Runner, script: &str) -> Result<bool, HostError> {
    let call = Call::new("nft", &["--check", "-f", "-"]).with_input(script);
    Ok(runner.run(&call)?.success)
}

/// Our table of a family, without counters; `None` if there is none.
pub(super) fn table(runner: &Runner, family: NftFamily) -> Result<Option<String>, HostError> {
    let family = match family {
        NftFamily::Bridge => "bridge",
        NftFamily::Inet => "inet",
    };
    let call = Call::new("nft", &["--stateless", "list", "table", family, "vmhook"]);
    let output = runner.run(&call)?;
    if output.success {
        Ok(Some(output.stdout))
    } else if output.words.contains("No such file or directory") {
        Ok(None)
    } else {
        Err(call.failed(output.words))
    }
}
