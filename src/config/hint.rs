//! "Did you mean": the known name that a mistyped one is nearest to.

use strsim::osa_distance;

/// More letters than any name of ours has.
const ENOUGH: usize = 100;

/// The candidate that is at most a third of its letters away, as `; did you mean "…"?`, or nothing.
/// Two neighbours that changed places are one letter.
pub(super) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let typed: String = typed.chars().take(ENOUGH).collect();
    let near = known
        .into_iter()
        .map(|name| (osa_distance(&typed, name), name))
        .filter(|(far, name)| *far <= name.chars().count().div_ceil(3))
        .min();
    near.map_or_else(String::new, |(_, name)| format!("; did you mean {name:?}?"))
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
    fn letters_that_changed_places_are_one_slip() {
        assert_eq!(nearest("vin", ["evpn", "vni"]), "; did you mean \"vni\"?");
    }
}
