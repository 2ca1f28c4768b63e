use std::{sync::Arc, time::Duration};

use tower::Layer;

use crate::network::SharedResolver;

use super::{DnsblService, Zone};

/// How long to wait for lists.
pub const TIME_MAX: Duration = Duration::from_secs(5);

/// Applies [`DnsblService`].
#[derive(Debug, Clone)]
pub struct DnsblLayer {
    pub(super) zones: Arc<[Zone]>,
    pub(super) resolver: SharedResolver,
    pub(super) time: Duration,
    pub(super) refused_from: Option<i64>,
}

impl DnsblLayer {
    /// A layer that asks these lists, and refuses mail with a score of 1 or more.
    pub fn new(zones: impl IntoIterator<Item = Zone>, resolver: SharedResolver) -> Self {
        Self {
            zones: zones.into_iter().collect(),
            resolver,
            time: TIME_MAX,
            refused_from: Some(1),
        }
    }

    /// Refuses mail with this score or more.
    #[must_use]
    pub fn with_threshold(mut self, score: i64) -> Self {
        self.refused_from = Some(score);
        self
    }

    /// Refuses nothing: rules decide.
    #[must_use]
    pub fn without_refusal(mut self) -> Self {
        self.refused_from = None;
        self
    }

    /// Sets how long to wait for lists, instead of [`TIME_MAX`].
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }
}

impl<S> Layer<S> for DnsblLayer {
    type Service = DnsblService<S>;

    fn layer(&self, inner: S) -> DnsblService<S> {
        DnsblService::new(inner, self.clone())
    }
}
