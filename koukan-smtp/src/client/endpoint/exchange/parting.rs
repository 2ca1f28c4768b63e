//! How a transaction leaves its connection.

use koukan_core::reply::Reply;

use crate::client::{Wire, connection::Connection, pool::Parting};

use super::{Exchange, Failure, Stage, framing::Framing};

impl Exchange {
    /// How to leave the connection after that result; `None` if the originator is gone, so that the
    /// transaction is dropped.
    pub(in super::super) fn parting<Io: Wire>(
        &self,
        result: Option<&Result<Reply, Failure>>,
        connection: &mut Connection<Io>,
    ) -> Parting {
        let is_unwritten = !connection.output().is_empty();
        let is_amid_message = match &self.stage {
            Stage::Mail | Stage::Recipients | Stage::GoAhead => false,
            Stage::Message(Framing::Dots(_)) => true,
            // No command can follow an incomplete block, and the end of a message that was given up
            // must not be sent.
            Stage::Message(Framing::Blocks) | Stage::Done => is_unwritten,
        };
        if connection.is_ended() || is_amid_message {
            return Parting::Close;
        }
        let is_clear = match result {
            Some(Err(Failure::Client(error))) => !error.is_hosts_fault(),
            _ => true,
        };
        if !is_clear || self.oddities.is_any() || self.is_turned_away {
            return Parting::Quit;
        }
        let owed = self.expected.len();
        let is_given_up = !matches!(result, Some(Ok(_))) && connection.needs_reset();
        if owed > 0 || is_given_up {
            return Parting::Reset { owed };
        }
        if connection.is_quiet() {
            return Parting::Keep;
        }
        match connection.buffered_reply() {
            Some(reply) if reply.closes_connection() => Parting::Close,
            _ => Parting::Quit,
        }
    }
}
