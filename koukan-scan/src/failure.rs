//! Why a message could not be scanned: [`ScanError`].

use std::io;

use tower::BoxError;

/// Why a message could not be scanned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The scanner takes no message of that size.
    #[error("the message is larger than the scanner takes")]
    TooLarge,
    /// The scanner has failed before, and is not asked for a while.
    #[error("the scanner is down")]
    Down,
    /// All turns are taken, and none became free within
    /// [`Limits::turn`](crate::server::Limits::turn).
    #[error("the scanner is busy")]
    Busy,
    /// The scanner's name has no address, or looking it up failed.
    #[error("no address of the scanner is known")]
    NoAddress(#[source] Option<koukan_core::network::LookupError>),
    /// No connection could be made.
    #[error("cannot connect to the scanner")]
    NotConnected(#[source] io::Error),
    /// The connection broke, or the scanner took no octets for too long.
    #[error("lost the scanner")]
    Lost(#[source] BoxError),
    /// The scanner answered "clean" before it had been shown the whole message.
    #[error("the scanner has answered before it had all of the message")]
    Early,
    /// The scanner did not answer within the time for the whole question.
    #[error("the scanner took too long")]
    Elapsed,
    /// The scanner took too long for this message, but answers others.
    #[error("the scanner took too long for this message")]
    Late,
    /// This address was silent, while another address that was asked later has answered.
    #[error("the scanner was silent at this address, while another address answered")]
    Overtaken,
    /// The answer is not one of the protocol, or says that the scanner cannot do its work.
    #[error("the scanner says: {0}")]
    Said(Box<str>),
    /// The message could not be read back here.
    #[error("the message cannot be read")]
    Unread,
}

/// Octets of the scanner's answer that are kept for the log, at most.
const SAID_MAX: usize = 200;

impl ScanError {
    /// The scanner has answered with this text, which is no finding.
    pub fn said(text: &str) -> Self {
        let kept = text.chars().filter(|c| !c.is_control()).take(SAID_MAX);
        Self::Said(kept.collect())
    }

    /// Whether a write took too long. Then no answer will come either.
    pub(crate) fn is_slow_write(&self) -> bool {
        let Self::Lost(error) = self else {
            return false;
        };
        let error = error.downcast_ref::<io::Error>();
        error.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
    }

    /// Whether the scanner is to blame, rather than the message or the load.
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
