//! Forgetting connections, with the `conntrack` tool.
//!
//! A rule set that no longer allows a connection lets its packets pass as long as conntrack knows
//! it as established. One process does it for any number of addresses: `--load-file` takes a
//! command a line, and goes on where a line finds nothing to delete.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::model::{Family, Zone};

use super::HostError;
use super::process::{Call, Runner};

/// Deletes the zone's entries from and to these addresses; all of the zone's if there are none.
pub(super) fn forget(runner: &Runner, zone: Zone, addresses: &[IpAddr]) -> Result<(), HostError> {
    let commands = commands(zone, addresses);
    let call = Call::new("conntrack", &["--load-file", "-"]).with_input(&commands);
    let output = runner.run(&call)?;
    // Status 1 is "0 flow entries have been deleted".
    if output.success || output.words.contains("0 flow entries") {
        Ok(())
    } else {
        Err(call.failed(output.words))
    }
}

fn commands(zone: Zone, addresses: &[IpAddr]) -> String {
    let mut text = String::new();
    if addresses.is_empty() {
        for family in Family::BOTH {
            line(&mut text, family, zone, "");
        }
    }
    for &address in addresses {
        for end in ["-s", "-d"] {
            let selection = format!(" {end} {address}");
            line(&mut text, Family::of(address), zone, &selection);
        }
    }
    text
}

fn line(text: &mut String, family: Family, zone: Zone, selection: &str) {
    let family = match family {
        Family::Ipv4 => "ipv4",
        Family::Ipv6 => "ipv6",
    };
    writeln!(text, "-D -f {family} -w {zone}{selection}").expect("a String takes any text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_of_each_address_or_the_whole_zone() {
        let addresses = ["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()];
        assert_eq!(
            commands(Zone::FIRST, &addresses),
            "-D -f ipv4 -w 4097 -s 10.0.0.1\n-D -f ipv4 -w 4097 -d 10.0.0.1\n\
             -D -f ipv6 -w 4097 -s fd00::1\n-D -f ipv6 -w 4097 -d fd00::1\n"
        );
        assert_eq!(
            commands(Zone::FIRST, &[]),
            "-D -f ipv4 -w 4097\n-D -f ipv6 -w 4097\n"
        );
    }
}
