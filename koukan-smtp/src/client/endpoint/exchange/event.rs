//! Waiting for whatever happens next.

use std::task::{Context, Poll};

use koukan_core::reply::Reply;

use crate::client::{Phase, Wire, connection::Connection};

use super::{Exchange, Failure, OUTSTANDING_MAX, Stage, expected::Expected};

/// What a transaction waits for.
#[derive(Debug)]
pub(super) enum Event {
    /// The originator has given something.
    Intake,
    /// The server has replied.
    Reply(Reply),
}

impl Exchange {
    /// Waits for both sides at once, and writes meanwhile what there is to write.
    pub(super) fn poll_event<Io: Wire>(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection<Io>,
    ) -> Poll<Result<Event, Failure>> {
        if self.is_taking() && self.intake.poll_more(cx)?.is_ready() {
            return Poll::Ready(Ok(Event::Intake));
        }
        while self.poll_fill(cx, connection)?.is_ready() && connection.poll_flush(cx).is_ready() {}
        let _ = connection.poll_flush(cx);
        if let Poll::Ready(reply) = connection.poll_reply(cx, self.phase())? {
            return Poll::Ready(Ok(Event::Reply(reply)));
        }
        match self.awaited(connection) {
            Some(phase) => connection
                .poll_timeout(cx, phase)
                .map(|error| Err(error.into())),
            None => {
                connection.rest();
                Poll::Pending
            }
        }
    }

    /// Whether more from the originator could be sent.
    fn is_taking(&self) -> bool {
        matches!(self.stage, Stage::Recipients)
            && self.intake.is_empty()
            && self.expected.len() < OUTSTANDING_MAX
            && !self.verdict.is_mail_refused()
    }

    /// The phase whose timeout applies; none while it is the originator's turn.
    fn awaited<Io: Wire>(&self, connection: &mut Connection<Io>) -> Option<Phase> {
        let is_writing = !connection.output().is_empty();
        match self.expected.front() {
            Some(Expected::Message) if is_writing => Some(Phase::Block),
            Some(expected) => Some(expected.phase()),
            None => is_writing.then_some(Phase::Block),
        }
    }

    fn poll_fill<Io: Wire>(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection<Io>,
    ) -> Poll<Result<(), Failure>> {
        let Stage::Message(framing) = &mut self.stage else {
            return Poll::Pending;
        };
        let content = &mut self.intake.content;
        let is_end = match framing.poll_fill(cx, content, &mut self.expected, connection) {
            Poll::Ready(result) => result?,
            Poll::Pending => return Poll::Pending,
        };
        if is_end {
            self.stage = Stage::Done;
        }
        Poll::Ready(Ok(()))
    }
}
