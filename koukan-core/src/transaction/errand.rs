//! Carries out one transaction for an originator that has all of it or gets it piece by piece:
//! [`Errand`].

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{body::Body, few::Few, reply::Reply};

use super::{Aborted, Pending, Rcpt, Upstream};

/// The source of what an [`Errand`] passes on, and the destination of the replies.
pub(crate) trait Originator {
    /// Whether there may be another recipient.
    fn has_recipients(&self) -> bool;

    /// The next recipient, and the index with which its reply is reported; `None` after the last.
    fn poll_recipient(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, Rcpt)>>;

    /// The message. It is requested once all recipients were passed on, and again whenever a command
    /// was answered.
    ///
    /// # Errors
    ///
    /// [`Aborted`] if there will be no message: nothing may be delivered.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Body, Aborted>>;

    /// Takes the reply to MAIL, and returns the reply that counts: a refusal ends everything.
    fn take_mail_reply(&mut self, reply: Reply) -> Reply;

    /// Takes the reply to a recipient, and returns the reply that counts: if no recipient is
    /// accepted, the message is not requested.
    fn take_rcpt_reply(&mut self, index: usize, reply: Reply) -> Reply;
}

/// A transaction and its originator.
///
/// It does not wait for a reply before it passes on the next item: everything available goes
/// upstream at once, so that an endpoint can pipeline.
pub(crate) struct Errand<O> {
    pub(crate) originator: O,
    upstream: Upstream,
    mail: Option<Pending>,
    mail_reply: Option<Reply>,
    rcpts: Few<Asked>,
    /// How many of them have no reply yet.
    unanswered: usize,
    has_all_recipients: bool,
    has_body: bool,
}

/// A recipient that was handed on.
struct Asked {
    index: usize,
    pending: Pending,
    reply: Option<Reply>,
}

impl<O: Originator> Errand<O> {
    /// Continues a transaction that has begun. Without `mail`, nobody is interested in the reply to
    /// MAIL.
    pub(crate) fn new(originator: O, upstream: Upstream, mail: Option<Pending>) -> Self {
        Self {
            originator,
            upstream,
            mail,
            mail_reply: None,
            rcpts: Few::new(),
            unanswered: 0,
            has_all_recipients: false,
            has_body: false,
        }
    }

    /// Continues until there is a reply that ends the transaction: the final one, or the refusal of
    /// MAIL or of all recipients.
    ///
    /// # Errors
    ///
    /// [`Aborted`] if the originator gave up.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<Reply, Aborted>> {
        self.feed(cx)?;
        loop {
            // What the service answers now is looked at right after.
            let rcpts = self.rcpts.iter_mut();
            let unanswered = rcpts.filter(|rcpt| rcpt.reply.is_none());
            let rcpts = unanswered.map(|rcpt| &mut rcpt.pending);
            let pendings = self.mail.iter_mut().chain(rcpts);
            pendings.for_each(Pending::unregister);
            // Its end shows in the final reply.
            let _ = self.upstream.poll_progress(cx);
            let is_answered = self.answer(cx);
            if let Some(reply) = self.end() {
                return Poll::Ready(Ok(reply));
            }
            // Only a reply that made the originator give more leaves more to do.
            if !is_answered || !self.feed(cx)? {
                return Poll::Pending;
            }
        }
    }

    /// Drops the call, if it has not ended.
    pub(crate) fn abandon(&mut self) {
        self.upstream.abandon();
    }

    /// The reply to MAIL, once it was given.
    pub(crate) fn take_mail_reply(&mut self) -> Option<Reply> {
        self.mail_reply.take()
    }

    /// The replies to the recipients by their index, as far as they were given.
    pub(crate) fn take_recipient_replies(&mut self) -> Vec<Option<Reply>> {
        let mut replies = Vec::with_capacity(self.rcpts.len());
        for rcpt in self.rcpts.take() {
            if replies.len() <= rcpt.index {
                replies.resize(rcpt.index + 1, None);
            }
            replies[rcpt.index] = rcpt.reply;
        }
        replies
    }

    /// Whether a recipient was accepted.
    pub(crate) fn is_any_accepted(&self) -> bool {
        self.recipient_replies().any(Reply::is_positive)
    }

    fn recipient_replies(&self) -> impl Iterator<Item = &Reply> {
        self.rcpts.iter().filter_map(|rcpt| rcpt.reply.as_ref())
    }

    /// Passes on what has arrived. Returns whether anything has; the driver must be polled then.
    fn feed(&mut self, cx: &mut Context<'_>) -> Result<bool, Aborted> {
        let mut is_fed = false;
        while !self.has_all_recipients {
            let next = if !self.originator.has_recipients() {
                None
            } else if self.upstream.poll_rcpt_ready(cx).is_pending() {
                break;
            } else if let Poll::Ready(next) = self.originator.poll_recipient(cx) {
                next
            } else {
                break;
            };
            is_fed = true;
            self.upstream.expect();
            if let Some((index, rcpt)) = next {
                let pending = self.upstream.start_rcpt(rcpt);
                self.rcpts.push(Asked {
                    index,
                    pending,
                    reply: None,
                });
                self.unanswered += 1;
            } else {
                self.upstream.data();
                self.has_all_recipients = true;
            }
        }
        if self.has_all_recipients
            && !self.has_body
            && let Poll::Ready(body) = self.originator.poll_body(cx)
        {
            self.upstream.expect();
            self.upstream.whole_body(body?);
            self.has_body = true;
            is_fed = true;
        }
        Ok(is_fed)
    }

    /// Passes back the replies. Returns whether there were any.
    fn answer(&mut self, cx: &mut Context<'_>) -> bool {
        let mut is_answered = false;
        if let Some(mail) = &mut self.mail
            && let Poll::Ready(reply) = Pin::new(mail).poll(cx)
        {
            self.mail = None;
            self.mail_reply = Some(self.originator.take_mail_reply(reply));
            is_answered = true;
        }
        if self.unanswered == 0 {
            return is_answered;
        }
        for rcpt in self.rcpts.iter_mut().filter(|rcpt| rcpt.reply.is_none()) {
            if let Poll::Ready(reply) = Pin::new(&mut rcpt.pending).poll(cx) {
                rcpt.reply = Some(self.originator.take_rcpt_reply(rcpt.index, reply));
                self.unanswered -= 1;
                is_answered = true;
            }
        }
        is_answered
    }

    /// The reply that ends the transaction, if it is known.
    fn end(&self) -> Option<Reply> {
        let is_mail_refused = self.mail_reply.as_ref().is_some_and(Reply::is_negative);
        let is_envelope_answered = self.has_all_recipients && self.unanswered == 0;
        if let Some(reply) = self.upstream.final_reply() {
            // If no recipient is left, a chain may end with a reply of its own, which is not the
            // one with which the recipients were refused.
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

    /// The reply for all recipients, if there are some and each was refused.
    fn refusal(&self) -> Option<&Reply> {
        if self.is_any_accepted() {
            return None;
        }
        Reply::standing_for(self.recipient_replies())
    }
}
