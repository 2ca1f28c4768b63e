use tower::Layer;

use crate::service::{BoxMailService, MailService};

use super::{Demand, Sharing, service::RECIPIENTS_MAX};

/// Puts [`Sharing`] around an endpoint; what it makes is [boxed](Sharing::boxed).
#[derive(Debug, Clone)]
pub struct SharingLayer {
    recipients_max: usize,
    demand: Option<Demand>,
}

impl SharingLayer {
    /// With 100 recipients of a transaction at most.
    pub fn new() -> Self {
        Self {
            recipients_max: RECIPIENTS_MAX,
            demand: None,
        }
    }

    /// Sets how many recipients one transaction has at most; at least one.
    #[must_use]
    pub fn with_recipients_max(mut self, recipients_max: usize) -> Self {
        self.recipients_max = recipients_max;
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
        let sharing = Sharing::new(inner).with_recipients_max(self.recipients_max);
        match &self.demand {
            Some(demand) => sharing.with_demand(demand.clone()).boxed(),
            None => sharing.boxed(),
        }
    }
}
