//! argv → what libvirt tells.
//!
//! libvirt calls a hook with the object's name, the operation, the sub-operation and one more word.
//! Operations were added over the years, and a hook that fails at one it does not know kills VMs:
//! whatever is not in [`Event`] is nothing to us. The name is never parsed as an option: `--help`
//! is a legal domain name, and bytes that are no UTF-8 may come.

use std::ffi::OsString;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What libvirt tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something about a domain, whose XML is on standard input.
    Domain {
        /// The domain's name as it came.
        name: OsString,
        /// What happens to it.
        operation: Operation,
    },
    /// A libvirt network has made a port for an interface: `network … port-created`.
    PortCreated,
    /// It has taken one back: `network … port-deleted`.
    PortDeleted,
    /// A libvirt daemon has started: `daemon … start`.
    DaemonStart,
    /// Nothing that concerns us.
    Nothing,
}

/// The call by which something is changed, refused or repaired: the journal's `VMHOOK_EVENT`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// A hook's, of an earlier version that did not note which.
    #[default]
    Unknown,
    /// `qemu … migrate`
    Migrate,
    /// `qemu … prepare`
    Prepare,
    /// `qemu … start`
    Start,
    /// `qemu … started`
    Started,
    /// `qemu … reconnect`
    Reconnect,
    /// `qemu … stopped`
    Stopped,
    /// `qemu … release`
    Release,
    /// `network … port-created`
    PortCreated,
    /// `network … port-deleted`
    PortDeleted,
    /// `daemon … start`
    DaemonStart,
    /// `vmhook sync`
    Sync,
    /// `vmhook reload`
    Reload,
}

/// What happens to a domain, in the order of its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It is about to come from another host, running: `prepare` follows.
    Migrate,
    /// Before anything exists.
    Prepare,
    /// The taps exist and are up; QEMU does not run.
    Start,
    /// QEMU runs.
    Started,
    /// libvirtd has restarted and found the domain running.
    Reconnect,
    /// QEMU is gone, and its taps.
    Stopped,
    /// Everything of it is gone. Always comes, after a start that failed too.
    Release,
}

impl Event {
    /// Reads the arguments behind the program's name: `qemu GUEST OPERATION SUB EXTRA` and the like.
    pub fn of(arguments: &[OsString]) -> Self {
        let [driver, name, operation, ..] = arguments else {
            return Self::Nothing;
        };
        match (driver.to_str(), operation.to_str()) {
            (Some("qemu"), Some(word)) => match Operation::of(word) {
                Some(operation) => Self::Domain {
                    name: name.clone(),
                    operation,
                },
                None => Self::Nothing,
            },
            (Some("network"), Some("port-created")) => Self::PortCreated,
            (Some("network"), Some("port-deleted")) => Self::PortDeleted,
            (Some("daemon"), Some("start")) => Self::DaemonStart,
            _ => Self::Nothing,
        }
    }

    /// The call as the journal names it.
    pub fn call(&self) -> Call {
        match self {
            Self::Domain { operation, .. } => operation.call(),
            Self::PortCreated => Call::PortCreated,
            Self::PortDeleted => Call::PortDeleted,
            Self::DaemonStart => Call::DaemonStart,
            Self::Nothing => Call::Unknown,
        }
    }

    /// Whether a failure must be told by the exit code. At the others it would do harm (a failed
    /// `reconnect` kills a running guest, a failed `migrate` keeps it from coming) or nothing.
    pub fn may_fail(&self) -> bool {
        match self {
            Self::Domain { operation, .. } => {
                matches!(
                    operation,
                    Operation::Prepare | Operation::Start | Operation::Started
                )
            }
            Self::PortCreated => true,
            Self::PortDeleted | Self::DaemonStart | Self::Nothing => false,
        }
    }
}

impl Operation {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "migrate" => Self::Migrate,
            "prepare" => Self::Prepare,
            "start" => Self::Start,
            "started" => Self::Started,
            "reconnect" => Self::Reconnect,
            "stopped" => Self::Stopped,
            "release" => Self::Release,
            _ => return None,
        })
    }

    fn call(self) -> Call {
        match self {
            Self::Migrate => Call::Migrate,
            Self::Prepare => Call::Prepare,
            Self::Start => Call::Start,
            Self::Started => Call::Started,
            Self::Reconnect => Call::Reconnect,
            Self::Stopped => Call::Stopped,
            Self::Release => Call::Release,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Migrate => "migrate",
            Self::Prepare => "prepare",
            Self::Start => "start",
            Self::Started => "started",
            Self::Reconnect => "reconnect",
            Self::Stopped => "stopped",
            Self::Release => "release",
            Self::PortCreated => "port-created",
            Self::PortDeleted => "port-deleted",
            Self::DaemonStart => "daemon-start",
            Self::Sync => "sync",
            Self::Reload => "reload",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(words: &[&str]) -> Event {
        Event::of(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_domain_may_be_called_help() {
        let told = event(&["qemu", "--help", "start", "begin", "-"]);
        assert_eq!(
            told,
            Event::Domain {
                name: "--help".into(),
                operation: Operation::Start
            }
        );
    }

    #[test]
    fn a_name_need_not_be_text() {
        use std::os::unix::ffi::OsStringExt;
        let name = OsString::from_vec(vec![0xff, b'/', b'\n']);
        let arguments = ["qemu".into(), name.clone(), "release".into()];
        let operation = Operation::Release;
        assert_eq!(Event::of(&arguments), Event::Domain { name, operation });
    }

    #[test]
    fn every_operation_is_told_by_its_word() {
        for word in [
            "migrate",
            "prepare",
            "start",
            "started",
            "reconnect",
            "stopped",
            "release",
        ] {
            let Event::Domain { operation, .. } = event(&["qemu", "vm", word, "begin", "-"]) else {
                panic!("{word}");
            };
            assert_eq!(operation.call().to_string(), word);
        }
        let port = event(&["network", "net", "port-created", "begin", "-"]);
        let daemon = event(&["daemon", "-", "start", "-", "start"]);
        assert_eq!((&port, &daemon), (&Event::PortCreated, &Event::DaemonStart));
        assert!(port.may_fail() && !daemon.may_fail() && !Event::Nothing.may_fail());
        let deleted = event(&["network", "net", "port-deleted", "begin", "-"]);
        assert_eq!(deleted, Event::PortDeleted);
        assert!(!deleted.may_fail(), "libvirt would only log it");
    }

    #[test]
    fn what_is_unknown_is_nothing() {
        for words in [
            &["qemu", "vm", "restore", "begin", "-"][..],
            &["qemu", "vm", "attach", "begin", "-"],
            &["qemu", "vm", "from-the-future", "begin", "-"],
            &["network", "net", "started", "begin", "-"],
            &["daemon", "-", "shutdown", "-", "shutdown"],
            &["lxc", "vm", "start", "begin", "-"],
            &["qemu"],
            &[],
        ] {
            assert_eq!(event(words), Event::Nothing, "{words:?}");
        }
    }

    #[test]
    fn what_would_harm_a_running_machine_never_fails() {
        for word in ["migrate", "reconnect", "stopped", "release"] {
            assert!(
                !event(&["qemu", "vm", word, "begin", "-"]).may_fail(),
                "{word}"
            );
        }
        for word in ["prepare", "start", "started"] {
            assert!(
                event(&["qemu", "vm", word, "begin", "-"]).may_fail(),
                "{word}"
            );
        }
    }
}
