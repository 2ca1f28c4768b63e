//! Messages: what is asked of the transactions that one request has made for several recipients, and what is
//! answered.
//!
//! Whoever answers a [`MessageRequest`] is a [`MessageService`]: the stage
//! [`RestHandler`](crate::stage::rest_handler::RestHandler).

use std::{fmt, str::FromStr, time::Duration};

use tower::{BoxError, Service};

use crate::storage::record::TransactionId;

use super::{Caller, Create, ListedTransaction, Location, Refusal, Version, WaitFor};

/// A request for a message.
#[derive(Debug)]
pub struct MessageRequest {
    /// Who asks.
    pub caller: Caller,
    /// What is asked.
    pub operation: MessageOperation,
}

/// What is asked of a message.
#[derive(Debug)]
pub enum MessageOperation {
    /// Make a transaction for each recipient: all of them or none. The message comes with it.
    Create(Box<Create>),
    /// Read them.
    Read(ReadMessage),
    /// Give them up, as far as they are not over.
    Cancel(MessageId),
}

/// Reads a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadMessage {
    /// Which.
    pub message: MessageId,
    /// The version that is known already: only another is of interest.
    pub if_none_match: Option<Version>,
    /// How long to wait for another version; or, where none is known, for `wait_for`.
    pub wait: Option<Duration>,
    /// For what of each transaction, where no version is known.
    pub wait_for: WaitFor,
}

/// The answer to a [`MessageRequest`].
#[derive(Debug, Clone, PartialEq)]
pub enum MessageResponse {
    /// The message was made, or had been by the request that this one repeats.
    Created {
        /// The message.
        message: MessageView,
        /// Whether it was made by an earlier request, which this one repeats.
        is_replayed: bool,
    },
    /// The message as it is now.
    Current(MessageView),
    /// The version that was asked about is still the current one.
    Unchanged(Version),
    /// The request is not granted.
    Refused(Refusal),
}

/// A message as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageView {
    /// Which it is.
    pub id: MessageId,
    /// Its transactions, in the order of its recipients; those that are not kept any more are left out.
    pub transactions: Vec<ListedTransaction>,
    /// Its version: another one whenever one of its transactions has another.
    pub version: Version,
}

/// The identity of a message that has a transaction for each recipient.
///
/// Those of the transactions follow from it, so that nothing has to be kept for the message itself.
///
/// *Shape*: as text the identity of the first transaction, `-`, and how many there are.
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
    /// The message with so many transactions of which this is the first.
    pub(crate) fn new(first: TransactionId, transactions: usize) -> Self {
        Self {
            first,
            transactions,
        }
    }

    /// How many transactions it has.
    pub fn count(&self) -> usize {
        self.transactions
    }

    /// The identities of its transactions, in the order of its recipients.
    pub fn transactions(&self) -> impl Iterator<Item = TransactionId> + use<> {
        let first = self.first;
        (0..self.transactions).map(move |index| first.of_message(index))
    }

    /// Where it is.
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
