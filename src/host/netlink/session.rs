//! The socket: requests out, answers in, refusals in the kernel's words.

use std::rc::Rc;

use futures_util::StreamExt;
use nix::errno::Errno;
use rtnetlink::packet_core::{
    ErrorMessage, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkMessage,
    NetlinkPayload,
};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::sys::AsyncSocket;
use rtnetlink::{Handle, new_connection};
use tokio::time::timeout;

use super::super::HostError;
use super::super::process::Runner;

/// A dump that others' changes spoil this often in a row is given up.
const DUMPS: usize = 10;

/// A route netlink socket of this thread's network namespace.
#[derive(Debug)]
pub(in crate::host) struct Session {
    runner: Rc<Runner>,
    handle: Handle,
}

/// Why a request failed.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The kernel said no.
    Kernel {
        /// Its error number (`EEXIST`).
        error: Errno,
        /// Its words, with the explanation it gave.
        words: String,
    },
    /// No answer within the time limit, or no socket.
    Host(HostError),
}

impl Refusal {
    /// Whether the kernel refused with this error.
    pub(super) fn is(&self, expected: Errno) -> bool {
        matches!(self, Self::Kernel { error, .. } if *error == expected)
    }

    /// The same with what the kernel's error means here, where that is known.
    pub(super) fn explained(mut self, why: &dyn Fn(Errno) -> Option<String>) -> Self {
        if let Self::Kernel { error, words } = &mut self
            && let Some(meaning) = why(*error)
        {
            *words = format!("{words}: {meaning}");
        }
        self
    }

    /// The error that says what was tried.
    pub(super) fn in_doing(self, doing: impl Into<String>) -> HostError {
        match self {
            Self::Kernel { words, .. } => HostError::Netlink {
                doing: doing.into(),
                reason: words,
            },
            Self::Host(error) => error,
        }
    }
}

impl Session {
    /// Opens the socket.
    pub(in crate::host) fn open(runner: Rc<Runner>) -> Result<Self, HostError> {
        let handle = connect(&runner).map_err(|error| HostError::Netlink {
            doing: "cannot open a netlink socket".to_owned(),
            reason: error,
        })?;
        Ok(Self { runner, handle })
    }

    /// A request that the kernel acknowledges; what it answered before.
    pub(super) fn request(
        &self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<Vec<RouteNetlinkMessage>, Refusal> {
        self.exchange(message, NLM_F_REQUEST | NLM_F_ACK | flags)
            .map(|answers| answers.messages)
    }

    /// All objects of a kind at one moment: a dump in which a change fell is read again.
    pub(super) fn dump(
        &self,
        message: &RouteNetlinkMessage,
        doing: &str,
    ) -> Result<Vec<RouteNetlinkMessage>, HostError> {
        for _ in 0..DUMPS {
            let answers = self
                .exchange(message.clone(), NLM_F_REQUEST | NLM_F_DUMP)
                .map_err(|refusal| refusal.in_doing(doing))?;
            if !answers.torn {
                return Ok(answers.messages);
            }
        }
        Err(HostError::Netlink {
            doing: doing.to_owned(),
            reason: format!("something changed during each of {DUMPS} attempts"),
        })
    }

    fn exchange(&self, message: RouteNetlinkMessage, flags: u16) -> Result<Answers, Refusal> {
        let waiting_for = || "the kernel's answer on a netlink socket".to_owned();
        let deadline = self.runner.deadline();
        let left = deadline.left_for(waiting_for).map_err(Refusal::Host)?;
        let runtime = self.runner.runtime().map_err(Refusal::Host)?;
        let mut message = NetlinkMessage::from(message);
        message.header.flags = flags;
        let answers = collect(self.handle.clone(), message);
        runtime
            .block_on(async { timeout(left, answers).await })
            .unwrap_or_else(|_| Err(Refusal::Host(deadline.busy(waiting_for()))))
    }
}

fn connect(runner: &Runner) -> Result<Handle, String> {
    let runtime = runner.runtime().map_err(|error| error.to_string())?;
    let _entered = runtime.enter();
    let (mut connection, handle, _) = new_connection().map_err(|error| error.to_string())?;
    let socket = connection.socket_mut().socket_mut();
    // Both are of Linux 4.20 and before; without them answers are longer and refusals shorter.
    let _ = socket.set_ext_ack(true);
    let _ = socket.set_cap_ack(true);
    let _ = socket.set_netlink_get_strict_chk(true);
    runtime.spawn(connection);
    Ok(handle)
}

/// What the kernel answered to one request.
struct Answers {
    messages: Vec<RouteNetlinkMessage>,
    /// The objects changed during the dump (`NLM_F_DUMP_INTR`): some may be missing.
    torn: bool,
}

async fn collect(
    mut handle: Handle,
    message: NetlinkMessage<RouteNetlinkMessage>,
) -> Result<Answers, Refusal> {
    let mut answers = Answers {
        messages: Vec::new(),
        torn: false,
    };
    let mut stream = handle.request(message).map_err(|error| Refusal::Kernel {
        error: Errno::EPIPE,
        words: error.to_string(),
    })?;
    while let Some(answer) = stream.next().await {
        answers.torn |= answer.header.flags & NLM_F_DUMP_INTR != 0;
        match answer.payload {
            NetlinkPayload::InnerMessage(message) => answers.messages.push(message),
            NetlinkPayload::Error(error) if error.code.is_some() => return Err(refused(&error)),
            _ => {}
        }
    }
    Ok(answers)
}

fn refused(error: &ErrorMessage) -> Refusal {
    let error_number = Errno::from_raw(error.raw_code().saturating_neg());
    let words = error_number.desc().to_owned();
    Refusal::Kernel {
        error: error_number,
        words: match explanation(&error.header) {
            Some(more) => format!("{words}: {more}"),
            None => words,
        },
    }
}

/// The kernel's extended acknowledgement (`NLMSGERR_ATTR_MSG`): it follows the 16 bytes of the
/// request's header, as attributes (`struct nlattr`: length, type, value, padding to 4).
fn explanation(answer: &[u8]) -> Option<String> {
    const MESSAGE: u16 = 1;
    let mut attributes = answer.get(16..)?;
    loop {
        let number = |at: usize| {
            Some(u16::from_ne_bytes([
                *attributes.get(at)?,
                *attributes.get(at + 1)?,
            ]))
        };
        let (length, kind) = (usize::from(number(0)?), number(2)?);
        if kind == MESSAGE {
            let text = attributes.get(4..length)?;
            return Some(
                String::from_utf8_lossy(text)
                    .trim_end_matches('\0')
                    .to_owned(),
            );
        }
        attributes = attributes.get(length.max(4).next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn the_kernels_explanation_is_found_behind_other_attributes() {
        let mut answer = vec![0; 16];
        answer.extend(attribute(2, &[1, 2, 3, 4]));
        answer.extend(attribute(1, b"mtu greater than device maximum\0"));
        assert_eq!(
            explanation(&answer).unwrap(),
            "mtu greater than device maximum"
        );
    }

    #[test]
    fn an_answer_without_explanation_or_cut_short_has_none() {
        let mut answer = vec![0; 16];
        answer.extend(attribute(1, b"words\0"));
        for end in 0..26 {
            assert_eq!(explanation(&answer[..end]), None);
        }
    }
}
