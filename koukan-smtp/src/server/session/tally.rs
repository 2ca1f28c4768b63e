//! What a client did so far that it may not do for ever.

use koukan_core::reply::Reply;

use super::{End, state::Tally};
use crate::server::Limits;

/// Counts what a client may not do for ever.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    errors: u32,
    idle_commands: u32,
    transactions: u32,
}

impl Tallies {
    /// Counts a command.
    pub(super) fn command(&mut self, tally: Tally, limits: &Limits) -> Result<(), End> {
        let (count, max) = match tally {
            Tally::Fine => return Ok(()),
            Tally::Idle => (&mut self.idle_commands, limits.idle_commands),
            Tally::Error => (&mut self.errors, limits.errors),
        };
        count_up(count, max, Reply::too_many_errors)
    }

    /// Counts a mail transaction that begins.
    pub(super) fn transaction(&mut self, limits: &Limits) -> Result<(), End> {
        count_up(&mut self.transactions, limits.transactions, || {
            Reply::service_closing()
                .with_text("enough messages on this connection, go on in another")
        })
    }

    /// The client has sent a message that was accepted, so it is here for a reason.
    pub(super) fn accepted(&mut self) {
        self.idle_commands = 0;
    }
}

fn count_up(count: &mut u32, max: u32, reply: impl FnOnce() -> Reply) -> Result<(), End> {
    if *count >= max {
        return Err(End::Closed(reply()));
    }
    *count += 1;
    Ok(())
}
