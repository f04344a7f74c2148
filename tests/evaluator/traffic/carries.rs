//! What packets carry.

use super::Maker;
use crate::configuration::{Family, Protocol, Rule};
use crate::packet::Carries;

impl Maker<'_> {
    /// What a rule speaks of, or what lies beside it.
    pub(super) fn carries_near(&mut self, rule: &Rule, family: Family) -> Carries {
        let usual = [
            6, 17, 17, 1, 1, 132, 33, 136, 2, 4, 47, 50, 59, 89, 112, 253,
        ];
        let number = rule.protocol.as_ref().map_or(0, Protocol::number);
        if number == 0 && self.dice.chance(20) {
            return self.configuring(family);
        }
        let number = if number == 0 || self.dice.chance(10) {
            self.dice.pick(&usual)
        } else {
            number
        };
        let fresh = 20_000 + u16::try_from(self.dice.below(30_000)).expect("it is below");
        let (first, last) = rule.ports.unwrap_or((53, 8080));
        let edges = [first, last, first.saturating_sub(1), last.saturating_add(1)];
        let to = if self.dice.chance(90) {
            self.dice.pick(&edges)
        } else {
            fresh
        };
        match (number, family) {
            (17, _) => Carries::Udp(fresh, to),
            (6, _) => Carries::Tcp {
                ports: (fresh, to),
                is_answer: false,
            },
            (33 | 132 | 136, _) => Carries::Ports(number, fresh, to),
            (1, _) | (58, Family::V6) => {
                let (kind, code) = self.icmp_near(rule, family);
                self.icmp(kind, code, fresh)
            }
            // These are extension headers: what follows them is what is carried.
            (0 | 43 | 44 | 51 | 60, Family::V6) => Carries::Other(253),
            _ => Carries::Other(number),
        }
    }

    fn icmp_near(&mut self, rule: &Rule, family: Family) -> (u8, u8) {
        let echo = if family == Family::V4 { 8 } else { 128 };
        let other = self.dice.byte();
        let (kind, code) = rule.icmp.unwrap_or((echo, None));
        let kind = match self.dice.below(10) {
            0 => kind.wrapping_add(1),
            1 => other,
            _ => kind,
        };
        let code = code.unwrap_or(if self.dice.chance(70) { 0 } else { other });
        (
            kind,
            if self.dice.chance(15) {
                code.wrapping_add(1)
            } else {
                code
            },
        )
    }

    fn icmp(&mut self, kind: u8, code: u8, id: u16) -> Carries {
        let target = self.dice.pick(&self.pools.v6);
        let target = [135, 136].contains(&kind).then_some(target);
        Carries::Icmp {
            kind,
            code,
            id,
            target,
            about: None,
        }
    }

    /// What hosts, routers and servers say when somebody comes up.
    pub(super) fn configuring(&mut self, family: Family) -> Carries {
        // A client hears whoever speaks to its port, from whatever port.
        let ports = match family {
            Family::V4 => [(67, 68), (6767, 68), (68, 67), (547, 546)],
            Family::V6 => [(547, 546), (6767, 546), (546, 547), (67, 68)],
        };
        let kinds = [130, 131, 133, 134, 135, 136, 137, 143];
        match family {
            Family::V6 if self.dice.chance(50) => {
                let kind = self.dice.pick(&kinds);
                self.icmp(kind, 0, 0)
            }
            _ => {
                let (from, to) = self.dice.pick(&ports);
                Carries::Udp(from, to)
            }
        }
    }
}
