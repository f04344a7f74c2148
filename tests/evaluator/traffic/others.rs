//! Frames that carry no IP packet.

use super::{EVERYBODY, Maker, PEERS};
use crate::configuration::Family;
use crate::packet::{Content, Packet, Station};

impl Maker<'_> {
    pub(super) fn arp(&mut self) -> Packet {
        let from = self.station();
        let (source, ip) = match from {
            Station::Machine(number) => self.own(number, Family::V4),
            Station::Peer(_) => (self.dice.pick(&PEERS), self.dice.pick(&self.pools.v4)),
        };
        let stolen = self.dice.chance(15);
        let any = self.dice.pick(&self.pools.macs);
        let content = Content::Arp {
            is_reply: self.dice.chance(50),
            sender: if stolen { any } else { source },
            source: if self.dice.chance(20) {
                self.dice.pick(&self.pools.v4)
            } else {
                ip
            },
            target: self.dice.pick(&self.pools.v4),
        };
        let destination = if self.dice.chance(50) { EVERYBODY } else { any };
        Packet {
            from,
            source,
            destination,
            tag: None,
            content,
        }
    }

    pub(super) fn of_no_protocol(&mut self) -> Packet {
        let from = self.station();
        let source = match from {
            Station::Machine(number) => self.own(number, Family::V4).0,
            Station::Peer(_) => self.dice.pick(&PEERS),
        };
        let any = self.dice.pick(&self.pools.macs);
        let content = if self.dice.chance(60) {
            Content::Rarp {
                subject: if self.dice.chance(60) { source } else { any },
            }
        } else {
            Content::Other(self.dice.pick(&[0x88b5, 0x8863, 0x88cc, 0x86de]))
        };
        let destination = if self.dice.chance(50) { EVERYBODY } else { any };
        Packet {
            from,
            source,
            destination,
            tag: None,
            content,
        }
    }
}
