//! Waits for the next event.

use std::task::{Context, Poll};

use koukan_core::reply::Reply;

use crate::{
    client::{ClientError, Phase, Wire, connection::Connection},
    codec::InvalidReply,
};

use super::{Exchange, Failure, OUTSTANDING_MAX, Stage, expected::Expected};

/// An event in a transaction.
#[derive(Debug)]
pub(super) enum Event {
    /// The originator has sent something.
    Intake,
    /// The server has replied.
    Reply(Reply),
    /// The server has sent something that is not a reply; replies may follow.
    Invalid(ClientError),
}

impl Exchange {
    /// Waits for both sides at the same time, and writes the output meanwhile.
    pub(super) fn poll_event<Io: Wire>(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection<Io>,
    ) -> Poll<Result<Event, Failure>> {
        if self.is_taking() && self.intake.poll_more(cx)?.is_ready() {
            return Poll::Ready(Ok(Event::Intake));
        }
        // The output is filled before it is written, so that a block is sent together with its
        // envelope. It is filled again afterwards, since there is room then.
        let _ = self.poll_fill(cx, connection)?;
        while connection.poll_flush(cx).is_ready() && self.poll_fill(cx, connection)?.is_ready() {}
        if let Poll::Ready(result) = connection.poll_reply(cx, self.phase()) {
            return Poll::Ready(match result {
                Ok(reply) => Ok(Event::Reply(reply)),
                Err(error) if may_go_on(&error) => Ok(Event::Invalid(error)),
                Err(error) => Err(error.into()),
            });
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

    /// Whether something more from the originator could be sent.
    fn is_taking(&self) -> bool {
        matches!(self.stage, Stage::Recipients)
            && self.intake.envelope.is_empty()
            && self.expected.len() < OUTSTANDING_MAX
            && !self.verdict.is_mail_refused()
    }

    /// The phase whose timeout applies; `None` while the originator has to act.
    fn awaited<Io: Wire>(&self, connection: &mut Connection<Io>) -> Option<Phase> {
        let is_writing = !connection.output().is_empty();
        match self.expected.front() {
            // A server that sends 421 is about to close.
            _ if self.oddities.is_closing() => Some(Phase::Quit),
            Some(Expected::Message) if is_writing => Some(Phase::Block),
            Some(expected) => Some(expected.phase()),
            None if is_writing => Some(Phase::Block),
            // An unexpected reply is read to its end before another command is sent.
            None => connection.is_amid_reply().then(|| self.phase()),
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
            self.is_ahead = self.expected.len() > 1;
            if let Some(each) = &self.each {
                let others = each.owed().saturating_sub(1);
                self.expected.extend((0..others).map(|_| Expected::Message));
            }
            self.stage = Stage::Done;
        }
        Poll::Ready(Ok(()))
    }
}

/// Whether replies may follow something that was not a reply.
fn may_go_on(error: &ClientError) -> bool {
    let ClientError::InvalidReply { source, .. } = error else {
        return false;
    };
    matches!(source, InvalidReply::NoCode | InvalidReply::Code(_))
}
