//! A message that an endpoint needs as a whole.

use std::ops::Deref;

use bytes::Bytes;

use crate::{
    blob::{Account, HeldOctets},
    body::{Body, BodyError},
    signals::Signals,
};

/// A whole message in memory. Its octets are charged to the [account](Signals::account) of the transaction
/// until this is dropped.
///
/// # Example
///
/// An endpoint that refuses a message it cannot keep, with the reply that says so:
///
/// ```
/// use koukan_core::{reply::Reply, transaction::{Collected, Transaction}};
/// use tower::BoxError;
///
/// async fn keep(mut tx: Transaction) -> Result<Reply, BoxError> {
///     tx.mail.answer(Reply::sender_ok());
///     while let Some(rcpt) = tx.recipients.next().await? {
///         rcpt.answer(Reply::recipient_ok());
///     }
///     let message = Collected::of(tx.body, &tx.signals, 10 << 20).await?;
///     println!("{}", String::from_utf8_lossy(&message));
///     Ok(Reply::message_accepted())
/// }
/// ```
#[derive(Debug)]
pub struct Collected {
    octets: Bytes,
    /// `None` if nobody is charged.
    _held: Option<HeldOctets>,
}

impl Collected {
    /// Collects the message of a transaction, up to `limit` octets.
    ///
    /// # Errors
    ///
    /// [`BodyError`]: a rejection with [`Reply::message_too_big`](crate::reply::Reply::message_too_big), or with
    /// [`Reply::insufficient_storage`](crate::reply::Reply::insufficient_storage) if the account has no room.
    /// Passed on with `?`, it becomes the reply.
    pub async fn of(body: Body, signals: &Signals, limit: usize) -> Result<Self, BodyError> {
        let mut held = signals.account().map(Account::hold);
        let octets = body.collect_held(limit, held.as_mut()).await?;
        if let Some(held) = &mut held {
            held.end();
        }
        Ok(Self {
            octets,
            _held: held,
        })
    }
}

impl Deref for Collected {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.octets
    }
}
