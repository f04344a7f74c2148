//! Protocol names.
//!
//! `iptables-save` prints the name that the host's `/etc/protocols` has for a number, else the
//! number. We write Debian's names where a rule's text must be what is printed, and read those of
//! other distributions too, so that a rule read back is the same value on each.

/// Debian's `/etc/protocols`: what `iptables-save` prints there.
const DEBIAN: [(u8, &str); 54] = [
    (1, "icmp"),
    (2, "igmp"),
    (3, "ggp"),
    (4, "ipencap"),
    (5, "st"),
    (6, "tcp"),
    (8, "egp"),
    (9, "igp"),
    (12, "pup"),
    (17, "udp"),
    (20, "hmp"),
    (22, "xns-idp"),
    (27, "rdp"),
    (29, "iso-tp4"),
    (33, "dccp"),
    (36, "xtp"),
    (37, "ddp"),
    (38, "idpr-cmtp"),
    (41, "ipv6"),
    (43, "ipv6-route"),
    (44, "ipv6-frag"),
    (45, "idrp"),
    (46, "rsvp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (57, "skip"),
    (58, "ipv6-icmp"),
    (59, "ipv6-nonxt"),
    (60, "ipv6-opts"),
    (73, "rspf"),
    (81, "vmtp"),
    (88, "eigrp"),
    (89, "ospf"),
    (93, "ax.25"),
    (94, "ipip"),
    (97, "etherip"),
    (98, "encap"),
    (103, "pim"),
    (108, "ipcomp"),
    (112, "vrrp"),
    (115, "l2tp"),
    (124, "isis"),
    (132, "sctp"),
    (133, "fc"),
    (135, "mobility-header"),
    (136, "udplite"),
    (137, "mpls-in-ip"),
    (138, "manet"),
    (139, "hip"),
    (140, "shim6"),
    (141, "wesp"),
    (142, "rohc"),
    (143, "ethernet"),
];

/// Names that other distributions have for a number, or that iptables has built in.
const ELSEWHERE: [(u8, &str); 89] = [
    (4, "ipv4"),
    (7, "cbt"),
    (10, "bbn-rcc"),
    (11, "nvp"),
    (13, "argus"),
    (14, "emcon"),
    (15, "xnet"),
    (16, "chaos"),
    (18, "mux"),
    (19, "dcn"),
    (21, "prm"),
    (23, "trunk-1"),
    (24, "trunk-2"),
    (25, "leaf-1"),
    (26, "leaf-2"),
    (28, "irtp"),
    (30, "netblt"),
    (31, "mfe-nsp"),
    (32, "merit-inp"),
    (34, "3pc"),
    (35, "idpr"),
    (39, "tp++"),
    (40, "il"),
    (42, "sdrp"),
    (48, "dsr"),
    (49, "bna"),
    (52, "i-nlsp"),
    (53, "swipe"),
    (54, "narp"),
    (55, "mobile"),
    (56, "tlsp"),
    (58, "icmpv6"),
    (62, "cftp"),
    (64, "sat-expak"),
    (65, "kryptolan"),
    (66, "rvd"),
    (67, "ippc"),
    (69, "sat-mon"),
    (70, "visa"),
    (71, "ipcv"),
    (72, "cpnx"),
    (73, "cphb"),
    (74, "wsn"),
    (75, "pvp"),
    (76, "br-sat-mon"),
    (77, "sun-nd"),
    (78, "wb-mon"),
    (79, "wb-expak"),
    (80, "iso-ip"),
    (82, "secure-vmtp"),
    (83, "vines"),
    (84, "ttp"),
    (85, "nsfnet-igp"),
    (86, "dgp"),
    (87, "tcf"),
    (90, "sprite-rpc"),
    (91, "larp"),
    (92, "mtp"),
    (95, "micp"),
    (96, "scc-sp"),
    (100, "gmtp"),
    (101, "ifmp"),
    (102, "pnni"),
    (104, "aris"),
    (105, "scps"),
    (106, "qnx"),
    (107, "a/n"),
    (109, "snp"),
    (110, "compaq-peer"),
    (111, "ipx-in-ip"),
    (113, "pgm"),
    (116, "ddx"),
    (117, "iatp"),
    (118, "stp"),
    (119, "srp"),
    (120, "uti"),
    (121, "smp"),
    (122, "sm"),
    (123, "ptp"),
    (125, "fire"),
    (126, "crtp"),
    (127, "crdup"),
    (128, "sscopmce"),
    (129, "iplt"),
    (130, "sps"),
    (131, "pipe"),
    (134, "rsvp-e2e-ignore"),
    (135, "mh"),
    (135, "ipv6-mh"),
];

/// The protocols that libxtables knows without `/etc/protocols`, which a minimal host lacks.
const BUILT_IN: [u8; 8] = [1, 6, 17, 50, 51, 58, 132, 136];

/// The name that `iptables-save` prints on Debian; `None`: it prints the number.
pub(super) fn name(number: u8) -> Option<&'static str> {
    let row = DEBIAN.binary_search_by_key(&number, |row| row.0).ok()?;
    Some(DEBIAN[row].1)
}

/// The name by which every host's `iptables-restore` knows this protocol; `None`: only by number.
pub(super) fn portable_name(number: u8) -> Option<&'static str> {
    BUILT_IN.contains(&number).then(|| name(number)).flatten()
}

/// The number of a protocol in either spelling. Protocol 0 is every protocol to iptables and is
/// never printed: `None`.
pub(super) fn number(text: &str) -> Option<std::num::NonZeroU8> {
    let named = || {
        let mut rows = DEBIAN.iter().chain(&ELSEWHERE);
        rows.find(|row| row.1 == text).map(|row| row.0)
    };
    let number = text.parse().ok().or_else(named)?;
    std::num::NonZeroU8::new(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_as_its_number() {
        for (expected, text) in DEBIAN.iter().chain(&ELSEWHERE) {
            assert_eq!(number(text).map(u8::from), Some(*expected), "{text}");
        }
    }

    #[test]
    fn every_number_reads_back_in_both_spellings() {
        for expected in 1..=u8::MAX {
            let spelled = name(expected).map_or_else(|| expected.to_string(), str::to_owned);
            assert_eq!(number(&spelled).map(u8::from), Some(expected));
            assert_eq!(number(&expected.to_string()).map(u8::from), Some(expected));
        }
    }

    #[test]
    fn protocols_without_a_name_on_debian_are_numbers() {
        for bare in [99, 113, 253, 255] {
            assert_eq!(name(bare), None);
        }
    }
}
