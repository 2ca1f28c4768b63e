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

/// One filter of one transaction, as callbacks that pass everything on unless they are written.
///
/// The [module documentation](self) has an example.
pub trait Callbacks: Send + Sync + 'static {
    /// Looks at MAIL, may change it, or rejects the transaction.
    ///
    /// # Errors
    ///
    /// The rejection.
    fn mail(&self, mail: &mut Mail) -> impl Future<Output = Result<(), Rejection>> + Send {
        let _ = mail;
        async { Ok(()) }
    }

    /// Looks at a RCPT, may change it, or rejects it.
    ///
    /// # Errors
    ///
    /// The rejection of this recipient.
    fn rcpt(&self, rcpt: &mut Rcpt) -> impl Future<Output = Result<(), Rejection>> + Send {
        let _ = rcpt;
        async { Ok(()) }
    }

    /// Looks at octets of the message, may put others in their place, or rejects the message.
    ///
    /// *Shape*: chunks of any length, cut anywhere.
    ///
    /// # Errors
    ///
    /// The rejection of the message.
    fn body(&self, chunk: Bytes) -> Result<Bytes, Rejection> {
        Ok(chunk)
    }

    /// Looks back on the whole message after its last octets, or rejects it.
    ///
    /// Not called when the message does not end cleanly.
    ///
    /// # Errors
    ///
    /// The rejection of the message.
    fn end(&self) -> impl Future<Output = Result<(), Rejection>> + Send {
        async { Ok(()) }
    }

    /// Looks at a reply that comes from further on, may put another in its place.
    ///
    /// Rejections of this filter itself do not pass here, and neither do failures.
    fn reply(&self, to: Phase<'_>, reply: Reply) -> Reply {
        let _ = to;
        reply
    }

    /// Whether [`Callbacks::body`] and [`Callbacks::end`] are to be called.
    ///
    /// Write it to return `false` where they are not written: the message is then passed on by
    /// reference where it can be.
    fn sees_body(&self) -> bool {
        true
    }
}

/// What a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase<'a> {
    /// MAIL.
    Mail(&'a Mail),
    /// A RCPT.
    Rcpt(&'a Rcpt),
    /// The message: the final reply.
    Message,
}
