//! Real programs: `sh`, `cat`, `mkfifo`.

use super::*;

fn runner(limit: Duration) -> Runner {
    let mut runner = Runner::new(Rc::new(Deadline::new(limit)));
    runner.search_in(PATH.into());
    runner
}

fn shell(script: &str) -> Call<'static> {
    Call::new("sh", &["-c", script])
}

#[test]
fn a_program_reads_its_input_and_is_heard() {
    let runner = runner(Duration::from_secs(30));
    let text = "x".repeat(300_000);
    let call = Call::new("cat", &[]).with_input(&text);
    assert_eq!(runner.run_well(&call).unwrap(), text);
}

#[test]
fn a_failure_is_one_line_that_names_the_program() {
    let runner = runner(Duration::from_secs(30));
    let error = runner.run_well(&shell("echo one >&2; echo '^^' >&2; echo two >&2; exit 4"));
    assert!(error.unwrap_err().to_string().ends_with(": one; two"));
    let error = runner.run_well(&shell("exit 4")).unwrap_err();
    assert_eq!(error.to_string(), "sh -c exit 4: exit status 4");
    let error = runner.run_well(&shell("kill -9 $$")).unwrap_err();
    assert!(
        error.to_string().ends_with(": ended by signal 9"),
        "{error}"
    );
}

#[test]
fn a_missing_program_says_what_to_install() {
    let mut runner = runner(Duration::from_secs(30));
    runner.search_in("/nonexistent".into());
    let error = runner.run(&Call::new("nft", &["--version"])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "nft --version: there is no such program; install the package nftables"
    );
}

#[test]
fn a_program_that_hangs_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // Reading a named pipe ends when the last process that holds its other end has ended.
    let (done, all_ended) = std::sync::mpsc::channel();
    let other_end = pipe.clone();
    std::thread::spawn(move || done.send(std::fs::read(other_end)));

    let script = format!("exec > {}; sleep 1000 & sleep 1000", pipe.display());
    let error = runner(Duration::from_millis(1500)).run(&shell(&script));
    let error = error.unwrap_err().to_string();
    assert!(error.contains(": killed after "), "{error}");
    let rest = all_ended.recv_timeout(Duration::from_secs(60));
    assert_eq!(rest.unwrap().unwrap(), b"");
}

#[test]
fn no_program_is_started_when_the_time_is_up() {
    let error = runner(Duration::ZERO).run(&shell("true")).unwrap_err();
    assert!(matches!(error, HostError::Busy { .. }), "{error}");
}

#[test]
fn two_programs_run_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    // Each needs the other: opening a named pipe waits for the other end.
    let make = Call::new("mkfifo", &[pipe.to_str().unwrap()]);
    let runner = runner(Duration::from_secs(30));
    runner.run_well(&make).unwrap();
    let write = shell(&format!("echo met > {}", pipe.display()));
    let read = shell(&format!("cat {}", pipe.display()));
    let [first, second] = runner.run_both([&write, &read]).unwrap();
    assert!(first.unwrap().success);
    assert_eq!(second.unwrap().stdout, "met\n");
}
