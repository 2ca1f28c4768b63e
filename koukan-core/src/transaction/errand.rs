//! One transaction carried out for whoever has all of it, or gets it piece by piece: [`Errand`].

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{body::Body, reply::Reply};

use super::{Aborted, Driver, Pending, Rcpt};

/// What an [`Errand`] passes on, and where the replies go.
pub(crate) trait Originator {
    /// The next recipient, and the index that its reply is told by; `None` after the last.
    fn poll_recipient(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, Rcpt)>>;

    /// The message. It is asked for when all recipients were passed on, and again whenever something
    /// was answered.
    ///
    /// # Errors
    ///
    /// [`Aborted`] where there will be none: nothing may be delivered.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Body, Aborted>>;

    /// Takes the reply to MAIL, and returns what it counts as: with a refusal all is over.
    fn take_mail_reply(&mut self, reply: Reply) -> Reply;

    /// Takes the reply to a recipient, and returns what it counts as: without anybody accepted no
    /// message is asked for.
    fn take_rcpt_reply(&mut self, index: usize, reply: Reply) -> Reply;
}

/// A [`Driver`] and what it is given.
///
/// Nothing waits for a reply before what follows goes upstream: what is there is handed on at
/// once, so that an endpoint can pipeline.
pub(crate) struct Errand<O> {
    pub(crate) originator: O,
    driver: Driver,
    mail: Option<Pending>,
    rcpts: Vec<(usize, Pending)>,
    has_all_recipients: bool,
    has_body: bool,
    mail_reply: Option<Reply>,
    recipient_replies: Vec<Option<Reply>>,
}

impl<O: Originator> Errand<O> {
    /// Goes on with what [`Driver::start`] gave.
    pub(crate) fn new(originator: O, (driver, mail): (Driver, Pending)) -> Self {
        Self {
            originator,
            driver,
            mail: Some(mail),
            rcpts: Vec::new(),
            has_all_recipients: false,
            has_body: false,
            mail_reply: None,
            recipient_replies: Vec::new(),
        }
    }

    /// Goes on until there is a reply that makes an end: the final one, or the refusal of MAIL or of
    /// all recipients.
    ///
    /// # Errors
    ///
    /// [`Aborted`] where the originator gave up.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Aborted>> {
        self.feed(cx)?;
        loop {
            // What the service answers now is looked at right after.
            let rcpts = self.rcpts.iter_mut().map(|(_, pending)| pending);
            let pendings = self.mail.iter_mut().chain(rcpts);
            pendings.for_each(Pending::unregister);
            // Its end shows in the final reply.
            let _ = self.driver.poll_progress(cx);
            let is_answered = self.answer(cx);
            if let Some(reply) = self.end() {
                return Poll::Ready(Ok(reply));
            }
            // Only where a reply made the originator give more is there more to do.
            if !is_answered || !self.feed(cx)? {
                return Poll::Pending;
            }
        }
    }

    /// Drops the call, if it has not ended.
    pub(crate) fn abandon(&mut self) {
        self.driver.abandon();
    }

    /// The reply to MAIL, once it was given.
    pub(crate) fn take_mail_reply(&mut self) -> Option<Reply> {
        self.mail_reply.take()
    }

    /// The replies to the recipients by their index, as far as they were given.
    pub(crate) fn recipient_replies(&self) -> &[Option<Reply>] {
        &self.recipient_replies
    }

    /// As [`Errand::recipient_replies`], at the end.
    pub(crate) fn take_recipient_replies(&mut self) -> Vec<Option<Reply>> {
        std::mem::take(&mut self.recipient_replies)
    }

    /// Whether a recipient was accepted.
    pub(crate) fn is_any_accepted(&self) -> bool {
        let mut replies = self.recipient_replies.iter().flatten();
        replies.any(Reply::is_positive)
    }

    /// Hands on what has arrived; says whether that was the message.
    fn feed(&mut self, cx: &mut Context<'_>) -> Result<bool, Aborted> {
        while !self.has_all_recipients && self.driver.poll_rcpt_ready(cx).is_ready() {
            match self.originator.poll_recipient(cx) {
                Poll::Pending => break,
                Poll::Ready(None) => {
                    self.driver.data();
                    self.has_all_recipients = true;
                }
                Poll::Ready(Some((index, rcpt))) => {
                    let pending = self.driver.start_rcpt(rcpt);
                    self.rcpts.push((index, pending));
                }
            }
        }
        if self.has_all_recipients
            && !self.has_body
            && let Poll::Ready(body) = self.originator.poll_body(cx)
        {
            self.driver.whole_body(body?);
            self.has_body = true;
            return Ok(true);
        }
        Ok(false)
    }

    /// Passes back what was answered; says whether something was.
    fn answer(&mut self, cx: &mut Context<'_>) -> bool {
        let mut is_answered = false;
        if let Some(mail) = &mut self.mail
            && let Poll::Ready(reply) = Pin::new(mail).poll(cx)
        {
            self.mail = None;
            self.mail_reply = Some(self.originator.take_mail_reply(reply));
            is_answered = true;
        }
        let Self {
            originator,
            rcpts,
            recipient_replies,
            ..
        } = self;
        rcpts.retain_mut(|(index, pending)| {
            let Poll::Ready(reply) = Pin::new(pending).poll(cx) else {
                return true;
            };
            is_answered = true;
            if recipient_replies.len() <= *index {
                recipient_replies.resize(*index + 1, None);
            }
            recipient_replies[*index] = Some(originator.take_rcpt_reply(*index, reply));
            false
        });
        is_answered
    }

    /// The reply that makes an end, if it is known.
    fn end(&self) -> Option<Reply> {
        let is_mail_refused = self.mail_reply.as_ref().is_some_and(Reply::is_negative);
        let is_envelope_answered = self.has_all_recipients && self.rcpts.is_empty();
        if let Some(reply) = self.driver.final_reply() {
            // Where nobody is left to send to, a chain may end with words of its own, which are
            // not what the recipients were refused with.
            let refusal = if is_envelope_answered && !is_mail_refused {
                self.refusal()
            } else {
                None
            };
            return Some(refusal.unwrap_or(reply).clone());
        }
        if is_mail_refused {
            return self.mail_reply.clone();
        }
        if self.has_body || !is_envelope_answered || self.is_any_accepted() {
            return None;
        }
        let refusal = self.refusal().cloned();
        refusal.or_else(|| Some(Reply::no_valid_recipients()))
    }

    /// What stands for all recipients, where there are some and each was refused.
    fn refusal(&self) -> Option<&Reply> {
        if self.is_any_accepted() {
            return None;
        }
        Reply::standing_for(self.recipient_replies.iter().flatten())
    }
}
