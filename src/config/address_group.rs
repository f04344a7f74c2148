//! `[address_group.NAME]`: prefixes that rules may name. Validated; not served yet.

use super::error::Checked;
use super::table::Table;
use super::value::Value;

/// Always an error: a group that is only defined is no less unserved than one that is used.
pub(super) fn read(mut table: Table<'_>) -> Checked<()> {
    table.required("addresses", |value| value.set(Value::prefix));
    table.optional("id", Value::string);
    table.optional("description", |value| value.text(super::rule::DESCRIPTION));
    table.complain("address groups are not served yet");
    table.finish(Some(()))
}
