//! The two tables read back from `nft --stateless list table`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

use super::{Element, Guard, Tables};
use crate::model::{IfName, MacAddr};

/// What stands in the two tables, and the text of their fixed chains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The elements, and how many of the two tables are there.
    pub guard: Guard,
    /// Every fixed chain, line by line, in a form that does not depend on hash order: equal after
    /// two listings of the same tables. How nft writes a rule depends on its version, so this is
    /// compared with what it wrote right after we made the tables, never with our own text.
    pub chains: Vec<String>,
}

/// A listing that is not of the shape that nft writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nft list table {table} vmhook: line {line} is not understood: {text}")]
pub struct ListingError {
    /// `bridge` or `inet`.
    pub table: &'static str,
    /// Counted from one.
    pub line: usize,
    /// The line.
    pub text: String,
}

/// Reads both tables; `None` is a table that is not there.
///
/// # Errors
/// [`ListingError`] if a listing has another shape than nft's.
pub fn read_tables(bridge: Option<&str>, inet: Option<&str>) -> Result<Listing, ListingError> {
    let present = [bridge, inet].iter().flatten().count();
    let state = [Tables::Absent, Tables::Damaged, Tables::Made][present];
    let mut tables = BTreeMap::new();
    let mut chains = Vec::new();
    for (name, text) in [("bridge", bridge), ("inet", inet)] {
        let Some(text) = text else { continue };
        let table = Table::read(name, text)?;
        chains.extend(table.fixed_chains());
        tables.insert(name, table);
    }
    let elements: Vec<_> = tables
        .iter()
        .flat_map(|(name, table)| table.elements(name))
        .collect();
    let elements = only_whole_bridges(&elements);
    Ok(Listing {
        guard: Guard {
            tables: state,
            elements,
        },
        chains,
    })
}

/// A managed bridge stands in three sets; where one is missing, none counts, so that a repair
/// writes all of them again.
fn only_whole_bridges(elements: &[(String, Element)]) -> BTreeSet<Element> {
    let mut places: BTreeMap<&Element, usize> = BTreeMap::new();
    for (_, element) in elements {
        *places.entry(element).or_default() += 1;
    }
    let whole = |element: &Element| places[element] == element.places().len();
    let name = |(set, element): &(String, Element)| match element {
        Element::Bridge(bridge) if !whole(element) => {
            let twice = set == "inet vmhook bridged";
            let key = if twice {
                format!("\"{bridge}\" . \"{bridge}\"")
            } else {
                format!("\"{bridge}\"")
            };
            Element::Foreign(set.clone(), key)
        }
        _ => element.clone(),
    };
    elements.iter().map(name).collect()
}

/// One table as text: the elements of each set and map, the lines of each chain.
#[derive(Default)]
struct Table {
    sets: BTreeMap<String, Vec<String>>,
    chains: BTreeMap<String, Vec<String>>,
}

