//! A transaction that may share another.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tower::BoxError;

use crate::{
    body::{Body, MessageToken},
    context,
    reply::Reply,
    signals::Signals,
    transaction::{Command, Mail, Rcpt, Recipients, Slot, Start, Transaction},
};

use super::{group::Group, key::Key, service::Shared};

/// A transaction that looks for its group. It leaves the group when this is dropped.
pub(super) struct Member(Stage);

enum Stage {
    Joining(Joining),
    Joined(Joined),
    /// It has ended.
    Over,
}

/// A transaction without a recipient so far.
struct Joining {
    shared: Arc<Shared>,
    context: Arc<context::Context>,
    mail: Mail,
    /// Until MAIL is answered.
    slot: Option<Slot>,
    recipients: Recipients,
    body: Body,
    signals: Signals,
    token: Option<MessageToken>,
}

/// A place in a group, which is left when this is dropped.
pub(super) struct Membership {
    pub(super) group: Arc<Group>,
    pub(super) index: usize,
}

/// A member of a group.
struct Joined {
    own: Membership,
    /// Until they have ended.
    recipients: Option<Recipients>,
    /// Until it is there.
    body: Option<Body>,
}

impl Member {
    pub(super) fn new(
        shared: Arc<Shared>,
        transaction: Transaction,
        token: Option<MessageToken>,
    ) -> Self {
        let Transaction {
            context,
            mail,
            recipients,
            body,
            signals,
        } = transaction;
        let (mail, slot) = mail.into_parts();
        Self(Stage::Joining(Joining {
            shared,
            context,
            mail,
            slot: Some(slot),
            recipients,
            body,
            signals,
            token,
        }))
    }
}

impl Joining {
    /// Waits for the first recipient, since the destination may be known only then.
    fn poll_first(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Command<Rcpt>>, BoxError>> {
        let first = self.recipients.poll_recipient(cx)?;
        // A client that waits for the reply to MAIL before it sends RCPT must not wait for ever.
        if first.is_pending()
            && let Some(slot) = self.slot.take()
        {
            slot.answer(Reply::sender_ok());
        }
        first.map(Ok)
    }

    /// Finds the transaction's group.
    fn join(self, first: Command<Rcpt>) -> Joined {
        let Self {
            shared,
            context,
            mail,
            slot,
            recipients,
            body,
            signals,
            token,
        } = self;
        let start = Start {
            context,
            mail,
            signals,
            token,
        };
        Joined {
            own: Membership::find(&shared, start, slot, first, false),
            recipients: Some(recipients),
            body: Some(body),
        }
    }
}

impl Membership {
    /// Finds a transaction's group, with its first recipient and the open reply to MAIL. A member that
    /// `is_direct` is polled whenever it is woken, or is dropped: nothing stands between it and its
    /// originator.
    pub(super) fn find(
        shared: &Arc<Shared>,
        start: Start,
        slot: Option<Slot>,
        first: Command<Rcpt>,
        is_direct: bool,
    ) -> Self {
        let Start {
            context,
            mail,
            signals,
            token,
        } = start;
        let copies = token.as_ref().map(MessageToken::of_all);
        // All carry the same message, and thus its id.
        let told = shared.tells_signals.then(|| signals.carried_values());
        let goes = (signals.find(), told);
        let key = Key::new(copies, context, mail, goes, first.request());
        // Whoever waits for this copy finds it in the group, so its token is dropped after that.
        // A create contains all recipients that are there when it is made, so it waits for those that arrive at the
        // same time.
        let may_drive = is_direct
            && !shared.passes_lone
            && token.as_ref().is_some_and(MessageToken::is_of_one_task);
        let first = (slot, first, signals.departure().cloned());
        let (group, index) = Group::find(shared, key, signals, token.as_ref(), first, may_drive);
        Self { group, index }
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Reply> {
        self.group.poll_member(self.index, cx)
    }
}

impl Joined {
    /// Passes on what has arrived.
    fn feed(&mut self, cx: &mut Context<'_>) -> Result<(), BoxError> {
        let Membership { group, index } = &self.own;
        while let Some(recipients) = &mut self.recipients {
            match recipients.poll_recipient(cx)? {
                Poll::Pending => return Ok(()),
                Poll::Ready(Some(rcpt)) => group.seat(*index, rcpt),
                Poll::Ready(None) => {
                    self.recipients = None;
                    group.has_all_recipients(*index);
                }
            }
        }
        if let Some(mut body) = self.body.take() {
            match body.poll_body_ready(cx)? {
                Poll::Ready(()) => group.give(*index, body),
                Poll::Pending => self.body = Some(body),
            }
        }
        Ok(())
    }
}

impl Future for Member {
    type Output = Result<Reply, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self(stage) = self.get_mut();
        if let Stage::Joining(joining) = stage {
            let Some(first) = ready!(joining.poll_first(cx)?) else {
                return Poll::Ready(Ok(Reply::no_valid_recipients()));
            };
            if let Stage::Joining(joining) = mem::replace(stage, Stage::Over) {
                *stage = Stage::Joined(joining.join(first));
            }
        }
        let Stage::Joined(joined) = stage else {
            return Poll::Pending;
        };
        let polled = match joined.feed(cx) {
            Ok(()) => joined.own.poll(cx).map(Ok),
            Err(error) => Poll::Ready(Err(error)),
        };
        if polled.is_ready() {
            // Others may continue what this member has driven.
            *stage = Stage::Over;
        }
        polled
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.group.leave(self.index);
    }
}
