//! Records are read as they were written, and nothing else is taken for one.

use proptest::prelude::*;
use vmhook::event::Call;
use vmhook::model::Port;
use vmhook::record::{DomainRecord, HostRecord, Index, NetworkRecord, Want, decode, encode};

use crate::hosts::{batches, wants};
use crate::transactions::played;

/// Whatever these bytes are: an answer, and what is taken for a record can be written again.
fn is_answered(bytes: &[u8]) {
    macro_rules! each {
        ($($record:ty),*) => {
            $(if let Ok(record) = decode::<$record>(bytes) {
                assert_eq!(decode::<$record>(&encode(&record)).ok(), Some(record));
            })*
        };
    }
    each!(Want, DomainRecord, NetworkRecord, HostRecord, Index);
}

proptest! {
    #[test]
    fn a_want_is_read_as_it_was_written(want in wants(), generation: u64) {
        let want = Want { generation, ..want };
        prop_assert_eq!(decode::<Want>(&encode(&want)).ok(), Some(want));
    }

    #[test]
    fn a_want_of_a_version_that_noted_no_call_is_read(want in wants()) {
        let text = String::from_utf8(encode(&want)).expect("JSON");
        let earlier = text.replace("\"call\":\"start\",", "");
        prop_assert_ne!(&earlier, &text);
        let read = decode::<Want>(earlier.as_bytes()).ok();
        prop_assert_eq!(read, Some(Want { call: Call::Unknown, ..want }));
    }

    #[test]
    fn a_want_of_a_version_that_noted_no_basis_is_what_it_says(want in wants()) {
        let text = String::from_utf8(encode(&want)).expect("JSON");
        let earlier = text.replace("\"basis\":{\"recorded\":[],\"configuration\":null},", "");
        prop_assert_ne!(&earlier, &text);
        let read = decode::<Want>(earlier.as_bytes()).ok();
        prop_assert_eq!(read.clone(), Some(want.clone()));
        prop_assert_eq!(read.map(|read| read.upon(None)), Some(want));
    }

    #[test]
    fn a_want_of_a_version_that_knew_no_dhcp_servers_lets_anybody_answer(want in wants()) {
        let ports = want.ports.into_iter().map(|port| Port { dhcp_servers: None, ..port });
        let want = Want { ports: ports.collect(), ..want };
        let text = String::from_utf8(encode(&want)).expect("JSON");
        let earlier = text.replace("\"dhcp_servers\":null,", "");
        prop_assert_eq!(earlier == text, want.ports.is_empty());
        prop_assert_eq!(decode::<Want>(earlier.as_bytes()).ok(), Some(want));
    }

    #[test]
    fn the_name_of_a_wants_file_tells_domain_and_generation(want in wants(), generation: u64) {
        let want = Want { generation, ..want };
        let file = want.file();
        let name = file.strip_prefix("wants/").expect("its folder");
        prop_assert_eq!(Want::parse_file(name), Some((want.uuid, generation)));
    }

    #[test]
    fn only_the_name_that_we_give_is_a_wants_file(
        want in wants(), generation in "[+0 ]?[0-9]{1,21}", more in "|\\.|\\.tmp|~",
    ) {
        let name = format!("{}.{generation}{more}", want.uuid);
        if let Some((uuid, generation)) = Want::parse_file(&name) {
            prop_assert_eq!(format!("wants/{name}"), Want::file_of(&uuid, generation));
        }
    }

    #[test]
    fn bytes_are_a_record_or_refused(bytes: Vec<u8>) {
        is_answered(&bytes);
    }

    #[test]
    fn a_record_with_a_changed_byte_is_a_record_or_refused(
        want in wants(), at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = encode(&want);
        let at = at.index(bytes.len() - 1);
        bytes[at] = byte;
        is_answered(&bytes);
        bytes.truncate(at);
        prop_assert!(decode::<Want>(&bytes).is_err(), "a record that was cut off");
    }

    #[test]
    fn another_version_is_refused_whatever_it_holds(want in wants(), version: u32) {
        prop_assume!(version != 1);
        let text = String::from_utf8(encode(&want)).expect("JSON is text");
        let other = text.replacen("\"version\":1,", &format!("\"version\":{version},"), 1);
        prop_assert_ne!(&other, &text);
        let refusal = decode::<Want>(other.as_bytes()).expect_err("a version of another program");
        let expected = format!("has version {version}, this program knows version 1");
        prop_assert_eq!(refusal.to_string(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_was_applied_is_read_as_it_was_written(batches in batches()) {
        let records = played(&batches)?.records;
        for record in records.domains.values() {
            prop_assert_eq!(&decode::<DomainRecord>(&encode(record)).expect("a record"), record);
        }
        for record in records.networks.values() {
            prop_assert_eq!(&decode::<NetworkRecord>(&encode(record)).expect("a record"), record);
        }
        if let Some(record) = &records.host {
            prop_assert_eq!(&decode::<HostRecord>(&encode(record)).expect("a record"), record);
        }
        prop_assert_eq!(decode::<Index>(&encode(&records.index)).expect("an index"), records.index);
    }
}
