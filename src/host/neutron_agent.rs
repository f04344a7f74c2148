//! Finding a running Neutron Linux bridge agent.
//!
//! Two masters of one set of chains undo each other: the agent deletes every line that contains its
//! prefix. An agent in another network namespace has other chains and is no matter.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::HostError;

const AGENT: &[u8] = b"neutron-linuxbridge-agent";

/// The pid of an agent in this network namespace.
pub(super) fn find() -> Result<Option<u32>, HostError> {
    let proc = Path::new("/proc");
    let here = namespace("thread-self");
    let entries = fs::read_dir(proc).map_err(HostError::file("cannot read", proc))?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    // A process that has ended meanwhile, or that we may not look into, is not an agent.
    let agent = |pid: &u32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| is_agent(&words))
            && namespace(&pid.to_string()) == here
    };
    Ok(pids.into_iter().find(agent))
}

fn namespace(process: &str) -> Option<u64> {
    let path = format!("/proc/{process}/ns/net");
    fs::metadata(path).ok().map(|file| file.ino())
}

/// Whether this command line is the agent's: the program itself, its interpreter with the script,
/// or the title that it gives itself (`neutron-linuxbridge-agent: …`).
///
/// An editor or a `grep` with the agent's name among its arguments is not one.
fn is_agent(command_line: &[u8]) -> bool {
    let mut words = command_line.split(|&byte| byte == 0);
    let program = words.next().unwrap_or_default();
    if base_name(program).starts_with(b"python") {
        let script = words.find(|word| !word.starts_with(b"-"));
        return script.is_some_and(|word| base_name(word) == AGENT);
    }
    base_name(program) == AGENT
}

fn base_name(word: &[u8]) -> &[u8] {
    let path = word.split(|&byte| byte == b' ').next().unwrap_or_default();
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    name.strip_suffix(b":").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_is_known_however_it_was_started() {
        for line in [
            "/usr/bin/python3\0/usr/bin/neutron-linuxbridge-agent\0--config-file=/etc/x",
            "/usr/bin/python3\0-s\0/usr/bin/neutron-linuxbridge-agent\0",
            "/var/lib/kolla/venv/bin/python3.10\0/var/lib/kolla/venv/bin/neutron-linuxbridge-agent",
            "neutron-linuxbridge-agent: agent (/usr/bin/python3 /usr/bin/x)\0",
            "/usr/bin/neutron-linuxbridge-agent\0",
        ] {
            assert!(is_agent(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn other_programs_may_name_it() {
        for line in [
            "grep\0neutron-linuxbridge-agent\0",
            "vim\0/etc/neutron-linuxbridge-agent\0",
            "python3\0/usr/bin/neutron-openvswitch-agent\0neutron-linuxbridge-agent\0",
            "",
        ] {
            assert!(!is_agent(line.as_bytes()), "{line}");
        }
    }
}
