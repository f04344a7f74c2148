//! The time limit and the host lock.

use super::*;

#[test]
fn a_program_that_hangs_costs_the_works_time_and_not_the_undos() {
    let folder = tempfile::tempdir().unwrap();
    script(folder.path(), "nft", "read nothing < /dev/zero");
    script(folder.path(), "iptables-save", "echo saved");
    let host = machine_in(folder.path(), Duration::from_secs(6)).with_programs_in(folder.path());
    let words = host.nft("add table inet x").unwrap_err().to_string();
    assert!(words.contains("killed after "), "{words}");
    let error = host.write_and_save().unwrap_err();
    assert!(matches!(error, HostError::Busy { .. }), "{error}");
    host.begin_undo();
    assert_eq!(host.write_and_save().unwrap(), "saved\n");
}

trait WriteAndSave {
    fn write_and_save(&self) -> Result<String, HostError>;
}

impl WriteAndSave for Machine {
    /// A file is written whatever the time; a program is not started.
    fn write_and_save(&self) -> Result<String, HostError> {
        self.write_state("a", b"1").unwrap();
        self.iptables_save(vmhook::model::Family::Ipv4)
    }
}

#[test]
fn one_machine_at_a_time_has_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("not/yet/there");
    let held = machine_in(&state, Duration::from_secs(90)).lock().unwrap();
    let late = machine_in(&state, Duration::from_millis(300));
    let words = late.lock().unwrap_err().to_string();
    assert!(words.contains("waiting for the lock"), "{words}");
    drop(held);
    machine_in(&state, Duration::from_secs(90)).lock().unwrap();
}

#[test]
fn a_program_of_a_killed_hook_keeps_the_lock_until_it_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // It leaves a child behind, as a hook does that is killed while iptables runs.
    let line = format!("(read end < {}) >/dev/null 2>&1 &", pipe.display());
    script(folder.path(), "nft", &line);

    let host = machine_in(folder.path(), Duration::from_secs(90));
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let host = host.with_programs_in(path);
    let guard = host.lock().unwrap();
    host.nft("").unwrap();
    drop(guard);
    let late = machine_in(folder.path(), Duration::from_millis(300));
    assert!(late.lock().is_err(), "the child runs still");
    fs::write(&pipe, "end\n").unwrap();
    machine_in(folder.path(), Duration::from_secs(90))
        .lock()
        .unwrap();
}
