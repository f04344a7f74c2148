//! "Did you mean": the known name that a mistyped one is nearest to.

/// The candidate that is at most a third of its letters away, as `; did you mean "…"?`, or nothing.
pub(super) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near = known
        .into_iter()
        .map(|name| (distance(typed, name), name))
        .filter(|(far, name)| *far <= name.chars().count().div_ceil(3))
        .min();
    near.map_or_else(String::new, |(_, name)| format!("; did you mean {name:?}?"))
}

/// Levenshtein's distance: how many letters to insert, delete or replace. One row of his table.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, letter) in left.chars().take(100).enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, other) in right.iter().enumerate() {
            let replace = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replace.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_that_was_meant() {
        let known = ["port", "ports", "protocol", "remote_group"];
        assert_eq!(nearest("prot", known), "; did you mean \"port\"?");
        assert_eq!(
            nearest("remote-group", known),
            "; did you mean \"remote_group\"?"
        );
    }

    #[test]
    fn says_nothing_where_nothing_is_near() {
        assert_eq!(nearest("firewall", ["host", "network"]), "");
        assert_eq!(nearest("", ["host"]), "");
    }

    #[test]
    fn distance_counts_letters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
