//! Lines that are not commands, and what may follow them.

use koukan_core::reply::Reply;

use super::{Action, State, Tally};
use crate::{
    codec::{CommandError, LineError},
    server::Limits,
};

/// The most octets of a chunk that are read and dropped, unless the limit on messages is larger.
const SKIPPED_MAX: u64 = 1 << 30;

impl State {
    /// What to do with a line that is not a command. Octets after it must not be carried out unless
    /// they were meant as commands.
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
            // A client whose first commands were valid speaks SMTP.
            CommandError::NoVerb
            | CommandError::Line(LineError::ControlOctet | LineError::TooLong)
                if self.is_extended.is_none() =>
            {
                Action::Close(Reply::other_protocol())
            }
            // The argument of another command would be an error as well.
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

/// Whether a chunk is so large that the server does not wait for its end.
pub(super) fn is_endless(size: u64, limits: &Limits) -> bool {
    size > limits.message_size.max(SKIPPED_MAX)
}
