//! What a scripted service does with one command.

use std::time::Duration;

use crate::reply::Reply;

/// What a [`Script`](super::Script) does with a command or with the message.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Answer {
    /// Gives this reply at once.
    Reply(Reply),
    /// Gives this reply after a delay, without delaying other commands.
    After(Duration, Reply),
    /// Never answers, and does not give up either.
    Never,
    /// Drops the slot; for the message the same as [`Answer::Fail`].
    Drop,
    /// Ends the call with this final reply.
    Return(Reply),
    /// Ends the call with an error that has this text.
    Fail(&'static str),
    /// Panics with this text.
    Panic(&'static str),
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}
