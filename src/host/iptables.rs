//! `iptables-save`, `iptables-restore` and their IPv6 twins.
//!
//! `iptables-restore` takes any number of changes in one process and one transaction a table;
//! a process a rule is 15 to 200 times slower. `--noflush` leaves all that the text does not name.

use std::time::Duration;

use crate::model::Family;
use crate::plan::RestoreInput;

use super::HostError;
use super::process::{Call, Output, Runner};
use crate::facts::IptablesBackend;

/// The program that prints all tables of a family.
pub(super) fn save(runner: &Runner, family: Family) -> Result<String, HostError> {
    let program = match family {
        Family::Ipv4 => "iptables-save",
        Family::Ipv6 => "ip6tables-save",
    };
    runner.run_well(&Call::new(program, &[]))
}

/// Which kernel interface is behind the name `iptables`.
pub(super) fn backend(runner: &Runner) -> Result<IptablesBackend, HostError> {
    let call = Call::new("iptables", &["--version"]);
    let words = runner.run_well(&call)?;
    // Before 1.8 there was one interface only, and nothing in brackets.
    Ok(if words.contains("(nf_tables)") {
        IptablesBackend::Nft
    } else {
        IptablesBackend::Legacy
    })
}

/// Applies both texts; the error of the first that failed.
pub(super) fn restore(runner: &Runner, input: &RestoreInput) -> Result<(), HostError> {
    let left = runner.deadline().left();
    let v4 = call(Family::Ipv4, &input.v4, left);
    let v6 = call(Family::Ipv6, &input.v6, left);
    match (input.v4.is_empty(), input.v6.is_empty()) {
        (true, true) => Ok(()),
        (false, true) => applied(&v4, runner.run(&v4)),
        (true, false) => applied(&v6, runner.run(&v6)),
        (false, false) if input.side_by_side => {
            let [first, second] = runner.run_both([&v4, &v6])?;
            applied(&v4, first).and(applied(&v6, second))
        }
        (false, false) => {
            applied(&v4, runner.run(&v4))?;
            applied(&v6, runner.run(&v6))
        }
    }
}

/// The legacy interface waits for `/run/xtables.lock`, without limit unless it is told one; the
/// nftables one ignores `-w`.
fn call(family: Family, text: &str, left: Duration) -> Call<'_> {
    let program = match family {
        Family::Ipv4 => "iptables-restore",
        Family::Ipv6 => "ip6tables-restore",
    };
    let seconds = left.as_secs().max(1).to_string();
    Call::new(program, &["--noflush", "-w", &seconds]).with_input(text)
}

fn applied(call: &Call<'_>, ended: Result<Output, HostError>) -> Result<(), HostError> {
    let output = ended?;
    if output.success {
        return Ok(());
    }
    Err(call.failed(explain(&output.words, call.input)))
}

/// The program's words, with the line of the input that they speak of.
///
/// A jump to a chain that is not there is found at `COMMIT` only, by the nftables kind.
fn explain(words: &str, input: &str) -> String {
    let advice = words.find("; Try `");
    let words = &words[..advice.unwrap_or(words.len())];
    let line = line_number(words)
        .and_then(|number| input.lines().nth(number.checked_sub(1)?))
        .map(|line| format!(" [{line}]"));
    format!("{words}{}", line.unwrap_or_default())
}

/// The number in `line 5: CHAIN_ADD failed`, `line 5 failed` and `Error occurred at line: 5`.
fn line_number(words: &str) -> Option<usize> {
    words.match_indices("line").find_map(|(at, word)| {
        let rest = words[at + word.len()..].trim_start_matches([':', ' ']);
        let end = rest.find(|letter: char| !letter.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_failed_is_shown_in_all_of_its_spellings() {
        let input = "*filter\n:a - [0:0]\n-A a -j NOWHERE\nCOMMIT\n";
        for words in [
            "iptables-restore v1.8.9 (nf_tables): ; line 3: RULE_APPEND failed",
            "iptables-restore: line 3 failed",
            "iptables-restore v1.8.9 (legacy): ...; Error occurred at line: 3",
        ] {
            let text = explain(words, input);
            assert_eq!(text, format!("{words} [-A a -j NOWHERE]"));
        }
    }

    #[test]
    fn words_without_a_line_stay_as_they_are() {
        for words in [
            "Permission denied",
            "line 99 failed",
            "line 0 failed",
            "online",
        ] {
            assert_eq!(explain(words, "COMMIT\n"), words);
        }
    }
}
