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

    /// With what a message is refused of which that was found, where nobody says otherwise.
    fn refusal(&self, finding: &Finding) -> Option<Reply>;
}