impl Table {
    fn read(name: &'static str, text: &str) -> Result<Self, ListingError> {
        let mut table = Self::default();
        let mut block: Option<(bool, String)> = None;
        let mut lines = text.lines().enumerate();
        while let Some((at, line)) = lines.next() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match (words.as_slice(), &block) {
                (["}"], _) => block = None,
                (["set" | "map", set, "{"], None) => {
                    table.sets.entry((*set).to_owned()).or_default();
                    block = Some((false, (*set).to_owned()));
                }
                (["chain", chain, "{"], None) => {
                    table.chains.entry((*chain).to_owned()).or_default();
                    block = Some((true, (*chain).to_owned()));
                }
                (["elements", "=", "{", ..], Some((false, set))) => {
                    let mut list = line.to_owned();
                    while !list.contains('}') {
                        let Some((_, more)) = lines.next() else { break };
                        list += more;
                    }
                    table
                        .sets
                        .entry(set.clone())
                        .or_default()
                        .extend(list_items(&list));
                }
                ([] | ["table", ..], _) | (_, Some((false, _))) => {}
                (_, Some((true, chain))) => {
                    table
                        .chains
                        .entry(chain.clone())
                        .or_default()
                        .push(line.trim().to_owned());
                }
                (_, None) => {
                    return Err(ListingError {
                        table: name,
                        line: at + 1,
                        text: line.to_owned(),
                    });
                }
            }
        }
        Ok(table)
    }

    fn elements(&self, table: &str) -> Vec<(String, Element)> {
        let mut elements = Vec::new();
        for (set, keys) in &self.sets {
            for key in keys {
                let place = format!("{table} vmhook {set}");
                let element = self.element(&place, key).unwrap_or_else(|| {
                    let key = key.split(" : ").next().unwrap_or(key);
                    Element::Foreign(place.clone(), key.to_owned())
                });
                elements.push((place, element));
            }
        }
        elements
    }

    /// The element that stands for this key in this set; `None` if we never write such a one.
    fn element(&self, place: &str, key: &str) -> Option<Element> {
        let (key, verdict) = key.split_once(" : ").unwrap_or((key, ""));
        let mut parts = key.split(" . ");
        let name: IfName = parts.next()?.trim_matches('"').parse().ok()?;
        let rest: Vec<&str> = parts.collect();
        let mac = || rest.first()?.parse::<MacAddr>().ok();
        Some(match (place, rest.len()) {
            ("bridge vmhook bridges" | "inet vmhook bridges", 0) => Element::Bridge(name),
            ("inet vmhook bridged", 1) if rest[0].trim_matches('"') == name.as_str() => {
                Element::Bridge(name)
            }
            ("inet vmhook taps", 0) => Element::Quiet(name),
            ("bridge vmhook members", 0) => Element::Member(name),
            ("bridge vmhook ports", 0) => Element::Port(name),
            ("bridge vmhook has6", 0) => Element::Has6(name),
            ("bridge vmhook macs", 1) => Element::Mac(name, mac()?),
            ("bridge vmhook v4", 2) => Element::V4(name, mac()?, rest[1].parse().ok()?),
            ("bridge vmhook v6", 2) => Element::V6(name, mac()?, rest[1].parse().ok()?),
            ("bridge vmhook na", 0) => Element::Na(name, self.targets(verdict)?),
            ("bridge vmhook rarp", 0) => Element::Rarp(name, self.announced(verdict)?),
            _ => return None,
        })
    }

    /// The one match of a map's chain: `expression { values } accept`, then `drop`.
    fn only_match(&self, verdict: &str, expression: &str) -> Option<Vec<String>> {
        let chain = self.chains.get(verdict.strip_prefix("jump ")?)?;
        let [accept, drop] = chain.as_slice() else {
            return None;
        };
        let values = accept.strip_prefix(expression)?.strip_suffix(" accept")?;
        (drop == "drop").then(|| list_items(values))
    }

    fn targets(&self, verdict: &str) -> Option<BTreeSet<Ipv6Addr>> {
        let hex = |value: &String| u128::from_str_radix(value.strip_prefix("0x")?, 16).ok();
        let values = self.only_match(verdict, "@th,64,128 ")?;
        values
            .iter()
            .map(|value| hex(value).map(Ipv6Addr::from))
            .collect()
    }

    fn announced(&self, verdict: &str) -> Option<MacAddr> {
        let values = self.only_match(verdict, "@nh,64,48 ")?;
        let [value] = values.as_slice() else {
            return None;
        };
        let number = u64::from_str_radix(value.strip_prefix("0x")?, 16).ok()?;
        let [_, _, octets @ ..] = number.to_be_bytes();
        MacAddr::new(octets).ok()
    }

    /// The chains that no map leads to, in an order that does not depend on nft's hashes.
    fn fixed_chains(&self) -> Vec<String> {
        let fixed = |name: &&String| !name.starts_with("na-") && !name.starts_with("rarp-");
        let lines = |name: &String| {
            let head = format!("chain {name}");
            std::iter::once(head).chain(self.chains[name].iter().map(|line| sorted_braces(line)))
        };
        self.chains.keys().filter(fixed).flat_map(lines).collect()
    }
}

