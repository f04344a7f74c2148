//! `[security_group.NAME]`: what is allowed.

use ipnet::IpNet;

use super::clash;
use super::context::Context;
use super::error::Checked;
use super::object::Object;
use super::rule::{self, DESCRIPTION};
use super::source::Site;
use super::table::Table;
use super::value::Value;
use crate::firewall::iptables::SetName;
use crate::model::{Direction, SecurityGroup, SecurityGroupRule};

pub(super) type GroupObject<'a> = Object<'a, SecurityGroup, GroupFacts<'a>>;

/// What is known even of a broken group.
#[derive(Debug, Default)]
pub(super) struct GroupFacts<'a> {
    id: Option<(&'a str, Site<'a>)>,
    pub(super) written: RulesWritten,
}

/// How many rules a group has as they are written: the model has one for each family and prefix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RulesWritten {
    /// In its `ingress`.
    pub ingress: usize,
    /// In its `egress`.
    pub egress: usize,
}

impl RulesWritten {
    /// As the built-in group `default` would be written.
    pub(super) const BUILTIN: Self = Self {
        ingress: 1,
        egress: 1,
    };
}

/// The most that a group may have on other hosts. The kernel's sets hold ten times as many; but each
/// port whose rules name the group has them in its record, and a start has to end in time.
const MOST_MEMBERS: usize = 100_000;

pub(super) fn read<'a>(
    name: &str,
    context: &Context<'_>,
    facts: &mut GroupFacts<'a>,
    mut table: Table<'a>,
) -> Checked<SecurityGroup> {
    let (rules, written) = rules(name, context, &mut table);
    facts.written = written;
    let members = table.optional("members", members);
    table.optional("description", |value| value.text(DESCRIPTION));
    let stateful = table.optional("stateful", Value::boolean);
    facts.id = table.optional("id", id);
    table.finish(Some(SecurityGroup {
        name: name.to_owned(),
        id: facts.id.map(|(id, _)| id.to_owned()),
        rules,
        members: members.unwrap_or_default(),
        stateless: stateful == Some(false),
    }))
}

/// What it allows. Who gives `default` members elsewhere, an id or a description does not mean to take
/// its rules away: where it says nothing of either direction, the built-in ones hold.
fn rules(
    name: &str,
    context: &Context<'_>,
    table: &mut Table<'_>,
) -> (Vec<SecurityGroupRule>, RulesWritten) {
    let silent = !table.has("ingress") && !table.has("egress");
    let ingress = side(table, context, Direction::Ingress);
    let egress = side(table, context, Direction::Egress);
    if silent && name == SecurityGroup::DEFAULT {
        return (
            SecurityGroup::builtin_default().rules,
            RulesWritten::BUILTIN,
        );
    }
    let written = RulesWritten {
        ingress: ingress.len(),
        egress: egress.len(),
    };
    ([ingress, egress].concat().concat(), written)
}

/// The rules of one direction, each as what it means; no list is an empty list, which allows nothing.
fn side(
    table: &mut Table<'_>,
    context: &Context<'_>,
    direction: Direction,
) -> Vec<Vec<SecurityGroupRule>> {
    let key = match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    };
    let rules = |value: &Value<'_>| value.list(|rule| rule::read(rule, context, direction));
    let rules = table.optional(key, rules);
    rules.unwrap_or_default()
}

/// Who is in the group on other hosts.
fn members(value: &Value<'_>) -> Checked<Vec<IpNet>> {
    let members = value.set(Value::narrow_prefix)?;
    match members.len() {
        count if count > MOST_MEMBERS => {
            let message = format!("{count} members; at most {MOST_MEMBERS} are allowed");
            Err(value.error(message).into())
        }
        _ => Ok(members),
    }
}

/// Neutron's id; it names sets, so it is as plain as a network's.
fn id<'a>(value: &Value<'a>) -> Checked<(&'a str, Site<'a>)> {
    let text = value.string()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if text == SecurityGroup::DEFAULT {
        let message = "\"default\" is the built-in group's";
        return Err(value.error(message).into());
    }
    if text.is_empty() || text.len() > 64 || text.starts_with('-') || !text.bytes().all(plain) {
        let message = format!("the id {text:?} is not usable (1 to 64 of A-Z a-z 0-9 _ -)");
        return Err(value.error(message).into());
    }
    Ok((text, value.site))
}

/// Two groups with one id would share their sets.
pub(super) fn clashes(groups: &mut [GroupObject<'_>]) {
    clash::names(groups);
    clash::mark(
        groups,
        |group| group.facts.id,
        |me, other| clash::between(me, other, "id"),
    );
    clash::mark(
        groups,
        |group| Some(set_key(group)),
        |me, other| {
            // One id makes one set: that was told above.
            let told = me.facts.id.is_some() && id_of(me) == id_of(other);
            let what = "first 24 characters of the id, or else of the name, which name its sets,";
            (!told).then(|| clash::between(me, other, what))?
        },
    );
}

fn id_of<'a>(group: &GroupObject<'a>) -> Option<&'a str> {
    group.facts.id.map(|(id, _)| id)
}

/// What the names of a group's sets are made of.
fn set_key<'a>(group: &GroupObject<'a>) -> (String, Site<'a>) {
    let (key, site) = group.facts.id.unwrap_or((group.name, group.site));
    (SetName::cut(key).to_owned(), site)
}
