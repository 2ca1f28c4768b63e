//! How an endpoint takes in a transaction's envelope: [`Intake`].

use std::{
    collections::VecDeque,
    future::poll_fn,
    task::{Context, Poll, ready},
};

use crate::reply::Reply;

use super::{Aborted, Command, Mail, Rcpt, Recipients, Slot};

/// The envelope of a transaction, pulled as far as upstream can be told of it.
///
/// For endpoints that tell upstream everything available in one go, to save round trips:
/// [`Intake::gather`] takes what has already arrived without waiting, and [`Intake::poll_more`]
/// waits for more beside upstream's replies.
///
/// # Example
///
/// ```
/// use koukan_core::{
///     reply::Reply,
///     test_util::{mail, rcpt, send},
///     transaction::{Intake, Transaction},
/// };
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// // Refuses everybody, all in one go.
/// let closed = tower::service_fn(|tx: Transaction| async move {
///     let mut intake = Intake::new(tx.mail, tx.recipients, 100);
///     intake.wait_for_recipient().await?;
///     intake.answer_mail(Reply::sender_ok());
///     while let Some(rcpt) = intake.next_recipient() {
///         rcpt.answer(Reply::relay_denied());
///     }
///     Ok::<_, tower::BoxError>(Reply::no_valid_recipients())
/// });
/// let to = ["bob@y", "eve@z"].map(rcpt);
/// let outcome = send(closed, mail("alice@x"), to, "\r\nhello\r\n").await;
/// assert_eq!(outcome.recipients, [Reply::relay_denied(), Reply::relay_denied()]);
/// # });
/// ```
#[derive(Debug)]
pub struct Intake {
    mail: Mail,
    /// Present until MAIL is answered.
    mail_slot: Option<Slot>,
    recipients: Recipients,
    is_end: bool,
    waiting: VecDeque<Command<Rcpt>>,
    waiting_max: usize,
}

impl Intake {
    /// Takes in a transaction. At most `waiting_max` recipients are pulled before they are taken
    /// out with [`Intake::next_recipient`].
    pub fn new(mail: Command<Mail>, recipients: Recipients, waiting_max: usize) -> Self {
        let (mail, slot) = mail.into_parts();
        Self {
            mail,
            mail_slot: Some(slot),
            recipients,
            is_end: false,
            waiting: VecDeque::new(),
            waiting_max,
        }
    }

    /// The MAIL command.
    pub fn mail(&self) -> &Mail {
        &self.mail
    }

    /// Answers MAIL, unless it was answered.
    pub fn answer_mail(&mut self, reply: Reply) {
        if let Some(slot) = self.mail_slot.take() {
            slot.answer(reply);
        }
    }

    /// The recipients that were pulled and not taken out, in order.
    pub fn waiting(&self) -> impl Iterator<Item = &Command<Rcpt>> {
        self.waiting.iter()
    }

    /// Whether no recipient is waiting to be taken out.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether all recipients were pulled.
    pub fn is_end(&self) -> bool {
        self.is_end
    }

    /// Takes out the first waiting recipient.
    pub fn next_recipient(&mut self) -> Option<Command<Rcpt>> {
        self.waiting.pop_front()
    }

    /// Puts a recipient that was taken out back before all others: upstream must be told of it
    /// again.
    pub fn put_back(&mut self, rcpt: Command<Rcpt>) {
        self.waiting.push_front(rcpt);
    }

    /// Pulls the recipients that have arrived, without waiting for more.
    ///
    /// If the originator gives several things in a row, the call advances after the last.
    ///
    /// # Errors
    ///
    /// [`Aborted`] if the originator is gone; nothing may be delivered then.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it ends.
    pub async fn gather(&mut self) -> Result<(), Aborted> {
        poll_fn(|cx| self.poll_gather(cx)).await
    }

    fn poll_gather(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Aborted>> {
        while !self.is_end && self.poll_more(cx)?.is_ready() {}
        Poll::Ready(Ok(()))
    }

    /// Waits until a recipient is waiting to be taken out, or none will come. If none is there yet,
    /// answers MAIL with 250, so that the client sends its next command.
    ///
    /// # Errors
    ///
    /// As [`Intake::gather`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost if it is dropped before it ends.
    pub async fn wait_for_recipient(&mut self) -> Result<(), Aborted> {
        self.gather().await?;
        while self.waiting.is_empty() && !self.is_end {
            self.answer_mail(Reply::sender_ok());
            poll_fn(|cx| self.poll_more(cx)).await?;
            self.gather().await?;
        }
        Ok(())
    }

    /// Pulls the next recipient, or the end of them. Also pending while the maximum number is
    /// waiting, and after the end.
    ///
    /// # Errors
    ///
    /// As [`Intake::gather`].
    pub fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Aborted>> {
        if self.is_end || self.waiting.len() >= self.waiting_max {
            return Poll::Pending;
        }
        match ready!(self.recipients.poll_recipient(cx)?) {
            Some(rcpt) => self.waiting.push_back(rcpt),
            None => self.is_end = true,
        }
        Poll::Ready(Ok(()))
    }
}
