use tower::Layer;

use crate::event::Observers;

use super::{Verifier, VerifyRecipients};

/// Applies [`VerifyRecipients`]. All services that it makes know the same.
#[derive(Debug, Clone)]
pub struct RecipientVerificationLayer {
    pub(super) verifier: Verifier,
    pub(super) refuses: bool,
    pub(super) refuses_unknown: bool,
    pub(super) observers: Observers,
}

impl RecipientVerificationLayer {
    /// Refuses recipients that their destination refuses, and lets pass those of which it is not known.
    pub fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            refuses: true,
            refuses_unknown: false,
            observers: Observers::default(),
        }
    }

    /// Who is told of what is found out.
    #[must_use]
    pub fn with_observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }

    /// Puts off recipients of which it is not known.
    #[must_use]
    pub fn refusing_unknown(mut self) -> Self {
        self.refuses_unknown = true;
        self
    }

    /// Lets all pass, and leaves it to rules what becomes of them.
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
