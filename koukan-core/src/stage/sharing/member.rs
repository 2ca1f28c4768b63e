//! One transaction that may share another.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tower::BoxError;

use crate::{
    body::{Body, MessageToken},
    reply::Reply,
    transaction::{Recipients, Transaction},
};

use super::{group::Group, key::Key, service::Shared};

/// Finds the transaction's group, and stays in it to the end.
pub(super) async fn join(
    shared: Arc<Shared>,
    transaction: Transaction,
    token: Option<MessageToken>,
) -> Result<Reply, BoxError> {
    let Transaction {
        context,
        mail,
        mut recipients,
        body,
        signals,
    } = transaction;
    let (mail, slot) = mail.into_parts();
    let mut slot = Some(slot);
    // Where it goes may be known only then.
    let first = poll_fn(|cx| {
        let first = recipients.poll_recipient(cx);
        // Whoever waits for the reply to MAIL before the first RCPT is not to wait for ever.
        if first.is_pending()
            && let Some(slot) = slot.take()
        {
            slot.answer(Reply::sender_ok());
        }
        first
    });
    let Some(first) = first.await.transpose()? else {
        return Ok(Reply::no_valid_recipients());
    };
    let copies = token.as_ref().map(MessageToken::of_all);
    let key = Key::new(copies, context, mail, signals.find(), first.request());
    let (group, index) = Group::find(&shared, key, signals, token.as_ref());
    let member = Member {
        group,
        index,
        recipients: Some(recipients),
        body: Some(body),
    };
    member.group.seat_first(index, slot, first);
    // Who waits for this copy finds it where it is.
    drop(token);
    member.await
}

/// A member of a group, which leaves it when this is dropped.
struct Member {
    group: Arc<Group>,
    index: usize,
    /// Until they have ended.
    recipients: Option<Recipients>,
    /// Until it is there.
    body: Option<Body>,
}

impl Member {
    /// Passes on what has come.
    fn feed(&mut self, cx: &mut Context<'_>) -> Result<(), BoxError> {
        while let Some(recipients) = &mut self.recipients {
            match recipients.poll_recipient(cx)? {
                Poll::Pending => return Ok(()),
                Poll::Ready(Some(rcpt)) => self.group.seat(self.index, rcpt),
                Poll::Ready(None) => {
                    self.recipients = None;
                    self.group.has_all_recipients(self.index);
                }
            }
        }
        if let Some(mut body) = self.body.take() {
            match body.poll_body_ready(cx)? {
                Poll::Ready(()) => self.group.give(self.index, body),
                Poll::Pending => self.body = Some(body),
            }
        }
        Ok(())
    }
}

impl Future for Member {
    type Output = Result<Reply, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.feed(cx)?;
        this.group.poll_member(this.index, cx).map(Ok)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.group.leave(self.index);
    }
}
