//! The replies that a server still owes.

use koukan_core::transaction::{Command, Rcpt};

use crate::client::Phase;

/// A command that was sent, or the end of the message.
#[derive(Debug)]
pub(super) enum Expected {
    Rset,
    Mail,
    Rcpt(Command<Rcpt>),
    Data,
    /// BDAT without LAST.
    Block,
    /// The final dot, or BDAT with LAST: its reply is the final one, or one of several.
    Message,
}

impl Expected {
    pub(super) fn phase(&self) -> Phase {
        match self {
            Self::Rset => Phase::Rset,
            Self::Mail => Phase::Mail,
            Self::Rcpt(_) => Phase::Rcpt,
            Self::Data => Phase::Data,
            Self::Block => Phase::Block,
            Self::Message => Phase::EndOfData,
        }
    }
}
