use std::sync::Arc;

use crate::{
    blob::Blob,
    context::Context,
    signals::Signals,
    transaction::{Mail, Rcpt},
};

/// A whole mail transaction.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeliverRequest {
    /// The facts of the session.
    pub context: Arc<Context>,
    /// The MAIL command.
    pub mail: Mail,
    /// The RCPT commands.
    pub recipients: Vec<Rcpt>,
    /// The message; it may still grow.
    pub body: Blob,
    /// Signals that are known already. Clones of a request share them.
    pub signals: Signals,
}

impl DeliverRequest {
    /// A transaction without recipients and signals.
    pub fn new(context: Arc<Context>, mail: Mail, body: Blob) -> Self {
        Self {
            context,
            mail,
            recipients: Vec::new(),
            body,
            signals: Signals::default(),
        }
    }

    /// Adds a recipient.
    #[must_use]
    pub fn to(mut self, rcpt: Rcpt) -> Self {
        self.recipients.push(rcpt);
        self
    }

    /// The same transaction without its signals, for another attempt.
    #[must_use]
    pub fn without_signals(mut self) -> Self {
        self.signals = Signals::default();
        self
    }
}
