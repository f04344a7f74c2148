//! From a program's start to its end: it is fed, heard and waited for, or killed.

use std::process::ExitStatus;
use std::time::Duration;

use futures_util::future;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};
use tokio::time::timeout;

use super::Output;

/// How long to wait for the end of a program after `SIGKILL`.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// Feeds the child, hears it out and waits for its end.
pub(super) async fn converse(child: &mut Child, input: &[u8]) -> Result<Output, String> {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (fed, stdout, stderr, status) = future::join4(
        feed(pipes.0, input),
        hear(pipes.1),
        hear(pipes.2),
        child.wait(),
    )
    .await;
    let words = |error: std::io::Error| error.to_string();
    let (stdout, stderr, status) = (
        stdout.map_err(words)?,
        stderr.map_err(words)?,
        status.map_err(words)?,
    );
    if status.success() {
        fed.map_err(|error| format!("did not read all of its input: {error}"))?;
    }
    Ok(Output {
        success: status.success(),
        words: one_line(&stderr).unwrap_or_else(|| ending(status)),
        stdout,
    })
}

async fn feed(pipe: Option<ChildStdin>, input: &[u8]) -> std::io::Result<()> {
    match pipe {
        Some(mut pipe) if !input.is_empty() => pipe.write_all(input).await,
        _ => Ok(()),
    }
}

async fn hear(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Kills a program with all that it started.
pub(super) async fn kill_group(child: &mut Child) {
    let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) else {
        return;
    };
    // It can have ended in this moment; then there is nothing to kill.
    let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    let _ = timeout(AFTER_KILL, child.wait()).await;
}

fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// What a program said, on one line; lines of carets point at a place that is lost on one line.
fn one_line(text: &str) -> Option<String> {
    let points = |line: &str| line.bytes().all(|byte| b"^~ \t".contains(&byte));
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !points(line))
        .collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}
