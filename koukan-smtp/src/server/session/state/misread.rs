//! Lines that are no commands, and what may follow them.

use koukan_core::reply::Reply;

use super::{Action, State, Tally};
use crate::{
    codec::{CommandError, LineError},
    server::Limits,
};

/// Octets of a chunk that are taken off the wire to be thrown away, at most, unless a message may be
/// larger than that.
const SKIPPED_MAX: u64 = 1 << 30;

impl State {
    /// What to do with a line that is no command: whatever follows it, nothing that was not meant as
    /// a command may be taken for one.
    pub(super) fn misread(&self, error: &CommandError, limits: &Limits) -> Action {
        let reply = error.reply();
        match error {
            CommandError::Chunk { size: Some(size) } if !is_endless(*size, limits) => {
                Action::Discard {
                    size: *size,
                    is_last: false,
                    reply,
                    tally: Tally::Error,
                    fails: !self.is_idle(),
                }
            }
            CommandError::Chunk { .. } => Action::Close(
                reply.with_text("cannot tell where the chunk ends, closing connection"),
            ),
            CommandError::OtherProtocol(_) => Action::Close(reply),
            // An SMTP client has said so by its first commands.
            CommandError::NoVerb
            | CommandError::Line(LineError::ControlOctet | LineError::TooLong)
                if self.is_extended.is_none() =>
            {
                Action::Close(Reply::other_protocol())
            }
            // The argument of another command would be out of place as well.
            CommandError::Argument
            | CommandError::ReversePath(_)
            | CommandError::Utf8NotRequested
            | CommandError::Parameter(_)
                if self.turned_away.is_none() && self.is_extended() && self.is_idle() =>
            {
                Action::RefuseMail(reply)
            }
            _ => Action::refuse(self.turned_away.clone().unwrap_or(reply)),
        }
    }
}

/// Whether a chunk is so large that its end is not waited for.
pub(super) fn is_endless(size: u64, limits: &Limits) -> bool {
    size > limits.message_size.max(SKIPPED_MAX)
}
