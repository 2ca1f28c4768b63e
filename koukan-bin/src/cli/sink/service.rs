//! The sink as a mail service.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use koukan_core::{reply::Reply, transaction::Transaction};
use tower::{BoxError, Service};

use super::Rule;

/// The most octets in a message.
const MESSAGE_MAX: usize = 256 << 20;

/// Accepts every message that no rule refuses, and reports it.
#[derive(Clone)]
pub(crate) struct Sink {
    rcpt: Refusal,
    message: Refusal,
    tell: Arc<dyn Fn(Received) + Send + Sync>,
}

/// Gives the reply for a recipient that is to be refused.
type Refusal = Arc<dyn Fn(&str) -> Option<Reply> + Send + Sync>;

/// A message that has arrived.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) message: Bytes,
}

impl Sink {
    pub(crate) fn new(tell: impl Fn(Received) + Send + Sync + 'static) -> Self {
        Self {
            rcpt: Arc::new(|_| None),
            message: Arc::new(|_| None),
            tell: Arc::new(tell),
        }
    }

    pub(crate) fn refusing(self, rules: Vec<Rule>) -> Self {
        self.refusing_by(move |to| rules.iter().find_map(|rule| rule.refusal(to)))
    }

    pub(crate) fn refusing_messages(self, rules: Vec<Rule>) -> Self {
        self.refusing_messages_by(move |to| rules.iter().find_map(|rule| rule.refusal(to)))
    }

    /// Refuses recipients at RCPT for which `refusal` gives a reply.
    pub(crate) fn refusing_by(
        mut self,
        refusal: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        self.rcpt = Arc::new(refusal);
        self
    }

    /// Refuses messages at their end if `refusal` gives a reply for one of their recipients.
    pub(crate) fn refusing_messages_by(
        mut self,
        refusal: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        self.message = Arc::new(refusal);
        self
    }

    async fn take(self, mut tx: Transaction) -> Result<Reply, BoxError> {
        let from = tx.mail.reverse_path().to_string();
        tx.mail.answer(Reply::sender_ok());
        let mut to = Vec::new();
        while let Some(rcpt) = tx.recipients.next().await? {
            let recipient = rcpt.forward_path().to_string();
            match (self.rcpt)(&recipient) {
                Some(refusal) => rcpt.answer(refusal),
                None => {
                    to.push(recipient);
                    rcpt.answer(Reply::recipient_ok());
                }
            }
        }
        let message = tx.body.collect(MESSAGE_MAX).await?;
        if let Some(refusal) = to.iter().find_map(|to| (self.message)(to)) {
            return Ok(refusal);
        }
        (self.tell)(Received { from, to, message });
        Ok(Reply::message_accepted())
    }
}

impl Service<Transaction> for Sink {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        Box::pin(self.clone().take(tx))
    }
}
