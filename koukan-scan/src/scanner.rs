//! What differs between servers: [`Scanner`].

use std::fmt;

use koukan_core::{network::BoxWire, reply::Reply, signals::DurableSignal};

use crate::{Finding, Question, ScanError};

/// A kind of server that looks at messages.
pub trait Scanner: fmt::Debug + Send + Sync + 'static {
    /// The signal that tells what was found.
    type Signal: DurableSignal + From<Finding> + Into<Finding> + Send;

    /// Shows a message on a new connection, and reads what the server says of it. Writes that take too long, and
    /// all of it, are ended by whoever asks.
    ///
    /// # Errors
    ///
    /// [`ScanError`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, nothing was found; the connection is closed.
    fn ask(
        &self,
        wire: BoxWire,
        question: Question<'_>,
    ) -> impl Future<Output = Result<Finding, ScanError>> + Send;

    /// Asks on a new connection whether a server is there, without a message. It is ended by whoever asks.
    ///
    /// A server that is asked takes long for a message, and is not held to have failed. Of one that cannot be asked that is
    /// not known.
    ///
    /// # Errors
    ///
    /// [`ScanError`]: it is not there, or does not say that it is.
    fn ping(&self, wire: BoxWire) -> impl Future<Output = Result<(), ScanError>> + Send {
        drop(wire);
        std::future::ready(Err(ScanError::Elapsed))
    }

    /// With what a message is refused of which that was found, where nobody says otherwise.
    fn refusal(&self, finding: &Finding) -> Option<Reply>;
}
