//! Which interfaces are ours.

use super::*;

const TWO: &str = "[network]\nlab = { id = \"lab\", type = \"vxlan\", vni = 1 }\n\
                   broken = { id = \"broken\", type = \"vxlan\", vni = \"x\" }\n";

fn words(claimed: Claimed<'_>) -> String {
    match claimed {
        Claimed::NotOurs => "not ours".to_owned(),
        Claimed::Ours(network) => format!("ours: {}", network.name),
        Claimed::Broken(why) => why,
    }
}

fn claim(config: &Config, bridge: &str, stands: bool) -> String {
    words(resolve::ours(bridge, config, || stands))
}

#[test]
fn a_bridge_that_a_network_names_is_ours() {
    let config = config(&format!("{HOST}{TWO}"));
    assert_eq!(claim(&config, "brqlab", false), "ours: lab");
    assert_eq!(claim(&config, "virbr0", false), "not ours");
    assert_eq!(claim(&config, "brqother", false), "not ours");
    let broken = claim(&config, "brqbroken", false);
    assert!(broken.starts_with("network.broken.vni: "), "{broken}");
}

#[test]
fn a_bridge_that_stands_is_ours_though_nobody_names_it() {
    let config = config(&format!("{HOST}{TWO}"));
    assert_eq!(
        claim(&config, "brqold", true),
        "bridge brqold is vmhook's, but no configured network names it"
    );
}

#[test]
fn while_a_file_is_missing_what_may_be_ours_is_refused() {
    let lost = load(&[
        Source {
            name: "vmhook.toml".to_owned(),
            text: Ok(format!("{HOST}{TWO}")),
        },
        Source {
            name: "conf.d/more.toml".to_owned(),
            text: Ok("nonsense".to_owned()),
        },
    ]);
    let why = lost.incomplete().unwrap().to_string();
    for bridge in ["brqlab", "brqother"] {
        assert_eq!(claim(&lost, bridge, false), why, "{bridge}");
    }
    assert_eq!(claim(&lost, "br7", true), why, "it stands");
    assert_eq!(claim(&lost, "virbr0", false), "not ours");
}
