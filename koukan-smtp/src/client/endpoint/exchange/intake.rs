//! What the originator sends.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use koukan_core::{
    body::BodyError,
    transaction::{self, Command, Mail, Recipients},
};

use super::{OUTSTANDING_MAX, content::Content};

/// The most octets of the message that are read before the server is ready for them.
const EARLY_MAX: usize = 64 * 1024;

/// The envelope and the message, pulled as far as the server can accept them.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) envelope: transaction::Intake,
    pub(super) content: Content,
}

impl Intake {
    pub(super) fn new(mail: Command<Mail>, recipients: Recipients, content: Content) -> Self {
        Self {
            envelope: transaction::Intake::new(mail, recipients, OUTSTANDING_MAX),
            content,
        }
    }

    /// Takes everything that is there, so that it is written together; does not wait.
    pub(super) async fn gather(&mut self) -> Result<(), BodyError> {
        poll_fn(|cx| {
            while self.poll_more(cx)?.is_ready() {}
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Takes the next thing: a recipient, the end of them, or a part of the message after it.
    pub(super) fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        if self.envelope.is_end() {
            return self.content.poll_gather(cx, EARLY_MAX);
        }
        self.envelope.poll_more(cx).map_err(Into::into)
    }
}
