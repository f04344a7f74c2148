//! All that vmhook could leave behind, as a text that is equal where nothing was left.

use std::collections::BTreeSet;

use super::Lab;
use super::lab::SCRIPT;

impl Lab {
    /// Links, addresses, routes, rules, sets, sysctls, state: as `scripts/lab` prints them.
    pub fn dump(&self) -> String {
        self.command(&[SCRIPT, "dump"]).ok()
    }

    /// Fails, showing the lines that differ, unless the lab is as it was at that [`dump`](Self::dump).
    #[track_caller]
    pub fn assert_unchanged_since(&self, before: &str) {
        assert_same(&self.dump(), before, "the lab is not as it was");
    }

    /// The same where others came and went meanwhile: each moves the kernel's count of changes to
    /// its tables, which the host's record notes.
    #[track_caller]
    pub fn assert_unchanged_but_for_the_count_since(&self, before: &str) {
        let (now, before) = (without_count(&self.dump()), without_count(before));
        assert_same(&now, &before, "the lab is not as it was");
    }
}

/// Fails, showing the lines that differ, unless two dumps are the same.
#[track_caller]
pub fn assert_same(now: &str, before: &str, when: &str) {
    let missing = |from: &str, lines: &str| -> Vec<String> {
        let known: BTreeSet<_> = from.lines().collect();
        let missing = lines.lines().filter(|line| !known.contains(line));
        missing.map(str::to_owned).collect()
    };
    let (gone, new) = (missing(now, before), missing(before, now));
    let mut pairs = before.lines().zip(now.lines());
    let first = pairs.find(|(before, now)| before != now);
    assert!(
        now == before,
        "{when}: gone: {gone:#?}, new: {new:#?}, the first line before and now: {first:#?}"
    );
}

/// A dump without the kernel's nftables generation in the host's record, which is the one with the
/// guard's chains.
fn without_count(dump: &str) -> String {
    let line = |line: &str| match line.split_once("\"generation\":") {
        Some((head, tail)) if tail.contains("\"guard_chains\":") => {
            format!(
                "{head}{}",
                tail.trim_start_matches(|c: char| c.is_ascii_digit())
            )
        }
        _ => line.to_owned(),
    };
    dump.lines().map(line).collect::<Vec<_>>().join("\n")
}
