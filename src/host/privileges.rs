//! Who runs this program.

/// Whether this process runs as root. Session libvirt runs the same hooks as an ordinary user.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
