//! `[security_group.NAME]`: what is allowed.

use ipnet::IpNet;

use super::clash;
use super::error::Checked;
use super::object::Object;
use super::rule::{self, DESCRIPTION};
use super::source::Site;
use super::table::Table;
use super::value::Value;
use crate::model::{Direction, SecurityGroup, SecurityGroupRule};

pub(super) type GroupObject<'a> = Object<'a, SecurityGroup, GroupFacts<'a>>;

/// What is known even of a broken group.
#[derive(Debug, Default)]
pub(super) struct GroupFacts<'a> {
    id: Option<(&'a str, Site<'a>)>,
}

pub(super) fn read<'a>(
    name: &str,
    facts: &mut GroupFacts<'a>,
    mut table: Table<'a>,
) -> Checked<SecurityGroup> {
    let mut rules = side(&mut table, "ingress", Direction::Ingress);
    rules.extend(side(&mut table, "egress", Direction::Egress));
    let members = table.optional("members", |value| value.set(member));
    table.optional("description", |value| value.text(DESCRIPTION));
    let stateful = table.optional("stateful", Value::boolean);
    facts.id = table.optional("id", id);
    table.finish(Some(SecurityGroup {
        name: name.to_owned(),
        rules,
        members: members.unwrap_or_default(),
        stateless: stateful == Some(false),
    }))
}

/// The rules of one direction; no list is an empty list, which allows nothing.
fn side(table: &mut Table<'_>, key: &'static str, direction: Direction) -> Vec<SecurityGroupRule> {
    let rules = |value: &Value<'_>| value.list(|rule| rule::read(rule, direction));
    let rules = table.optional(key, rules);
    rules.unwrap_or_default().concat()
}

/// Somebody on another host. Everybody is no member: that is a rule without a remote.
fn member(value: &Value<'_>) -> Checked<IpNet> {
    let prefix = value.prefix()?;
    match prefix.prefix_len() {
        0 => Err(value
            .error(format!("{prefix} is everybody, not a member"))
            .into()),
        _ => Ok(prefix),
    }
}

/// Neutron's id; it names sets, so it is as plain as a network's.
fn id<'a>(value: &Value<'a>) -> Checked<(&'a str, Site<'a>)> {
    let text = value.string()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
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
}