/// The items of `… { a, b }`, or the one item of a text without braces.
fn list_items(text: &str) -> Vec<String> {
    let inner = text.split_once('{').map_or(text, |(_, inner)| inner);
    let inner = inner.split_once('}').map_or(inner, |(inner, _)| inner);
    inner
        .split(',')
        .map(|item| item.trim().to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

/// The line with the items between its braces sorted: nft prints an anonymous set in hash order.
fn sorted_braces(line: &str) -> String {
    let (Some(open), Some(close)) = (line.find('{'), line.rfind('}')) else {
        return line.to_owned();
    };
    let mut items = list_items(&line[open..=close]);
    items.sort();
    format!(
        "{}{{ {} }}{}",
        &line[..open],
        items.join(", "),
        &line[close + 1..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRIDGE: &str = r#"table bridge vmhook {
	set members {
		type ifname
		elements = { "vxlan-267", "tap1",
			     "tap2" }
	}

	map na {
		type ifname : verdict
		elements = { "tap1" : jump na-tap1 }
	}

	map rarp {
		type ifname : verdict
		elements = { "tap1" : jump rarp-tap1 }
	}

	set v4 {
		type ifname . ether_addr . ipv4_addr
		elements = { "tap1" . fa:16:3e:be:71:21 . 10.0.0.1 }
	}

	chain na-tap1 {
		@th,64,128 { 0x20010db8000000000000000000000001 } accept
		drop
	}

	chain rarp-tap1 {
		@nh,64,48 0xfa163ebe7121 accept
		drop
	}

	chain to_vm {
		ether type { ip6, ip, arp } accept
		drop
	}
}
"#;

    #[test]
    fn reads_what_nft_prints() {
        let listing = read_tables(Some(BRIDGE), None).unwrap();
        let tap: IfName = "tap1".parse().unwrap();
        let mac: MacAddr = "fa:16:3e:be:71:21".parse().unwrap();
        let elements = &listing.guard.elements;
        assert_eq!(
            listing.guard.tables,
            Tables::Damaged,
            "one table alone is no guard"
        );
        assert!(elements.contains(&Element::Member("tap2".parse().unwrap())));
        assert!(elements.contains(&Element::V4(tap.clone(), mac, [10, 0, 0, 1].into())));
        assert!(elements.contains(&Element::Rarp(tap.clone(), mac)));
        let targets = BTreeSet::from(["2001:db8::1".parse().unwrap()]);
        assert!(elements.contains(&Element::Na(tap, targets)));
        assert_eq!(
            listing.chains,
            ["chain to_vm", "ether type { arp, ip, ip6 } accept", "drop"],
            "fixed chains alone, braces sorted"
        );
    }

    #[test]
    fn a_chain_that_accepts_more_is_not_the_ports_own() {
        let text = BRIDGE.replace("		@th,64,128 {", "		accept\n		@th,64,128 {");
        let listing = read_tables(Some(&text), None).unwrap();
        assert!(listing.guard.elements.contains(&Element::Foreign(
            "bridge vmhook na".to_owned(),
            "\"tap1\"".to_owned()
        )));
    }

    #[test]
    fn a_bridge_that_is_missing_in_one_set_counts_nowhere() {
        let inet = "table inet vmhook {\n\tset bridges {\n\t\ttype ifname\n\t\telements = { \"brq1\" }\n\t}\n}\n";
        let listing = read_tables(None, Some(inet)).unwrap();
        let foreign = Element::Foreign("inet vmhook bridges".to_owned(), "\"brq1\"".to_owned());
        assert_eq!(listing.guard.elements, BTreeSet::from([foreign]));
    }
}
