#![doc = include_str!("../docs/transaction.md")]

mod call;
mod collected;
mod command;
mod commands;
mod direct;
mod driver;
mod errand;
mod first_recipient;
mod intake;
mod line;
mod mail_service;
mod owed;
mod panicked;
mod positions;
mod recipients;
mod rescue;
mod slot;

pub(crate) use self::{
    commands::Commands,
    direct::{Direct, Start, Taker, Upstream},
    errand::{Errand, Originator},
    owed::Owed,
    panicked::Panicked,
    positions::Positions,
    rescue::rescue,
    slot::{Lender, Loan, Watch},
};

pub use crate::{
    envelope::{Mail, Rcpt, dsn, future_release},
    failure::Aborted,
};

pub use self::{
    collected::Collected,
    command::Command,
    driver::{CallEnded, Driver},
    intake::Intake,
    mail_service::MailService,
    recipients::Recipients,
    slot::{GRACE, Pending, Slot},
};

use std::sync::Arc;

use crate::{
    blob::Account,
    body::Body,
    context::Context,
    message::{header_fields::HeaderFields, opening::SEPARATOR_MAX},
    reply::{Rejection, Reply},
    signals::Signals,
};

use bytes::Bytes;

/// One mail transaction, as a service sees it.
///
/// The [module documentation](self) states the five laws it obeys.
#[derive(Debug)]
pub struct Transaction {
    /// The facts of the session.
    pub context: Arc<Context>,
    /// The MAIL command.
    pub mail: Command<Mail>,
    /// The RCPT commands, as they come.
    pub recipients: Recipients,
    /// The message, as it comes.
    pub body: Body,
    /// The results of filters so far.
    pub signals: Signals,
}

impl Transaction {
    /// Changes the MAIL command or the reply to it.
    #[must_use]
    pub fn map_mail(mut self, f: impl FnOnce(Command<Mail>) -> Command<Mail>) -> Self {
        self.mail = f(self.mail);
        self
    }

    /// Replaces the stream of recipients with the one that `f` makes of it.
    #[must_use]
    pub fn map_recipients(mut self, f: impl FnOnce(Recipients) -> Recipients) -> Self {
        self.recipients = f(self.recipients);
        self
    }

    /// Passes on the recipients that `f` accepts; the others are answered with its rejection. `f` cannot wait: for a check
    /// that asks a database or another server, see [`Recipients::then`].
    #[must_use]
    pub fn filter_recipients<R: Into<Rejection>>(
        self,
        f: impl FnMut(&Rcpt) -> Result<(), R> + Send + 'static,
    ) -> Self {
        self.map_recipients(|recipients| recipients.filter(f))
    }

    /// Lets `f` see and change the reply to every recipient.
    #[must_use]
    pub fn map_recipient_replies(
        self,
        f: impl Fn(&Rcpt, Reply) -> Reply + Clone + Send + 'static,
    ) -> Self {
        self.map_recipients(|recipients| recipients.map_replies(f))
    }

    /// Replaces the body with the one that `f` makes of it.
    #[must_use]
    pub fn map_body(mut self, f: impl FnOnce(Body) -> Body) -> Self {
        self.body = f(self.body);
        self
    }

    /// Puts octets, which must be complete header fields, before the message, and adds them to its
    /// announced size; see [`Parameters::grow_size`](crate::path::Parameters::grow_size).
    #[must_use]
    pub fn prepend(mut self, octets: Bytes) -> Self {
        let parameters = &mut self.mail.request_mut().parameters;
        parameters.grow_size(octets.len() as u64);
        self.body.prepend(octets);
        self
    }

    /// Lets `f` read and change the fields of the header section, or reject the message. Nothing of the
    /// message passes upstream before the header section is complete; everything after it passes as it comes.
    /// The header section is charged to the [account](Signals::account) of the transaction.
    ///
    /// Upstream must know the message's size before `f` is called, so the announced size grows by `added`, about
    /// the most octets by which `f` makes the header section longer. See
    /// [`Parameters::grow_size`](crate::path::Parameters::grow_size). The announced size is an estimate: a message that
    /// grows more is still sent. Zero is right if `f` only reads, or only removes fields.
    ///
    /// | rejection | when |
    /// |---|---|
    /// | [`Reply::message_too_big`] | the header section has more than [`HEADER_MAX`](crate::body::HEADER_MAX) octets |
    /// | [`Reply::insufficient_storage`] | the account has no room for it |
    ///
    /// # Example
    ///
    /// ```
    /// use koukan_core::{
    ///     message::header_fields::HeaderFields,
    ///     middleware::{Next, from_fn},
    ///     reply::{Rejection, Reply},
    ///     test_util::{Script, mail, rcpt, send},
    ///     transaction::Transaction,
    /// };
    /// use tower::{BoxError, Layer};
    ///
    /// fn tag(header: &mut HeaderFields) -> Result<(), Rejection> {
    ///     if header.first("Subject").is_none() {
    ///         return Err(Reply::policy_refused().into());
    ///     }
    ///     header.remove("Bcc");
    ///     header.add("X-Seen", "yes").map_err(|_| Reply::local_error())?;
    ///     Ok(())
    /// }
    ///
    /// async fn filter(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    ///     next.run(tx.edit_header(13, tag)).await
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let upstream = Script::new();
    /// let service = from_fn(filter).layer(upstream.clone());
    /// let message = "Subject: hi\r\nBcc: c@y\r\n\r\nhello\r\n";
    /// send(service, mail("a@x"), [rcpt("b@y")], message).await;
    /// let received = upstream.only_received();
    /// assert_eq!(received.text(), "X-Seen: yes\r\nSubject: hi\r\n\r\nhello\r\n");
    /// # });
    /// ```
    #[must_use]
    pub fn edit_header<F, R>(mut self, added: u64, f: F) -> Self
    where
        F: FnOnce(&mut HeaderFields) -> Result<(), R> + Send + 'static,
        R: Into<Rejection>,
    {
        if added > 0 {
            let parameters = &mut self.mail.request_mut().parameters;
            parameters.grow_size(added + SEPARATOR_MAX as u64);
        }
        let signals = self.signals.clone();
        self.map_body(|body| {
            body.then(async move |mut body: Body| {
                let mut held = signals.account().map(Account::hold);
                let mut header = body.header_held(held.as_mut()).await?;
                f(&mut header).map_err(Into::into)?;
                body.set_header(&header);
                Ok(body)
            })
        })
    }

    /// Holds the whole message, up to `limit` octets, until `f` has made a body of it or rejected it; see
    /// [`Body::then_whole`]. The message is charged to the [account](Signals::account) of the transaction:
    /// if that has no room, the message is rejected with [`Reply::insufficient_storage`].
    #[must_use]
    pub fn then_whole<F, Fut>(self, limit: usize, f: F) -> Self
    where
        F: FnOnce(Bytes) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Body, Rejection>> + Send + 'static,
    {
        let signals = self.signals.clone();
        let held = move || signals.account().map(Account::hold);
        self.map_body(|body| body.then_whole_held(limit, held, f))
    }
}
