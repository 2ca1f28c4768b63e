#![doc = include_str!("../../docs/callbacks.md")]

mod body;
mod layer;
mod service;

pub use self::{
    layer::{CallbackLayer, callbacks},
    service::CallbackService,
};

use bytes::Bytes;

use crate::{
    reply::{Rejection, Reply},
    transaction::{Mail, Rcpt},
};

/// A filter of one transaction, as callbacks. By default each passes everything on.
///
/// The [module documentation](self) has an example.
pub trait Callbacks: Send + Sync + 'static {
    /// Checks MAIL; may change it or reject the transaction.
    ///
    /// # Errors
    ///
    /// The rejection.
    fn mail(&self, mail: &mut Mail) -> impl Future<Output = Result<(), Rejection>> + Send {
        let _ = mail;
        async { Ok(()) }
    }

    /// Checks a RCPT; may change or reject it.
    ///
    /// # Errors
    ///
    /// The rejection of this recipient.
    fn rcpt(&self, rcpt: &mut Rcpt) -> impl Future<Output = Result<(), Rejection>> + Send {
        let _ = rcpt;
        async { Ok(()) }
    }

    /// Sees octets of the message; may replace them or reject the message.
    ///
    /// *Shape*: chunks of any length, cut anywhere.
    ///
    /// # Errors
    ///
    /// The rejection of the message.
    fn body(&self, chunk: Bytes) -> Result<Bytes, Rejection> {
        Ok(chunk)
    }

    /// Is called after the last octets of the message; may reject it.
    ///
    /// Not called when the message does not end cleanly.
    ///
    /// # Errors
    ///
    /// The rejection of the message.
    fn end(&self) -> impl Future<Output = Result<(), Rejection>> + Send {
        async { Ok(()) }
    }

    /// Sees a reply from upstream; may replace it.
    ///
    /// Rejections by this filter itself are not passed to it, nor are failures.
    fn reply(&self, to: Phase<'_>, reply: Reply) -> Reply {
        let _ = to;
        reply
    }

    /// Whether [`Callbacks::body`] and [`Callbacks::end`] are called.
    ///
    /// Return `false` if you do not implement these two: then a message can be passed on by
    /// reference.
    fn sees_body(&self) -> bool {
        true
    }
}

/// The command that a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase<'a> {
    /// MAIL.
    Mail(&'a Mail),
    /// A RCPT.
    Rcpt(&'a Rcpt),
    /// The message: the final reply.
    Message,
}
