//! Why nothing was found out: [`ScanError`].

use std::io;

use tower::BoxError;

/// Nothing was found out about a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The scanner takes no message of that size.
    #[error("the message is larger than the scanner takes")]
    TooLarge,
    /// The scanner has failed before, and is not asked for a while.
    #[error("the scanner is down")]
    Down,
    /// As many messages are being looked at as may be, for as long as one may wait.
    #[error("the scanner is busy")]
    Busy,
    /// The scanner's name has no address, or none that is known just now.
    #[error("no address of the scanner is known")]
    NoAddress(#[source] Option<koukan_core::network::LookupError>),
    /// There is no connection to it.
    #[error("cannot connect to the scanner")]
    NotConnected(#[source] io::Error),
    /// The connection broke, or the scanner took nothing for too long.
    #[error("lost the scanner")]
    Lost(#[source] BoxError),
    /// It has found nothing in a message of which it was not shown all.
    #[error("the scanner has answered before it had all of the message")]
    Early,
    /// It took too long, all in all.
    #[error("the scanner took too long")]
    Elapsed,
    /// It took too long, and is there: others are answered.
    #[error("the scanner took too long for this message")]
    Late,
    /// It was silent, and another address that was asked later has answered.
    #[error("the scanner was silent, and is at another address, too")]
    Overtaken,
    /// It does not say what a scanner says, or that it cannot do its work.
    #[error("the scanner says: {0}")]
    Said(Box<str>),
    /// The message could not be read here.
    #[error("the message cannot be read")]
    Unread,
}

/// Octets of what a scanner says that are kept.
const SAID_MAX: usize = 200;

impl ScanError {
    /// That the scanner has said this, which is no finding.
    pub fn said(text: &str) -> Self {
        let kept = text.chars().filter(|c| !c.is_control()).take(SAID_MAX);
        Self::Said(kept.collect())
    }

    /// Whether the scanner has taken nothing for too long: nor will it say anything.
    pub(crate) fn is_slow_write(&self) -> bool {
        let Self::Lost(error) = self else {
            return false;
        };
        let error = error.downcast_ref::<io::Error>();
        error.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
    }

    /// Whether it tells of the scanner, and not of the message or of how much there is to do.
    pub fn is_scanners_fault(&self) -> bool {
        !matches!(
            self,
            Self::TooLarge | Self::Down | Self::Busy | Self::Late | Self::Unread
        )
    }
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.into())
    }
}
