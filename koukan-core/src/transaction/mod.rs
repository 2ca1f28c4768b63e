#![doc = include_str!("../docs/transaction.md")]

mod call;
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
    command::Command,
    driver::{Driver, Ended},
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
    /// What filters found out so far.
    pub signals: Signals,
}

impl Transaction {
    /// Changes the MAIL command or the reply to it.
    #[must_use]
    pub fn map_mail(mut self, f: impl FnOnce(Command<Mail>) -> Command<Mail>) -> Self {
        self.mail = f(self.mail);
        self
    }

    /// Replaces the stream of recipients by what `f` makes of it.
    #[must_use]
    pub fn map_recipients(mut self, f: impl FnOnce(Recipients) -> Recipients) -> Self {
        self.recipients = f(self.recipients);
        self
    }

    /// Passes on the recipients that `f` lets pass; the others are answered with its rejection.
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

    /// Replaces the body by what `f` makes of it.
    #[must_use]
    pub fn map_body(mut self, f: impl FnOnce(Body) -> Body) -> Self {
        self.body = f(self.body);
        self
    }

    /// Puts octets, complete header fields, before the message, and adds them to what the message comes
    /// to; see [`Parameters::grow_size`](crate::path::Parameters::grow_size).
    #[must_use]
    pub fn prepend(mut self, octets: Bytes) -> Self {
        let parameters = &mut self.mail.request_mut().parameters;
        parameters.grow_size(octets.len() as u64);
        self.body.prepend(octets);
        self
    }

    /// Holds the whole message, up to `limit` octets, until `f` has made a body of it or rejected
    /// it; see [`Body::then_whole`]. What is held is charged to the
    /// [account](Signals::account) of the transaction: where that has no room the message is rejected with
    /// [`Reply::insufficient_storage`].
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
