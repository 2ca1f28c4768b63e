use tower::Layer;

use crate::service::{BoxMailService, MailService};

use super::{Demand, Sharing, service::RECIPIENTS_MAX};

/// Puts [`Sharing`] around an endpoint. The resulting service is [boxed](Sharing::boxed).
#[derive(Debug, Clone)]
pub struct SharingLayer {
    recipients_max: usize,
    demand: Option<Demand>,
    passes_lone: bool,
    tells_signals: bool,
}

impl SharingLayer {
    /// With at most 100 recipients in a transaction.
    pub fn new() -> Self {
        Self {
            recipients_max: RECIPIENTS_MAX,
            demand: None,
            passes_lone: false,
            tells_signals: false,
        }
    }

    /// Sets the largest number of recipients in a transaction, at least one.
    #[must_use]
    pub fn with_recipients_max(mut self, recipients_max: usize) -> Self {
        self.recipients_max = recipients_max;
        self
    }

    /// As [`Sharing::with_lone_passed`].
    #[must_use]
    pub fn with_lone_passed(mut self) -> Self {
        self.passes_lone = true;
        self
    }

    /// As [`Sharing::with_signals_told`].
    #[must_use]
    pub fn with_signals_told(mut self) -> Self {
        self.tells_signals = true;
        self
    }

    /// As [`Sharing::with_demand`].
    #[must_use]
    pub fn with_demand(mut self, demand: Demand) -> Self {
        self.demand = Some(demand);
        self
    }
}

impl Default for SharingLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: MailService> Layer<S> for SharingLayer {
    type Service = BoxMailService;

    fn layer(&self, inner: S) -> BoxMailService {
        let mut sharing = Sharing::new(inner).with_recipients_max(self.recipients_max);
        if self.passes_lone {
            sharing = sharing.with_lone_passed();
        }
        if self.tells_signals {
            sharing = sharing.with_signals_told();
        }
        match &self.demand {
            Some(demand) => sharing.with_demand(demand.clone()).boxed(),
            None => sharing.boxed(),
        }
    }
}
