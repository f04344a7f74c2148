//! The domain parser against what libvirt really wrote (`fixtures/libvirt`), and against anything.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test reads its fixtures itself and fails by a panic"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use proptest::prelude::*;
use vmhook::domain::{
    Domain, Interface, InterfaceKind, NetworkPort, XmlError, parse_domain, parse_network_port,
};

const BRIDGE: &str = "brqc08e7dcd-4a";
const OWNER: &str = "df970ec9-8410-48a6-9f04-d4621c967fce";

/// Every document of the corpus, in the order of the paths.
static CORPUS: LazyLock<Vec<(PathBuf, Vec<u8>)>> = LazyLock::new(|| {
    let mut documents = Vec::new();
    for situation in fs::read_dir(root()).unwrap() {
        let situation = situation.unwrap();
        if !situation.file_type().unwrap().is_dir() {
            continue;
        }
        for document in fs::read_dir(situation.path()).unwrap() {
            let path = document.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "xml") {
                documents.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    documents.sort();
    documents
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/libvirt")
}

fn document(path: &str) -> Vec<u8> {
    fs::read(root().join(path)).unwrap()
}

fn domain(path: &str) -> Domain {
    parse_domain(&document(path)).unwrap()
}

/// Kind, MAC address, bridge, target and alias of each interface, as one line; `-` for nothing.
fn summary(domain: &Domain) -> Vec<String> {
    domain.interfaces.iter().map(line).collect()
}

fn line(interface: &Interface) -> String {
    let kind = match &interface.kind {
        InterfaceKind::Bridge => "bridge",
        InterfaceKind::Network => "network",
        InterfaceKind::Ethernet => "ethernet",
        InterfaceKind::Direct => "direct",
        InterfaceKind::Other(word) => word,
    };
    let mac = interface.mac.as_ref().unwrap();
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let (bridge, target) = (text(&interface.bridge), text(&interface.target));
    format!("{kind} {mac} {bridge} {target} {}", text(&interface.alias))
}

#[test]
fn every_document_of_the_corpus_is_what_its_name_says() {
    let mut counts = [0; 3];
    for (path, xml) in CORPUS.iter() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let shown = path.display();
        if name.contains("network-port-") {
            let port = parse_network_port(xml).unwrap_or_else(|error| panic!("{shown}: {error}"));
            assert!(port.mac.is_ok(), "{shown}");
            counts[0] += 1;
        } else if name.contains("-network-") {
            let error = parse_network_port(xml).unwrap_err();
            assert_eq!(error, XmlError::Missing("<networkport>"), "{shown}");
            counts[1] += 1;
        } else {
            let domain = parse_domain(xml).unwrap_or_else(|error| panic!("{shown}: {error}"));
            let sound = |interface: &Interface| interface.mac.is_ok() && interface.mtu.is_ok();
            assert!(domain.interfaces.iter().all(sound), "{shown}");
            counts[2] += 1;
        }
    }
    assert_eq!(counts, [7, 13, 423], "ports, networks, domains");
}

#[test]
fn a_document_of_one_kind_is_not_one_of_the_other() {
    let root = |result| matches!(result, Err(XmlError::Root { .. }));
    let port = document("06-net-bridge/02-network-port-created-begin.xml");
    assert!(root(parse_domain(&port).map(drop)));
    let domain = document("06-net-bridge/01-prepare-begin.xml");
    assert!(root(parse_network_port(&domain).map(drop)));
}

#[test]
fn interfaces_come_in_libvirt_s_order_with_their_mtu() {
    let domain = domain("02-two-ifs/02-start-begin.xml");
    assert_eq!(domain.name, "instance-0000000d");
    assert_eq!(domain.uuid.as_str(), OWNER);
    assert_eq!(
        summary(&domain),
        [
            "bridge fa:16:3e:be:71:21 brqc08e7dcd-4a tap7a8c0a54-75 net0",
            "bridge fa:16:3e:be:71:22 brqc08e7dcd-4a tap7a8c0a54-76 net1",
        ]
    );
    for interface in &domain.interfaces {
        let mtu = interface.mtu.clone().unwrap().unwrap();
        assert_eq!(u32::from(mtu), 1450);
    }
}

#[test]
fn a_target_that_libvirt_chooses_is_there_only_while_the_machine_runs() {
    assert_eq!(
        summary(&domain("04-auto-named/01-prepare-begin.xml")),
        [
            "bridge fa:16:3e:be:71:21 brqc08e7dcd-4a - -",
            "bridge fa:16:3e:be:71:23 brqc08e7dcd-4a - -",
            "bridge fa:16:3e:be:71:24 brqc08e7dcd-4a tapx%d -",
        ]
    );
    assert_eq!(
        summary(&domain("04-auto-named/02-start-begin.xml")),
        [
            "bridge fa:16:3e:be:71:21 brqc08e7dcd-4a vnet0 net0",
            "bridge fa:16:3e:be:71:23 brqc08e7dcd-4a vnet1 net1",
            "bridge fa:16:3e:be:71:24 brqc08e7dcd-4a tapx2 net2",
        ]
    );
    assert_eq!(
        summary(&domain("04-auto-named/05-release-end.xml")),
        [
            "bridge fa:16:3e:be:71:21 brqc08e7dcd-4a - net0",
            "bridge fa:16:3e:be:71:23 brqc08e7dcd-4a - net1",
            "bridge fa:16:3e:be:71:24 brqc08e7dcd-4a tapx2 net2",
        ]
    );
}

#[test]
fn an_interface_of_a_network_changes_its_kind_and_keeps_its_address() {
    for (call, expected) in [
        ("01-prepare-begin", "network 52:54:00:aa:00:02 - - -"),
        (
            "03-start-begin",
            "bridge 52:54:00:aa:00:02 brqc08e7dcd-4a vnet4 net0",
        ),
        ("05-stopped-end", "network 52:54:00:aa:00:02 - - net0"),
    ] {
        let domain = domain(&format!("06-net-bridge/{call}.xml"));
        assert_eq!(summary(&domain), [expected], "{call}");
        let network = domain.interfaces[0].network.as_deref();
        assert_eq!(network, Some("brnet"), "{call}");
    }
}

#[test]
fn a_network_s_port_names_its_owner_and_its_bridge_before_the_tap_exists() {
    let xml = document("06-net-bridge/02-network-port-created-begin.xml");
    let expected = NetworkPort {
        network: "brnet".to_owned(),
        owner_name: "instance-0000000d".to_owned(),
        owner_uuid: OWNER.parse().unwrap(),
        mac: Ok("52:54:00:aa:00:02".parse().unwrap()),
        bridge: Some(BRIDGE.to_owned()),
    };
    assert_eq!(parse_network_port(&xml), Ok(expected));
}

#[test]
fn other_kinds_of_interface_are_read_and_name_no_bridge() {
    for (situation, expected) in [
        ("08-user", "user 52:54:00:aa:00:04 - - net0"),
        ("09-ethernet", "ethernet 52:54:00:aa:00:05 - tapeth0 net0"),
        (
            "11-direct-macvtap",
            "direct 52:54:00:aa:00:07 - macvtap0 net0",
        ),
    ] {
        let domain = domain(&format!("{situation}/03-started-begin.xml"));
        assert_eq!(summary(&domain), [expected]);
    }
    assert_eq!(domain("12-no-ifs/02-start-begin.xml").interfaces, []);
}

#[test]
fn nova_s_port_is_found_by_the_tap_s_name() {
    let domain = domain("16-nova-metadata/01-prepare-begin.xml");
    let target = domain.interfaces[0].target.as_deref().unwrap();
    let port = domain.nova_port(target).unwrap();
    assert_eq!(port.uuid, "7a8c0a54-75e9-4cd2-9d0f-0f6e4e5e4b51");
    let expected = ["192.168.101.88", "fd00:101::88"].map(|ip| ip.parse().unwrap());
    assert_eq!(port.fixed_ips, Ok(expected.to_vec()));
    assert_eq!(domain.nova_port("tap7a8c0a54-76"), None);
    assert_eq!(domain.metadata, []);
}

#[test]
fn metadata_of_another_namespace_is_not_ours_even_under_our_prefix() {
    let xml = document("17-custom-metadata/02-start-begin.xml");
    assert!(String::from_utf8_lossy(&xml).contains("<vmhook:port mac="));
    let domain = parse_domain(&xml).unwrap();
    assert_eq!(domain.metadata, []);
    assert_eq!(domain.nova_ports, []);
    assert_eq!(domain.interfaces.len(), 1);
}

#[test]
fn another_domain_may_name_a_running_one_s_tap() {
    let (first, second) = (
        domain("94-dup/03-started-begin.xml"),
        domain("94-dup/05-stopped-end.xml"),
    );
    assert_eq!(first.interfaces[0].target, second.interfaces[0].target);
    assert_ne!(first.interfaces[0].mac, second.interfaces[0].mac);
    assert_ne!(first.uuid, second.uuid);
    let too_long = domain("94-dup/09-prepare-begin.xml");
    let target = too_long.interfaces[0].target.as_deref();
    assert_eq!(target, Some("tap7a8c0a54-7512"));
}

#[test]
fn a_domain_may_have_any_name() {
    for (situation, name) in [
        ("26a-name", "日本語 VM"),
        ("26b-name", "it's \"q\" & <x>"),
        ("26c-name", "-leading-dash"),
        ("26d-name", "--help"),
    ] {
        for call in ["01-prepare-begin", "04-stopped-end", "INPUT"] {
            assert_eq!(domain(&format!("{situation}/{call}.xml")).name, name);
        }
    }
}

/// What an attacker, or a broken pipe, does to a document.
#[derive(Debug, Clone)]
enum Damage {
    Flip(usize, u8),
    Delete(usize, usize),
    Repeat(usize, usize),
    Insert(usize, &'static str),
}

const FRAGMENTS: &[&str] = &[
    "<",
    ">",
    "/>",
    "</",
    "&",
    "&lt;",
    "&#0;",
    "&#xD800;",
    "&x;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?x",
    "?>",
    "<!DOCTYPE a>",
    "'",
    "\"",
    "xmlns=''",
    " xmlns:x='urn:x'",
    "<interface>",
    "</interface>",
    "<vmhook:ports xmlns:vmhook='urn:vmhook:ports:1'><vmhook:port mac='",
    "\u{feff}",
    "\0",
];

fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<usize>();
    prop_oneof![
        (place, any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        (place, 0..200_usize).prop_map(|(at, length)| Damage::Delete(at, length)),
        (place, 0..200_usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
        (place, proptest::sample::select(FRAGMENTS))
            .prop_map(|(at, text)| Damage::Insert(at, text)),
    ]
}

fn damaged(mut xml: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let size = xml.len() + 1;
        match *damage {
            Damage::Flip(at, byte) => {
                if let Some(old) = xml.get_mut(at % size) {
                    *old = byte;
                }
            }
            Damage::Delete(at, length) => {
                let end = (at % size + length).min(xml.len());
                xml.drain(at % size..end);
            }
            Damage::Repeat(at, length) => {
                let end = (at % size + length).min(xml.len());
                let copy = xml[at % size..end].to_vec();
                xml.splice(end..end, copy);
            }
            Damage::Insert(at, text) => {
                xml.splice(at % size..at % size, text.bytes());
            }
        }
    }
    xml
}

/// Whatever comes out is a value, or one short line.
fn answers(xml: &[u8]) -> Result<(), TestCaseError> {
    let errors = [parse_domain(xml).err(), parse_network_port(xml).err()];
    for message in errors.iter().flatten().map(ToString::to_string) {
        prop_assert!(!message.chars().any(char::is_control), "{message:?}");
        prop_assert!(message.chars().count() < 300, "{message:?}");
    }
    let entries = parse_domain(xml).map(|domain| domain.metadata);
    for error in entries
        .unwrap_or_default()
        .into_iter()
        .filter_map(Result::err)
    {
        prop_assert!(!error.to_string().chars().any(char::is_control), "{error}");
    }
    Ok(())
}

fn corpus_document() -> impl Strategy<Value = &'static (PathBuf, Vec<u8>)> {
    (0..CORPUS.len()).prop_map(|index| &CORPUS[index])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_get_an_answer(xml in prop::collection::vec(any::<u8>(), 0..2000)) {
        answers(&xml)?;
    }

    #[test]
    fn any_pieces_of_markup_get_an_answer(
        pieces in prop::collection::vec(proptest::sample::select(FRAGMENTS), 0..30),
    ) {
        answers(format!("<domain>{}", pieces.concat()).as_bytes())?;
    }

    #[test]
    fn a_damaged_document_gets_an_answer(
        document in corpus_document(),
        damages in prop::collection::vec(damage(), 1..6),
    ) {
        answers(&damaged(document.1.clone(), &damages))?;
    }

    #[test]
    fn a_document_cut_off_is_never_read(document in corpus_document(), at in any::<usize>()) {
        let xml = document.1.trim_ascii_end();
        let cut = &xml[..at % xml.len()];
        prop_assert!(parse_domain(cut).is_err());
        prop_assert!(parse_network_port(cut).is_err());
    }

    #[test]
    fn a_name_that_libvirt_escapes_is_read_back(name in "[^\\p{C}]{0,40}") {
        let escaped = quick_xml::escape::escape(name.as_str());
        let uuid = OWNER;
        let xml = format!("<domain><name>{escaped}</name><uuid>{uuid}</uuid></domain>");
        prop_assert_eq!(parse_domain(xml.as_bytes()).unwrap().name, name.clone());
        let xml = format!(
            "<domain><name/><uuid>{uuid}</uuid><devices><interface><target dev=\"{escaped}\"/>\
             </interface></devices></domain>"
        );
        let domain = parse_domain(xml.as_bytes()).unwrap();
        prop_assert_eq!(domain.interfaces[0].target.as_deref(), Some(name.as_str()));
    }

    #[test]
    fn comments_between_elements_change_nothing(document in corpus_document()) {
        let text = str::from_utf8(&document.1).unwrap();
        let more = text.replace(">\n", "><!-- <interface/> --><?x y?>\n\n");
        prop_assert_eq!(parse_domain(text.as_bytes()).ok(), parse_domain(more.as_bytes()).ok());
    }
}
