//! The SELinux module.

use super::*;

/// As much of a policy as the module names, in the words of the policy's own language.
const SELINUX_BASE: &str = "
    (handleunknown allow)
    (class process (transition noatsecure siginh rlimitinh sigchld))
    (class file (getattr open read map execute entrypoint))
    (class dir (getattr open read search))
    (class fd (use))
    (class fifo_file (getattr read write append ioctl lock))
    (classorder (process file dir fd fifo_file))
    (sid kernel) (sidorder (kernel))
    (sensitivity s0) (sensitivityorder (s0))
    (level low (s0)) (levelrange lows (low low))
    (user system_u) (role system_r) (userrole system_u system_r)
    (userlevel system_u low) (userrange system_u lows)
    (type virtqemud_t) (roletype system_r virtqemud_t)
    (type virt_hook_t) (roletype system_r virt_hook_t)
    (type virt_hook_unconfined_t) (roletype system_r virt_hook_unconfined_t)
    (allow virt_hook_unconfined_t virt_hook_t (file (entrypoint)))
    (sidcontext kernel (system_u system_r virtqemud_t lows))
    (boolean virt_hooks_unconfined false)
";

/// What runs it, SELinux itself, is not on this machine: `docs/operations.md`.
#[test]
fn the_selinux_module_is_one_that_its_compiler_takes_and_needs_no_other_type() {
    let lab = Lab::new();
    lab.write("/run/base.cil", SELINUX_BASE);
    let module = concat!(env!("CARGO_MANIFEST_DIR"), "/selinux/vmhook.cil");
    let compile = format!("cd /run && secilc -o policy -f contexts base.cil {module}");
    lab.ok(&compile);

    let without = SELINUX_BASE.replace("(boolean virt_hooks_unconfined false)", "");
    lab.write("/run/base.cil", &without);
    assert!(
        !lab.run(&compile).succeeded(),
        "the boolean is the distribution's"
    );
}
