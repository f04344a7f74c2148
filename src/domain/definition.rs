//! A domain.

use crate::model::{DomainUuid, MacAddr};

use super::cursor::{Cursor, Element, Name};
use super::error::{MetadataError, XmlError, quote};
use super::interface::{self, Interface};
use super::metadata::{Entries, PortMetadata};
use super::nova::{self, NovaPort};

/// What we read of a domain's XML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name: any text without `/` and line break, `--help` included. Never a file name.
    pub name: String,
    /// Its UUID: who owns a record.
    pub uuid: DomainUuid,
    /// Whether this is the XML of a running machine: `<domain … id='3'>`. What `virsh dumpxml
    /// --inactive` prints, and what is handed to a hook before QEMU runs, need not have it.
    pub active: bool,
    /// Its interfaces, in libvirt's order, whether ours or not.
    pub interfaces: Vec<Interface>,
    /// The entries of our own metadata, in the order written. See [`Domain::metadata_of`].
    pub metadata: Vec<Result<PortMetadata, MetadataError>>,
    /// Nova's ports, in the order written. See [`Domain::nova_port`].
    pub nova_ports: Vec<NovaPort>,
}

impl Domain {
    /// The entries of our metadata for the interface with this address: at most one for each
    /// network, and at most one that names no network.
    ///
    /// # Errors
    /// The first entry that is wrong and names this address, or of which nobody can tell which
    /// address it names.
    pub fn metadata_of(&self, mac: MacAddr) -> Result<Vec<&PortMetadata>, &MetadataError> {
        let concerned = self.metadata.iter().filter(|entry| match entry {
            Ok(port) => port.mac == mac,
            Err(error) => error.mac.is_none_or(|named| named == mac),
        });
        concerned.map(Result::as_ref).collect()
    }

    /// What Nova says of the interface whose tap has this name.
    pub fn nova_port(&self, tap: &str) -> Option<&NovaPort> {
        self.nova_ports.iter().find(|port| port.tap_name() == tap)
    }
}

/// Reads the XML that libvirt writes to a qemu hook's stdin, or that `virsh dumpxml` prints.
///
/// # Errors
/// [`XmlError`] if it is no XML, cut off, or lacks a domain's name or UUID. Never for what stands
/// in an interface or in metadata.
pub fn parse_domain(xml: &[u8]) -> Result<Domain, XmlError> {
    let (mut cursor, root) = Cursor::open(xml, "domain")?;
    let mut draft = Draft {
        active: root.attribute("id")?.is_some(),
        ..Draft::default()
    };
    while let Some(child) = cursor.child(&root)? {
        draft.take(&mut cursor, &child)?;
    }
    cursor.close(&root)?;
    draft.finish()
}

/// A domain while it is read. Of elements that should stand once the first counts, as in libvirt.
#[derive(Default)]
struct Draft {
    active: bool,
    name: Option<String>,
    uuid: Option<String>,
    interfaces: Vec<Interface>,
    metadata: Entries,
    nova_ports: Vec<NovaPort>,
}

