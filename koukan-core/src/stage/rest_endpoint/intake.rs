//! The originator's side.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};

use crate::{
    body::{Body, BodyError},
    reply::Reply,
    signals::{Parsed, Signals},
    transaction::{self, Aborted, Command, Mail, Recipients},
};

use super::replies::Replies;

/// How many recipients are pulled before upstream was told of them.
const UNTOLD_MAX: usize = 100;

/// The originator's side of a transaction: its commands, and the answers that it still waits for.
pub(super) struct Intake {
    envelope: transaction::Intake,
    pub(super) replies: Replies,
    /// The message, until it goes upstream.
    body: Option<Body>,
}

impl Intake {
    pub(super) fn new(mail: Command<Mail>, recipients: Recipients, body: Body) -> Self {
        Self {
            envelope: transaction::Intake::new(mail, recipients, UNTOLD_MAX),
            replies: Replies::default(),
            body: Some(body),
        }
    }

    pub(super) fn mail(&self) -> &Mail {
        self.envelope.mail()
    }

    /// Answers MAIL, unless it is answered.
    pub(super) fn answer_mail(&mut self, reply: Reply) {
        self.envelope.answer_mail(reply);
    }

    /// Whether all recipients are known.
    pub(super) fn is_recipients_end(&self) -> bool {
        self.envelope.is_end()
    }

    /// Whether there are no recipients, and will be none.
    pub(super) fn is_without_recipients(&self) -> bool {
        self.is_recipients_end() && self.replies.recipients() == 0
    }

    /// Whether the message is here, and nothing of it was sent upstream.
    pub(super) fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// Takes back an inline message that upstream did not accept.
    pub(super) fn put_back(&mut self, octets: Bytes) {
        self.body = Some(octets.into());
    }

    pub(super) fn take_body(&mut self) -> Option<Body> {
        self.body.take()
    }

    /// Takes the recipients that are there, without waiting.
    pub(super) async fn gather(&mut self) -> Result<(), Aborted> {
        self.envelope.gather().await?;
        self.open_waiting();
        Ok(())
    }

    /// Waits until there is a recipient, or will be none. Answers MAIL if the client's next command
    /// needs that.
    pub(super) async fn wait_for_recipient(&mut self) -> Result<(), Aborted> {
        if self.replies.recipients() == 0 {
            self.envelope.wait_for_recipient().await?;
            self.open_waiting();
        }
        Ok(())
    }

    fn open_waiting(&mut self) {
        while let Some(rcpt) = self.envelope.next_recipient() {
            self.replies.open_rcpt(rcpt);
        }
    }

    /// Takes the next recipient or the end of them, unless too many of them are unknown to
    /// upstream, which was told of `told`.
    pub(super) fn poll_recipient(
        &mut self,
        cx: &mut Context<'_>,
        told: usize,
    ) -> Poll<Result<(), Aborted>> {
        if self.replies.recipients() >= told + UNTOLD_MAX {
            return Poll::Pending;
        }
        ready!(self.envelope.poll_more(cx)?);
        self.open_waiting();
        Poll::Ready(Ok(()))
    }

    /// Ready when it is known what the message consists of.
    pub(super) fn poll_body_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        match &mut self.body {
            Some(body) => body.poll_body_ready(cx),
            None => Poll::Pending,
        }
    }

    /// Takes the message if it is complete and a text of at most `octets_max` octets; not one that
    /// is sent parsed. Never waits.
    pub(super) async fn take_small(
        &mut self,
        octets_max: usize,
        signals: &Signals,
    ) -> Result<Option<Bytes>, BodyError> {
        if !self.is_recipients_end() || self.replies.recipients() == 0 {
            return Ok(None);
        }
        let Some(body) = &mut self.body else {
            return Ok(None);
        };
        let gathered = poll_fn(|cx| Poll::Ready(gather(cx, body, octets_max))).await?;
        let Gathered { chunks, is_whole } = gathered;
        let octets: usize = chunks.iter().map(Bytes::len).sum();
        let is_small = is_whole && octets <= octets_max && signals.find::<Parsed>().is_none();
        if is_small {
            let mut whole = BytesMut::with_capacity(octets);
            chunks
                .iter()
                .for_each(|chunk| whole.extend_from_slice(chunk));
            if std::str::from_utf8(&whole).is_ok() {
                self.body = None;
                return Ok(Some(whole.freeze()));
            }
        }
        for chunk in chunks.into_iter().rev() {
            body.prepend(chunk);
        }
        Ok(None)
    }
}

/// What is there of a message.
struct Gathered {
    chunks: Vec<Bytes>,
    is_whole: bool,
}

fn gather(cx: &mut Context<'_>, body: &mut Body, octets_max: usize) -> Result<Gathered, BodyError> {
    let mut gathered = Gathered {
        chunks: Vec::new(),
        is_whole: false,
    };
    // A message that can be passed by reference is not read in vain, and one in storage is not read
    // before upstream is ready for it.
    if !body.is_at_hand()
        || body.poll_body_ready(cx)?.is_pending()
        || !body.is_at_hand()
        || body.is_composition()
        || body.len().is_some_and(|len| len > octets_max as u64)
    {
        return Ok(gathered);
    }
    let mut octets = 0;
    while octets <= octets_max {
        match body.poll_chunk(cx)? {
            Poll::Ready(Some(chunk)) => {
                octets += chunk.len();
                gathered.chunks.push(chunk);
            }
            Poll::Ready(None) => {
                gathered.is_whole = true;
                break;
            }
            Poll::Pending => break,
        }
    }
    Ok(gathered)
}
