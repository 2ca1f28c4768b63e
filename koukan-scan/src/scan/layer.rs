use std::sync::Arc;

use koukan_core::{blob::BlobPool, event::Observers};
use tower::Layer;

use crate::{Scanner, server::Server};

use super::Scan;

/// Size of the largest message that is shown to a scanner, in octets, unless another limit is set.
pub const MAX_SIZE: u64 = 25 << 20;

/// Applies [`Scan`].
#[derive(Debug)]
pub struct ScanLayer<P>(Settings<P>);

#[derive(Debug)]
pub(super) struct Settings<P> {
    pub(super) scanner: Arc<P>,
    pub(super) server: Server,
    pub(super) blobs: BlobPool,
    pub(super) observers: Observers,
    pub(super) max_size: u64,
    pub(super) fails_open: bool,
    pub(super) passes_large: bool,
    pub(super) refuses: bool,
}

impl<P: Scanner> ScanLayer<P> {
    /// A layer that asks this server. It refuses a message when the scanner says so, when the message is too
    /// large to be scanned, and while the scanner cannot be asked.
    pub fn new(scanner: P, server: Server) -> Self {
        Self(Settings {
            scanner: Arc::new(scanner),
            server,
            blobs: BlobPool::default(),
            observers: Observers::default(),
            max_size: MAX_SIZE,
            fails_open: false,
            passes_large: false,
            refuses: true,
        })
    }

    /// Uses this pool for the blobs of messages that have no account to be charged to.
    #[must_use]
    pub fn with_blobs(mut self, blobs: BlobPool) -> Self {
        self.0.blobs = blobs;
        self
    }

    /// Reports each question and each finding to these observers.
    #[must_use]
    pub fn with_observers(mut self, observers: Observers) -> Self {
        self.0.observers = observers;
        self
    }

    /// Shows messages of at most `octets` to the scanner, instead of [`MAX_SIZE`].
    #[must_use]
    pub fn with_max_size(mut self, octets: u64) -> Self {
        self.0.max_size = octets;
        self
    }

    /// Lets messages pass while the scanner cannot be asked.
    #[must_use]
    pub fn failing_open(mut self) -> Self {
        self.0.fails_open = true;
        self
    }

    /// Lets messages pass that are too large to be scanned.
    #[must_use]
    pub fn passing_large(mut self) -> Self {
        self.0.passes_large = true;
        self
    }

    /// Never refuses because of a finding: rules decide.
    #[must_use]
    pub fn without_refusal(mut self) -> Self {
        self.0.refuses = false;
        self
    }
}

impl<P> Clone for Settings<P> {
    fn clone(&self) -> Self {
        Self {
            scanner: Arc::clone(&self.scanner),
            server: self.server.clone(),
            blobs: self.blobs.clone(),
            observers: self.observers.clone(),
            ..*self
        }
    }
}

impl<P> Clone for ScanLayer<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Scanner, S> Layer<S> for ScanLayer<P> {
    type Service = Scan<P, S>;

    fn layer(&self, inner: S) -> Scan<P, S> {
        Scan::new(inner, Arc::new(self.0.clone()))
    }
}
