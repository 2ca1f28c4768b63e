//! What differs between servers: [`Scanner`].

use std::fmt;

use koukan_core::{network::BoxWire, reply::Reply, signals::DurableSignal};

use crate::{Finding, Question, ScanError};

/// A kind of server that scans messages.
pub trait Scanner: fmt::Debug + Send + Sync + 'static {
    /// The signal that carries the finding.
    type Signal: DurableSignal + From<Finding> + Into<Finding> + Send;

    /// Shows a message on a new connection, and reads the answer. The caller ends a write that takes too long,
    /// and the whole call.
    ///
    /// # Errors
    ///
    /// [`ScanError`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, nothing is known, and the connection is closed.
    fn ask(
        &self,
        wire: BoxWire,
        question: Question<'_>,
    ) -> impl Future<Output = Result<Finding, ScanError>> + Send;

    /// Asks on a new connection whether a server is there, without a message. The caller limits the time.
    ///
    /// A server that answers this has not failed, even if it takes long for a message. The default cannot ask, and
    /// returns an error.
    ///
    /// # Errors
    ///
    /// [`ScanError`]: the server is not there, or does not answer as it should.
    fn ping(&self, wire: BoxWire) -> impl Future<Output = Result<(), ScanError>> + Send {
        drop(wire);
        std::future::ready(Err(ScanError::Elapsed))
    }

    /// The default reply to a message with this finding; `None` lets it pass.
    fn refusal(&self, finding: &Finding) -> Option<Reply>;
}
