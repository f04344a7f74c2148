//! The host's addresses.

use ipnet::IpNet;
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::packet_route::address::{
    AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope,
};

use crate::facts::AddressFact;

use super::super::HostError;
use super::session::Session;

/// Every address of both families.
pub(super) fn all(session: &Session) -> Result<Vec<AddressFact>, HostError> {
    let request = RouteNetlinkMessage::GetAddress(AddressMessage::default());
    let messages = session.dump(&request, "cannot list the addresses")?;
    let address = |message| match message {
        RouteNetlinkMessage::NewAddress(message) => fact(&message),
        _ => None,
    };
    Ok(messages.into_iter().filter_map(address).collect())
}

/// On a point-to-point link `IFA_ADDRESS` is the other end, and `IFA_LOCAL` ours; elsewhere they
/// are equal, or only `IFA_ADDRESS` is there (IPv6).
fn fact(message: &AddressMessage) -> Option<AddressFact> {
    let local = message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            AddressAttribute::Local(address) => Some(*address),
            _ => None,
        });
    let address = message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        });
    let prefix = message.header.prefix_len;
    Some(AddressFact {
        link: message.header.index,
        address: local.or(address)?,
        lasting: is_lasting(message),
        on_link: IpNet::new(address.or(local)?, prefix).ok()?.trunc(),
    })
}

/// `Secondary` and temporary are one flag.
fn is_lasting(message: &AddressMessage) -> bool {
    let passing = AddressHeaderFlags::Secondary
        | AddressHeaderFlags::Deprecated
        | AddressHeaderFlags::Tentative
        | AddressHeaderFlags::Optimistic
        | AddressHeaderFlags::Dadfailed;
    let header = &message.header;
    header.scope == AddressScope::Universe && !header.flags.intersects(passing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_end_of_a_point_to_point_link_counts() {
        let mut message = AddressMessage::default();
        message.header.index = 3;
        let far = "10.0.0.2".parse().unwrap();
        let near = "10.0.0.1".parse().unwrap();
        message.attributes.push(AddressAttribute::Address(far));
        assert_eq!(fact(&message).unwrap().address, far);
        message.attributes.push(AddressAttribute::Local(near));
        message.header.prefix_len = 24;
        let fact = fact(&message).unwrap();
        assert_eq!(fact.address, near);
        assert_eq!(fact.on_link.to_string(), "10.0.0.0/24", "the far end's");
    }
}
