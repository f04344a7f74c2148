//! The two tables read back from `nft --stateless list table`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

use ipnet::Ipv6Net;

use super::element::clamped;
use super::{Element, Guard, Tables, existing, host_end};
use crate::model::{IfName, MacAddr, Zone};

#[cfg(test)]
mod tests;

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
    let elements = only_whole(&elements);
    Ok(Listing {
        guard: Guard {
            tables: state,
            elements,
        },
        chains,
    })
}

/// A managed bridge stands in three sets, a member's network in a map and a set, a network's largest
/// segments in two maps; where one is missing, none counts, so that a repair writes all of them again.
fn only_whole(elements: &[(String, Element)]) -> BTreeSet<Element> {
    let mut places: BTreeMap<&Element, usize> = BTreeMap::new();
    for (_, element) in elements {
        *places.entry(element).or_default() += 1;
    }
    let whole = |element: &Element| places[element] == element.places().len();
    let name = |(set, element): &(String, Element)| {
        let places = element.places();
        let here = places.iter().find(|(place, _)| place == set);
        match here {
            Some((set, key)) if !whole(element) => Element::Foreign((*set).to_owned(), key.clone()),
            _ => element.clone(),
        }
    };
    elements.iter().map(name).collect()
}

/// One table as text: the elements of each set, the lines of each chain.
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
                (
                    ["set", set, "{"]
                    | ["map", set @ ("networks" | "zones" | "mss4" | "mss6"), "{"],
                    None,
                ) => {
                    table.sets.entry((*set).to_owned()).or_default();
                    block = Some((false, (*set).to_owned()));
                }
                // Another map, or a counter, is not ours; listed like a chain it tells that somebody
                // was here.
                (["table", ..], None) => {}
                ([.., "{"], None) => {
                    let head = line.trim().trim_end_matches(" {").to_owned();
                    table.chains.entry(head.clone()).or_default();
                    block = Some((true, head));
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
                ([], _) | (_, Some((false, _))) => {}
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
                let foreign = || Element::Foreign(place.clone(), key.clone());
                let element = element(&place, key).unwrap_or_else(foreign);
                elements.push((place, element));
            }
        }
        elements
    }

    /// The chains, in an order that does not depend on nft's hashes.
    fn fixed_chains(&self) -> Vec<String> {
        let lines = |name: &String| {
            std::iter::once(name.clone())
                .chain(self.chains[name].iter().map(|line| sorted_braces(line)))
        };
        self.chains.keys().flat_map(lines).collect()
    }
}

/// The element that stands for this key in this set; `None` if we never write such a one.
fn element(place: &str, key: &str) -> Option<Element> {
    if let "bridge vmhook mss4" | "bridge vmhook mss6" = place {
        let (class, size) = key.split_once(" : ")?;
        return clamped(place, class, size);
    }
    if let Some(element) = host_end::element(place, key).or_else(|| existing::element(place, key)) {
        return Some(element);
    }
    let separator = match place {
        "bridge vmhook networks" | "inet vmhook zones" => " : ",
        _ => " . ",
    };
    let mut parts = key.split(separator);
    if let "inet vmhook vteps4" | "inet vmhook vteps6" = place {
        let (address, port) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        return Some(Element::Vtep(address, port));
    }
    let name: IfName = parts.next()?.trim_matches('"').parse().ok()?;
    let rest: Vec<&str> = parts.collect();
    let mac = || rest.first()?.parse::<MacAddr>().ok();
    let number = || u128::from_str_radix(rest.first()?.strip_prefix("0x")?, 16).ok();
    Some(match (place, rest.len()) {
        ("bridge vmhook bridges" | "inet vmhook bridges", 0) => Element::Bridge(name),
        ("inet vmhook bridged", 1) if rest[0].trim_matches('"') == name.as_str() => {
            Element::Bridge(name)
        }
        ("inet vmhook taps", 0) => Element::Quiet(name),
        ("inet vmhook zones", 1) => {
            let zone: u16 = rest[0].parse().ok()?;
            Element::Zoned(name, Zone::try_from(zone).ok()?)
        }
        ("bridge vmhook networks" | "bridge vmhook places", 1) => {
            Element::Place(name, rest[0].parse().ok()?)
        }
        ("bridge vmhook members", 0) => Element::Member(name),
        ("inet vmhook carriers", 0) => Element::Device(name),
        ("bridge vmhook untagged", 0) => Element::Untagged(name),
        ("bridge vmhook ports", 0) => Element::Port(name),
        ("bridge vmhook unhardened", 0) => Element::Unhardened(name),
        ("bridge vmhook has6", 0) => Element::Has6(name),
        ("bridge vmhook macs", 1) => Element::Mac(name, mac()?),
        ("bridge vmhook v4", 2) => Element::V4(name, mac()?, rest[1].parse().ok()?),
        ("bridge vmhook v6", 2) => Element::V6(name, mac()?, rest[1].parse().ok()?),
        ("bridge vmhook v4nets", 2) => Element::V4Net(name, mac()?, rest[1].parse().ok()?),
        ("bridge vmhook v6nets", 2) => Element::V6Net(name, mac()?, rest[1].parse().ok()?),
        ("bridge vmhook v4any", 1) => Element::V4Any(name, mac()?),
        ("bridge vmhook v6any", 1) => Element::V6Any(name, mac()?),
        ("bridge vmhook nanets", 1) => Element::NaNet(name, range(rest[0])?),
        ("bridge vmhook naany", 0) => Element::NaAny(name),
        ("bridge vmhook dhcp", 0) => Element::DhcpLimited(name),
        ("bridge vmhook dhcp4" | "bridge vmhook dhcp6", 1) => {
            Element::DhcpServer(name, rest[0].parse().ok()?)
        }
        ("bridge vmhook na", 1) => Element::Na(name, Ipv6Addr::from(number()?)),
        ("bridge vmhook rarp", 1) => Element::Rarp(name, mac_of(number()?)?),
        ("bridge vmhook hardware", 1) => Element::Hardware(name, mac_of(number()?)?),
        _ => return None,
    })
}

/// The MAC address that is written as a number.
fn mac_of(number: u128) -> Option<MacAddr> {
    let [.., first, second, third, fourth, fifth, sixth] = number.to_be_bytes();
    MacAddr::new([first, second, third, fourth, fifth, sixth]).ok()
}

/// The prefix that is written as its first and its last address.
fn range(text: &str) -> Option<Ipv6Net> {
    let number = |text: &str| u128::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    let (first, last) = text.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let length = u8::try_from((first ^ last).leading_zeros()).ok()?;
    let net = Ipv6Net::new(first.into(), length).ok()?;
    let is_whole = u128::from(net.network()) == first && u128::from(net.broadcast()) == last;
    is_whole.then_some(net)
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
