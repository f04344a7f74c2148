//! "Did you mean": the known name that a mistyped one is nearest to.

use strsim::osa_distance;

/// More letters than any name of ours has.
const ENOUGH: usize = 100;

/// The candidate that is at most a third of its letters away, as `; did you mean "…"?`, or nothing.
/// Two neighbours that changed places are one letter.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let typed: String = typed.chars().take(ENOUGH).collect();
    let near = known
        .into_iter()
        .map(|name| (osa_distance(&typed, name), name))
        .filter(|(far, name)| *far <= name.chars().count().div_ceil(3) || abbreviates(&typed, name))
        .min();
    near.map_or_else(String::new, |(_, name)| format!("; did you mean {name:?}?"))
}

/// Whether it is how a name begins: `dev` for `device`.
fn abbreviates(typed: &str, name: &str) -> bool {
    typed.chars().count() >= 3 && name.starts_with(typed)
}

/// Neutron's keys, the key of ours that a table must know for the hint to be about it, and the hint.
const NEUTRON: [(&str, &str, &str); 9] = [
    ("remote_ip_prefix", "remote", "; here it is \"remote\""),
    (
        "remote_group_id",
        "remote_group",
        "; here it is \"remote_group\", with its name",
    ),
    ("port_range_min", "ports", RANGE),
    ("port_range_max", "ports", RANGE),
    (
        "direction",
        "remote",
        "; the list says it: ingress = [...] or egress = [...]",
    ),
    (
        "port_security_enabled",
        "port_security",
        "; here it is \"port_security\"",
    ),
    ("mac_address", "mac", "; here it is \"mac\""),
    ("ip_address", "ip", "; here it is \"ip\""),
    (
        "network_id",
        "network",
        "; here it is \"network\", with its name",
    ),
];

const RANGE: &str = "; here it is port = 22 or ports = \"8000-8080\"";

/// What an unknown key may be in a table that knows these: Neutron's name for one of them, or a slip.
pub(super) fn instead_of(typed: &str, known: &[&str]) -> String {
    let mut neutron = NEUTRON.into_iter();
    let named = neutron.find(|(name, ours, _)| *name == typed && known.contains(ours));
    named.map_or_else(
        || nearest(typed, known.iter().copied()),
        |(_, _, hint)| hint.to_owned(),
    )
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
    fn a_key_of_neutrons_is_told_ours_where_it_has_its_place() {
        let rule = ["ports", "remote"];
        assert_eq!(
            instead_of("remote_ip_prefix", &rule),
            "; here it is \"remote\""
        );
        assert_eq!(instead_of("port_range_min", &rule), RANGE);
        assert_eq!(instead_of("direction", &["mac"]), "");
        assert_eq!(instead_of("mac_address", &["mac"]), "; here it is \"mac\"");
        assert_eq!(instead_of("remot", &rule), "; did you mean \"remote\"?");
    }

    #[test]
    fn says_nothing_where_nothing_is_near() {
        assert_eq!(nearest("firewall", ["host", "network"]), "");
        assert_eq!(nearest("", ["host"]), "");
    }

    #[test]
    fn the_beginning_of_a_name_is_the_name() {
        let known = ["device", "family", "route_to"];
        assert_eq!(nearest("dev", known), "; did you mean \"device\"?");
        assert_eq!(nearest("de", known), "");
    }

    #[test]
    fn letters_that_changed_places_are_one_slip() {
        assert_eq!(nearest("vin", ["evpn", "vni"]), "; did you mean \"vni\"?");
    }
}
