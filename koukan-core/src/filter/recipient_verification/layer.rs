use tower::Layer;

use crate::event::Observers;

use super::{Verifier, VerifyRecipients};

/// Applies [`VerifyRecipients`]. All services made by it share the cache.
#[derive(Debug, Clone)]
pub struct RecipientVerificationLayer {
    pub(super) verifier: Verifier,
    pub(super) refuses: bool,
    pub(super) refuses_unknown: bool,
    pub(super) observers: Observers,
}

impl RecipientVerificationLayer {
    /// Refuses recipients that their destination refuses. Recipients whose result is unknown pass.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            refuses: true,
            refuses_unknown: false,
            observers: Observers::default(),
        }
    }

    /// Sets who is told of results.
    #[must_use]
    pub fn with_observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }

    /// Defers recipients whose result is unknown.
    #[must_use]
    pub fn refusing_unknown(mut self) -> Self {
        self.refuses_unknown = true;
        self
    }

    /// Lets all recipients pass: rules decide.
    #[must_use]
    pub fn without_refusal(mut self) -> Self {
        (self.refuses, self.refuses_unknown) = (false, false);
        self
    }
}

impl<S> Layer<S> for RecipientVerificationLayer {
    type Service = VerifyRecipients<S>;

    fn layer(&self, inner: S) -> VerifyRecipients<S> {
        VerifyRecipients::new(inner, self.clone())
    }
}
