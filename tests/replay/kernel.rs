//! What the kernel has of vmhook's, read with the tools that an operator has.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::netns::run;

const TABLE: &str = "vmhook";
const ALIAS: &str = "vmhook:network=";

/// What the kernel has. Two are equal if nothing has changed: what the kernel does to links by
/// itself (timers, carrier) is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kernel {
    pub(crate) links: Vec<Link>,
    fdb: Vec<String>,
    pub(crate) v4: Vec<String>,
    pub(crate) v6: Vec<String>,
    /// What nft lists of the tables `bridge vmhook` and `inet vmhook`.
    guard: Vec<Value>,
}

/// A link as somebody made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) alias: String,
    pub(crate) master: String,
    is_tap: bool,
    attributes: Value,
}

impl Kernel {
    /// What this namespace has now.
    pub(crate) fn read() -> Self {
        Self {
            links: links(),
            fdb: fdb(),
            v4: rules(&run("iptables-save")),
            v6: rules(&run("ip6tables-save")),
            guard: guard(),
        }
    }

    /// The taps on bridges of ours.
    pub(crate) fn taps(&self) -> impl Iterator<Item = &str> {
        let ours = |name: &str| self.own_links().any(|link| link.name == name);
        let taps = self
            .links
            .iter()
            .filter(move |link| link.is_tap && ours(&link.master));
        taps.map(|link| link.name.as_str())
    }

    /// Whether a port passes frames to others: it is a member of the guard's.
    pub(crate) fn is_open(&self, port: &str) -> bool {
        self.members().any(|member| member == port)
    }

    /// The lines that differ, for messages.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let (mine, others) = (format!("{self:#?}"), format!("{other:#?}"));
        let mut lines = missing(&mine, &others, "gone");
        lines.extend(missing(&others, &mine, "new"));
        lines.join("\n")
    }

    /// The links that bear our alias.
    pub(crate) fn own_links(&self) -> impl Iterator<Item = &Link> {
        self.links
            .iter()
            .filter(|link| link.alias.starts_with(ALIAS))
    }

    /// The elements of a set of `table bridge vmhook`, each in its parts.
    pub(crate) fn set(&self, name: &str) -> Vec<Vec<String>> {
        let sets = self.guard.iter().map(|object| &object["set"]);
        let mut named = sets.filter(|set| set["family"] == "bridge" && set["name"] == name);
        let elements = named.next().and_then(|set| set["elem"].as_array());
        elements.into_iter().flatten().map(parts).collect()
    }

    /// Whether the guard's tables are there.
    pub(crate) fn is_guarded(&self) -> bool {
        !self.guard.is_empty()
    }

    /// The names of the guard's members: ports that pass frames to each other.
    pub(crate) fn members(&self) -> impl Iterator<Item = String> {
        self.set("members").into_iter().flatten()
    }
}

/// The lines that another text lacks, each behind this word.
pub(crate) fn missing(text: &str, from: &str, word: &str) -> Vec<String> {
    let known: BTreeSet<&str> = from.lines().collect();
    let missing = text.lines().filter(|line| !known.contains(line));
    missing.map(|line| format!("{word}: {line}")).collect()
}

fn links() -> Vec<Link> {
    let links: Value = serde_json::from_str(&run("ip -j -d link show")).unwrap();
    links.as_array().unwrap().iter().map(link).collect()
}

fn link(link: &Value) -> Link {
    let text = |key: &str| link[key].as_str().unwrap_or_default().to_owned();
    let up = link["flags"].as_array().unwrap().contains(&"UP".into());
    let mut attributes =
        serde_json::json!({"up": up, "mtu": link["mtu"], "address": link["address"]});
    if text("ifalias").starts_with(ALIAS) {
        attributes["info"] = link["linkinfo"].clone();
        without(&mut attributes, &|key| key.ends_with("_timer"));
    }
    Link {
        name: text("ifname"),
        alias: text("ifalias"),
        master: text("master"),
        is_tap: link["linkinfo"]["info_kind"] == "tun",
        attributes,
    }
}

/// The forwarding entries but those of multicast groups, which the kernel joins when it likes.
fn fdb() -> Vec<String> {
    let entries = run("bridge fdb show");
    let unicast = entries
        .lines()
        .filter(|entry| !entry.starts_with("33:33:") && !entry.starts_with("01:00:5e:"));
    let mut entries: Vec<String> = unicast.map(str::to_owned).collect();
    entries.sort();
    entries
}

/// Our nftables tables' objects, without what nft numbers anew.
fn guard() -> Vec<Value> {
    let mut ruleset: Value = serde_json::from_str(&run("nft -j --stateless list ruleset")).unwrap();
    without(&mut ruleset, &|key| key == "handle" || key == "metainfo");
    let objects = ruleset["nftables"].as_array().unwrap().iter();
    let ours = |object: &&Value| {
        let mut kinds = object.as_object().unwrap().iter();
        kinds.any(|(kind, it)| it["table"] == TABLE || (kind == "table" && it["name"] == TABLE))
    };
    objects.filter(ours).cloned().collect()
}

/// Removes the keys, at any depth.
fn without(value: &mut Value, unwanted: &dyn Fn(&str) -> bool) {
    match value {
        Value::Object(fields) => {
            fields.retain(|key, _| !unwanted(key));
            fields
                .values_mut()
                .for_each(|inner| without(inner, unwanted));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| without(inner, unwanted)),
        _ => {}
    }
}

/// The parts of a set's element.
fn parts(element: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match element.get("concat").and_then(Value::as_array) {
        Some(parts) => parts.iter().map(text).collect(),
        None => vec![text(element)],
    }
}

/// Rules and own chains, each line with its table. Empty built-in chains come with iptables' first
/// use and stay.
fn rules(save: &str) -> Vec<String> {
    let mut table = "";
    let mut rules = Vec::new();
    for line in save.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if line.starts_with("-A") || (line.starts_with(':') && line.contains(" - [")) {
            rules.push(format!("{table} {line}"));
        }
    }
    rules
}
