//! A continuous ping, and what became of it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Lab;

/// Between two pings.
const INTERVAL: Duration = Duration::from_millis(20);

/// A ping that runs in a network namespace of a lab until it is ended.
#[derive(Debug)]
pub struct Pings<'lab> {
    lab: &'lab Lab,
    /// Its output; its process id is in a file beside.
    file: String,
}

/// What became of the pings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinged {
    /// How many were sent.
    pub sent: u32,
    /// How many were not answered.
    pub lost: u32,
    /// The longest time without an answer: so many pings in a row, times their interval.
    pub longest_silence: Duration,
}

impl<'lab> Pings<'lab> {
    pub(super) fn begin(lab: &'lab Lab, namespace: &str, address: &str) -> Self {
        let file = format!("/run/lab/pings-{address}");
        let interval = INTERVAL.as_secs_f64();
        lab.ok(&format!(
            "ip netns exec {namespace} ping -n -i {interval} {address} >{file} 2>&1 & \
             echo $! >{file}.pid; \
             until grep -q ' bytes from ' {file}; do kill -0 $(cat {file}.pid) || exit 1; done"
        ));
        Self { lab, file }
    }

    /// Ends it.
    #[track_caller]
    pub fn end(self) -> Pinged {
        let file = &self.file;
        self.lab.ok(&format!(
            "pid=$(cat {file}.pid); kill -INT $pid; \
             tail --pid=$pid --sleep-interval=0.02 -f /dev/null"
        ));
        let said = self.lab.read(file);
        Pinged::read(&said).unwrap_or_else(|| panic!("ping says no number: {said}"))
    }
}

impl Pinged {
    /// Reads what ping prints:
    /// `64 bytes from 192.168.101.88: icmp_seq=7 ttl=64 time=0.5 ms`, and at the end
    /// `9 packets transmitted, 8 received, 11% packet loss, time 160ms`.
    pub fn read(said: &str) -> Option<Self> {
        let word_before = |line: &str, word: &str| line.split(word).next()?.parse::<u32>().ok();
        let sent = said
            .lines()
            .find_map(|line| word_before(line, " packets transmitted"))?;
        let answers = said.lines().filter(|line| line.contains(" bytes from "));
        let number = |line: &str| {
            line.split("icmp_seq=")
                .nth(1)?
                .split(' ')
                .next()?
                .parse()
                .ok()
        };
        let answered: BTreeSet<u32> = answers.filter_map(number).collect();
        let missing = |pair: (&u32, &u32)| pair.1 - pair.0 - 1;
        let longest = answered
            .iter()
            .zip(answered.iter().skip(1))
            .map(missing)
            .max();
        Some(Self {
            sent,
            lost: sent - u32::try_from(answered.len()).ok()?,
            longest_silence: INTERVAL * longest.unwrap_or(0),
        })
    }
}
