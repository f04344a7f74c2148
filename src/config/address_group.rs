//! `[address_group.NAME]`: prefixes that rules may name as the other side.

use ipnet::IpNet;

use super::error::Checked;
use super::object::Object;
use super::table::Table;
use super::value::Value;

pub(super) type AddressGroupObject<'a> = Object<'a, Vec<IpNet>, ()>;

/// The prefixes: a rule that names the group is one rule for each.
pub(super) fn read(mut table: Table<'_>) -> Checked<Vec<IpNet>> {
    let addresses = table.required("addresses", |value| {
        let addresses = value.set(Value::narrow_prefix)?;
        if addresses.is_empty() {
            value.note("no address: a rule that names this group allows nothing");
        }
        Ok(addresses)
    });
    table.optional("id", Value::string);
    table.optional("description", |value| value.text(super::rule::DESCRIPTION));
    table.finish(addresses)
}