impl Draft {
    fn take<'x>(&mut self, cursor: &mut Cursor<'x>, child: &Element<'x>) -> Result<(), XmlError> {
        match cursor.name(child) {
            Name::Plain("name") if self.name.is_none() => self.name = Some(cursor.text(child)?),
            Name::Plain("uuid") if self.uuid.is_none() => self.uuid = Some(cursor.text(child)?),
            Name::Plain("metadata") => self.metadata(cursor, child)?,
            Name::Plain("devices") => self.devices(cursor, child)?,
            _ => {}
        }
        Ok(())
    }

    fn devices<'x>(&mut self, cursor: &mut Cursor<'x>, of: &Element<'x>) -> Result<(), XmlError> {
        while let Some(device) = cursor.child(of)? {
            if cursor.name(&device) == Name::Plain("interface") {
                self.interfaces.push(interface::read(cursor, &device)?);
            }
        }
        Ok(())
    }

    fn metadata<'x>(&mut self, cursor: &mut Cursor<'x>, of: &Element<'x>) -> Result<(), XmlError> {
        while let Some(child) = cursor.child(of)? {
            match cursor.name(&child) {
                Name::Vmhook(_) => self.metadata.read(cursor, &child)?,
                Name::Nova("instance") => nova::read(cursor, &child, &mut self.nova_ports)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Domain, XmlError> {
        Ok(Domain {
            name: self.name.ok_or(XmlError::Missing("<name>"))?,
            uuid: uuid("<uuid>", self.uuid)?,
            active: self.active,
            interfaces: self.interfaces,
            metadata: self.metadata.list,
            nova_ports: self.nova_ports,
        })
    }
}

/// The UUID that this element holds.
pub(super) fn uuid(element: &'static str, text: Option<String>) -> Result<DomainUuid, XmlError> {
    let text = text.ok_or(XmlError::Missing(element))?;
    text.trim().parse().map_err(|_| XmlError::Uuid {
        element,
        found: quote(&text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{InterfaceError, InterfaceKind};

    const UUID: &str = "<uuid>df970ec9-8410-48a6-9f04-d4621c967fce</uuid>";

    fn with(inner: &str) -> Result<Domain, XmlError> {
        parse_domain(format!("<domain>{UUID}{inner}</domain>").as_bytes())
    }

    fn interfaces(devices: &str) -> Vec<Interface> {
        let xml = format!("<name>x</name><devices>{devices}</devices>");
        with(&xml).unwrap().interfaces
    }

    #[test]
    fn a_name_is_decoded_and_kept_with_its_blanks() {
        for (written, name) in [
            ("--help", "--help"),
            (" a  b ", " a  b "),
            ("&lt;&#26085;&#x672c;&gt;&amp;&apos;&quot;", "<日本>&'\""),
            ("a<![CDATA[<&]]>b<!-- c -->d", "a<&bd"),
            ("a<i>b</i>c", "ac"),
            ("", ""),
        ] {
            let domain = with(&format!("<name>{written}</name><name>second</name>")).unwrap();
            assert_eq!(domain.name, name);
        }
    }

    #[test]
    fn the_xml_of_a_running_machine_bears_its_id() {
        let of = |attributes: &str| {
            let xml = format!("<domain{attributes}>{UUID}<name>x</name></domain>");
            parse_domain(xml.as_bytes()).unwrap().active
        };
        assert!(of(" type='kvm' id='3'"));
        assert!(!of(" type='kvm'"));
    }

    #[test]
    fn an_interface_elsewhere_is_not_an_interface() {
        let domain = with(
            "<name>x</name><interface type='bridge'/>
            <metadata><interface xmlns=''/><devices><interface/></devices></metadata>
            <devices><hostdev><interface/></hostdev>
              <q:interface xmlns:q='urn:q'/><u:interface/></devices>
            <x:devices xmlns:x='urn:x'><interface/></x:devices><!-- <interface/> -->",
        );
        assert_eq!(domain.unwrap().interfaces, []);
    }

    #[test]
    fn only_an_interface_s_own_children_speak_for_it() {
        let all = interfaces(
            "<interface type='bridge'>
              <backend><mac address='fa:16:3e:00:00:09'/><target dev='evil'/></backend>
              <q:source xmlns:q='urn:q' bridge='evil'/><source q:bridge='evil' bridge='br&amp;0'/>
              <mac address='fa:16:3e:00:00:01'/><source bridge='second'/>
            </interface>",
        );
        assert_eq!(all[0].mac, Ok("fa:16:3e:00:00:01".parse().unwrap()));
        assert_eq!(all[0].bridge.as_deref(), Some("br&0"));
        assert_eq!(all[0].target, None);
    }

    #[test]
    fn what_is_odd_in_an_interface_stays_there() {
        let long = "t".repeat(40);
        let all = interfaces(&format!(
            "<interface/>
            <interface type='hostdev' managed='yes'><source><address type='pci'/></source></interface>
            <interface type='bridge'><mac address='01:00:5e:00:00:01'/><mtu size='70x'/>
              <target dev='{long}'/></interface>
            <interface type='network'><mac address='fa:16:3e:00:00:01'/><target dev='tap+'/></interface>"
        ));
        let kinds: Vec<_> = all.iter().map(|interface| &interface.kind).collect();
        let other = |word: &str| InterfaceKind::Other(word.to_owned());
        assert_eq!(
            kinds,
            [
                &other(""),
                &other("hostdev"),
                &InterfaceKind::Bridge,
                &InterfaceKind::Network
            ]
        );
        assert_eq!(all[0].mac, Err(InterfaceError::NoMac));
        assert_eq!(all[1].mtu, Ok(None));
        assert_eq!(
            all[2].mac,
            Err(InterfaceError::Mac("\"01:00:5e:00:00:01\"".to_owned()))
        );
        assert_eq!(all[2].mtu, Err(InterfaceError::Mtu("\"70x\"".to_owned())));
        assert_eq!(all[2].target, Some(long));
        assert_eq!(all[3].target.as_deref(), Some("tap+"));
        assert!(all[3].mac.is_ok());
    }

    #[test]
    fn a_document_that_is_no_domain_is_refused_in_one_line() {
        let name = "<name>x</name>";
        for (xml, message) in [
            (String::new(), "the XML is empty"),
            (" \n".to_owned(), "the XML is empty"),
            (
                "<network/>".to_owned(),
                "the root element is \"network\", not <domain>",
            ),
            (
                "<x:domain xmlns:x='urn:x'/>".to_owned(),
                "the root element is \"x:domain\", not <domain>",
            ),
            ("<domain/>".to_owned(), "no <name> in the XML"),
            (format!("<domain>{name}</domain>"), "no <uuid> in the XML"),
            (
                format!("<domain>{name}<uuid>../..\n</uuid></domain>"),
                r#"<uuid> "../..\n" is not a UUID"#,
            ),
            (
                format!("<domain>\n{name}\n"),
                "the XML ends in line 3 before its root element does",
            ),
            (
                format!("<domain>{UUID}{name}</domain>\n<domain/>"),
                "line 2 of the XML: content outside the root element",
            ),
            (
                format!("<domain>{UUID}{name}</domain>\ntext"),
                "line 1 of the XML: content outside the root element",
            ),
            (
                "<domain>\n<name>x</nome></domain>".to_owned(),
                "line 2 of the XML: ill-formed document: expected `</name>`, but `</nome>` was found",
            ),
            (
                "<!DOCTYPE d [<!ENTITY a \"b\">]><domain/>".to_owned(),
                "line 1 of the XML: a document type definition is refused",
            ),
            (
                format!("<domain>{UUID}<name>&a;</name></domain>"),
                "line 1 of the XML: entity \"a\" is not defined",
            ),
        ] {
            let error = parse_domain(xml.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), message, "{xml}");
        }
        let error = parse_domain(b"<domain>\xff</domain>").unwrap_err();
        assert_eq!(error, XmlError::NotUtf8 { byte: 8 });
    }

    #[test]
    fn an_attribute_twice_is_no_xml_where_it_is_read() {
        let twice = "<interface><mac address='fa:16:3e:00:00:01' address='fa:16:3e:00:00:02'/>";
        let xml = format!("<name>x</name><devices>{twice}</interface></devices>");
        let error = with(&xml).unwrap_err().to_string();
        assert!(
            error.contains("attribute \"address\" stands twice"),
            "{error}"
        );
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = |levels| {
            format!(
                "<name>x</name>{}{}",
                "<a>".repeat(levels),
                "</a>".repeat(levels)
            )
        };
        assert!(with(&deep(60_000)).is_ok());
        assert!(with(&deep(70_000)).is_err());
    }

    #[test]
    fn a_document_may_declare_hundreds_of_namespaces() {
        let metadata = |count: u32| {
            let declared: Vec<_> = (0..count).map(|n| format!("xmlns:n{n}='urn:n'")).collect();
            let declared = declared.join(" ");
            format!("<name>x</name><metadata><n0:a {declared}/></metadata>")
        };
        assert!(with(&metadata(250)).is_ok());
        let error = with(&metadata(300)).unwrap_err();
        assert!(
            matches!(error, XmlError::Malformed { line: 1, .. }),
            "{error}"
        );
    }
}
