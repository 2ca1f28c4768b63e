//! Waits for the next event.

use std::task::{Context, Poll};

use tokio::time::Instant;
use tower::BoxError;

use crate::resource::ResourceService;

use super::{
    super::{
        message::SendError,
        request::{Current, Failure},
    },
    Session, Stage,
};

/// An event that a transaction waits for.
pub(super) enum Event {
    /// The originator has given something, or it is time to begin a request.
    Given,
    /// Upstream has described the transaction: recipients were added, or it has changed.
    Told(Result<Current, Failure>),
    /// Upstream knows that the originator is still there.
    Refreshed(Result<Current, Failure>),
    /// Upstream has the message, and may have replied.
    Sent(Result<Option<Current>, SendError>),
    /// Upstream's reply is overdue.
    Overdue,
}

impl<R: ResourceService> Session<'_, R> {
    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, BoxError>> {
        if self.poll_given(cx)?.is_ready() {
            return Poll::Ready(Ok(Event::Given));
        }
        if let Some(appending) = &mut self.appending
            && let Poll::Ready(result) = appending.request.as_mut().poll(cx)
        {
            let is_heartbeat = appending.is_heartbeat;
            self.appending = None;
            return Poll::Ready(Ok(match is_heartbeat {
                true => Event::Refreshed(result),
                false => Event::Told(result),
            }));
        }
        if let Stage::Sending(sending) = &mut self.message
            && let Poll::Ready(result) = sending.request.as_mut().poll(cx)
        {
            self.refreshed = Instant::now();
            return Poll::Ready(Ok(Event::Sent(result)));
        }
        if let Some(watching) = &mut self.watching
            && let Poll::Ready(result) = watching.as_mut().poll(cx)
        {
            self.watching = None;
            return Poll::Ready(Ok(Event::Told(result)));
        }
        if let Some(overdue) = self.overdue_at(cx)
            && self.overdue.poll(cx, overdue).is_ready()
        {
            return Poll::Ready(Ok(Event::Overdue));
        }
        if let Some(watch) = self.watch_at()
            && self.watch.poll(cx, watch).is_ready()
        {
            return Poll::Ready(Ok(Event::Given));
        }
        if let Some(heartbeat) = self.heartbeat_at()
            && self.heartbeat.poll(cx, heartbeat).is_ready()
        {
            self.begin_heartbeat();
            // The request is polled for the first time together with the others.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Takes everything that the originator has given, so that it goes upstream together.
    fn poll_given(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let mut given = Poll::Pending;
        while let Poll::Ready(more) = self.delivery.intake.poll_recipient(cx, self.told) {
            more?;
            given = Poll::Ready(Ok(()));
        }
        if given.is_pending() && matches!(self.message, Stage::Held) && self.is_message_wanted() {
            given = self.delivery.intake.poll_body_ready(cx)?.map(Ok);
            if given.is_ready() {
                self.message = Stage::Ready;
            }
        }
        given
    }

    /// Whether everything that precedes the message is done.
    fn is_message_wanted(&self) -> bool {
        let intake = &self.delivery.intake;
        let is_told = intake.is_recipients_end() && self.told == intake.replies.recipients();
        let is_answered = self.upstream.is_mail_accepted() && intake.replies.is_all_answered();
        is_told && (is_answered || !self.delivery.settings.is_incremental)
    }

    /// When the first of the replies that upstream owes becomes overdue.
    fn overdue_at(&self, cx: &Context<'_>) -> Option<Instant> {
        let timeouts = &self.delivery.settings.timeouts;
        let envelope = if self.upstream.is_mail_accepted() {
            self.delivery.intake.replies.deadline()
        } else {
            Some(self.begun + timeouts.start)
        };
        let message = match &self.message {
            Stage::Held | Stage::Ready => None,
            Stage::Sending(sending) => sending.progress.upstream_since(cx),
            Stage::Sent(since) => Some(*since),
        };
        let message = message.map(|since| since + timeouts.data);
        envelope.into_iter().chain(message).min()
    }

    /// When upstream is to be told that the originator is still there.
    fn heartbeat_at(&self) -> Option<Instant> {
        if self.appending.is_some() || !self.delivery.settings.is_incremental {
            return None;
        }
        let sent = match &self.message {
            Stage::Sending(sending) => sending.progress.last_passed(),
            _ => self.refreshed,
        };
        Some(sent.max(self.refreshed) + self.delivery.settings.refresh_interval)
    }
}
