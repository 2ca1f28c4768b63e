//! Messages: requests about the transactions that one request has made for several recipients, and their
//! answers.
//!
//! A [`MessageService`] answers a [`MessageRequest`]; the stage
//! [`RestHandler`](crate::stage::rest_handler::RestHandler) is one.

use std::{fmt, str::FromStr, time::Duration};

use tower::{BoxError, Service};

use crate::storage::record::TransactionId;

use super::{Caller, Create, ListedTransaction, Location, Refusal, Version, WaitFor};

/// A request for a message.
#[derive(Debug)]
pub struct MessageRequest {
    /// The caller.
    pub caller: Caller,
    /// The operation.
    pub operation: MessageOperation,
}

/// An operation on a message.
#[derive(Debug)]
pub enum MessageOperation {
    /// Create a transaction for each recipient, all or none. The request contains the message.
    Create(Box<Create>),
    /// Read them.
    Read(ReadMessage),
    /// Cancel those that are not over.
    Cancel(MessageId),
}

/// Reads a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadMessage {
    /// Which.
    pub message: MessageId,
    /// The version that is known already; the answer is wanted when there is another one.
    pub if_none_match: Option<Version>,
    /// How long to wait for another version; if none is known, for `wait_for`.
    pub wait: Option<Duration>,
    /// The state of each transaction to wait for, if no version is known.
    pub wait_for: WaitFor,
}

/// The answer to a [`MessageRequest`].
#[derive(Debug, Clone, PartialEq)]
pub enum MessageResponse {
    /// The message was created now, or by an earlier identical request.
    Created {
        /// The message.
        message: MessageView,
        /// Whether an earlier request has created it.
        is_replayed: bool,
    },
    /// The current state of the message.
    Current(MessageView),
    /// The version in the request is still current.
    Unchanged(Version),
    /// The request is refused.
    Refused(Refusal),
}

/// A message as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageView {
    /// Which it is.
    pub id: MessageId,
    /// Its transactions, in the order of its recipients. Those that are no longer kept are left out.
    pub transactions: Vec<ListedTransaction>,
    /// Its version, which changes whenever a transaction's version does.
    pub version: Version,
}

/// The identity of a message that has a transaction for each recipient.
///
/// The identities of the transactions follow from it, so nothing is stored for the message itself.
///
/// *Shape*: as text, the identity of the first transaction, `-`, and the number of transactions.
///
/// # Example
///
/// ```
/// use koukan_core::resource::MessageId;
///
/// let id: MessageId = "01arz3ndektsv4rrffq69g5fav-3".parse()?;
/// let transactions: Vec<_> = id.transactions().collect();
/// assert_eq!(transactions.len(), 3);
/// assert_eq!(transactions[0].to_string(), "01arz3ndektsv4rrffq69g5fav");
/// # Ok::<(), koukan_core::resource::InvalidMessageId>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageId {
    first: TransactionId,
    transactions: usize,
}

/// A text is not the identity of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a message, as in 01arz3ndektsv4rrffq69g5fav-3")]
pub struct InvalidMessageId;

impl MessageId {
    /// The message with `transactions` transactions, of which `first` is the first.
    pub(crate) fn new(first: TransactionId, transactions: usize) -> Self {
        Self {
            first,
            transactions,
        }
    }

    /// The number of its transactions.
    pub fn count(&self) -> usize {
        self.transactions
    }

    /// The identities of its transactions, in the order of its recipients.
    pub fn transactions(&self) -> impl Iterator<Item = TransactionId> + use<> {
        let first = self.first;
        (0..self.transactions).map(move |index| first.of_message(index))
    }

    /// Its location.
    pub fn location(&self) -> Location {
        Location::new(format!("/messages/{self}"))
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.transactions)
    }
}

impl FromStr for MessageId {
    type Err = InvalidMessageId;

    fn from_str(text: &str) -> Result<Self, InvalidMessageId> {
        let (first, count) = text.split_once('-').ok_or(InvalidMessageId)?;
        let is_number =
            count.bytes().all(|octet| octet.is_ascii_digit()) && !count.starts_with('0');
        let transactions = count.parse().ok().filter(|_| is_number);
        Ok(Self {
            first: first.parse().map_err(|_| InvalidMessageId)?,
            transactions: transactions.ok_or(InvalidMessageId)?,
        })
    }
}

impl From<Refusal> for MessageResponse {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A tower service that answers requests for messages.
///
/// A blanket alias, as [`ResourceService`](super::ResourceService) is.
pub trait MessageService:
    Service<MessageRequest, Response = MessageResponse, Error: Into<BoxError>, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> MessageService for S where
    S: Service<MessageRequest, Response = MessageResponse, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_parses_what_it_prints_and_nothing_else() {
        let id = MessageId::new(TransactionId::random(), 1000);
        assert_eq!(id.to_string().parse(), Ok(id));
        let first = id.first.to_string();
        for text in [
            "",
            "-",
            "x-1",
            &first,
            &format!("{first}-"),
            &format!("{first}-0"),
        ] {
            assert_eq!(text.parse::<MessageId>(), Err(InvalidMessageId), "{text}");
        }
        for count in ["01", "+1", "1 ", "99999999999999999999", "1-1"] {
            let text = format!("{first}-{count}");
            assert_eq!(text.parse::<MessageId>(), Err(InvalidMessageId), "{text}");
        }
    }

    #[test]
    fn its_transactions_are_the_same_each_time_and_none_is_there_twice() {
        let id = MessageId::new(TransactionId::random(), 1000);
        let found: BTreeSet<_> = id.transactions().collect();
        assert_eq!(found.len(), 1000);
        assert_eq!(id.transactions().next(), Some(id.first));
        assert_eq!(found, id.transactions().collect());
        let other = MessageId::new(TransactionId::random(), 1000);
        assert!(other.transactions().all(|it| !found.contains(&it)));
    }
}
