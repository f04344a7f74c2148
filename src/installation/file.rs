//! The files of an installation.

use crate::model::fnv1a;

/// How the last line of every file of ours begins; a sum of all lines before it follows.
const STAMP: &str = "# vmhook setup wrote this; sum ";

/// A file of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnFile {
    /// Where it belongs.
    pub path: &'static str,
    /// What it is.
    pub kind: Kind,
    template: &'static str,
}

/// What a file is, and with it who may change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What libvirt runs: only we may.
    Stub,
    /// Something to read: a changed one is the operator's.
    Example,
}

/// What libvirt runs for each virtual machine, for each virtual network, and when a daemon starts.
pub const STUBS: [OwnFile; 3] = [
    OwnFile {
        path: "/etc/libvirt/hooks/qemu.d/50-vmhook",
        kind: Kind::Stub,
        template: include_str!("../../hooks/qemu"),
    },
    OwnFile {
        path: "/etc/libvirt/hooks/network.d/50-vmhook",
        kind: Kind::Stub,
        template: include_str!("../../hooks/network"),
    },
    OwnFile {
        path: "/etc/libvirt/hooks/daemon.d/50-vmhook",
        kind: Kind::Stub,
        template: include_str!("../../hooks/daemon"),
    },
];

/// A configuration to copy from.
pub const EXAMPLE: OwnFile = OwnFile {
    path: "/etc/vmhook/vmhook.toml.example",
    kind: Kind::Example,
    template: include_str!("../../docs/example.toml"),
};

impl OwnFile {
    /// Its content.
    pub fn text(&self) -> String {
        let sum = fnv1a(self.template.as_bytes());
        format!("{}{STAMP}{sum:016x}\n", self.template)
    }

    /// Its permissions.
    pub fn mode(&self) -> u32 {
        match self.kind {
            Kind::Stub => 0o755,
            Kind::Example => 0o644,
        }
    }

    /// The folder that it is in.
    pub fn folder(&self) -> &'static str {
        self.path.rsplit_once('/').map_or("/", |(folder, _)| folder)
    }

    /// Where a changed one is set aside: beside the folders of hooks, where libvirt does not run it.
    pub fn aside(&self) -> String {
        let kind = self.folder().rsplit_once('/').map_or("", |(_, name)| name);
        let kind = kind.strip_suffix(".d").unwrap_or(kind);
        format!("{}/50-vmhook.{kind}.changed", super::HOOKS)
    }

    /// Whether some version of vmhook made this content, and nobody has changed it since. So does the
    /// beginning of it, which a crash may have left.
    pub fn made(&self, content: &[u8]) -> bool {
        self.text().as_bytes().starts_with(content) || is_stamped(content)
    }
}

/// Whether the content ends with the right sum of itself.
pub(super) fn is_stamped(content: &[u8]) -> bool {
    let Some(lines) = content.strip_suffix(b"\n") else {
        return false;
    };
    let end = lines.iter().rposition(|&byte| byte == b'\n');
    let (body, last) = content.split_at(end.map_or(0, |end| end + 1));
    let stamp = format!("{STAMP}{:016x}\n", fnv1a(body));
    last == stamp.as_bytes()
}
