//! Whether AppArmor lets libvirt run the hooks.
//!
//! Debian's profile of libvirtd does: `/etc/libvirt/hooks/** rmix` for the stubs, `/usr/bin/* PUx`
//! for what they start. A profile that somebody has tightened is told of, by its text: a hook that
//! cannot be run stops every start.

/// Where the profiles of libvirt's daemons are.
pub const PROFILES: [&str; 3] = [
    "/etc/apparmor.d/usr.sbin.libvirtd",
    "/etc/apparmor.d/usr.sbin.virtqemud",
    "/etc/apparmor.d/usr.sbin.virtnetworkd",
];

/// Whether no rule of a profile's text lets the daemon run what is in the folder of hooks.
pub fn keeps_hooks_from_running(profile: &str) -> bool {
    let rules = profile.lines().map(str::trim);
    let lets = |rule: &str| {
        let (path, permissions) = rule.rsplit_once(' ')?;
        let permissions = permissions.strip_suffix(',')?;
        Some(path.starts_with(super::HOOKS) && permissions.contains('x'))
    };
    !rules.into_iter().any(|rule| lets(rule) == Some(true))
}
