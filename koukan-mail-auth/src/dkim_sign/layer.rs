use std::sync::Arc;

use koukan_core::{blob::BlobPool, blocking::BlockingPool, clock::SharedClock};
use tower::Layer;

use super::{DkimSign, Key};

/// Which address selects the keys, by its domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Author {
    /// The first address of the `From` field, which is what DMARC looks at.
    #[default]
    HeaderFrom,
    /// The reverse-path.
    MailFrom,
}

/// Applies [`DkimSign`].
#[derive(Debug, Clone)]
pub struct DkimSignLayer {
    pub(super) keys: Arc<[Key]>,
    pub(super) author: Author,
    pub(super) clock: SharedClock,
    pub(super) blobs: BlobPool,
    pub(super) blocking: BlockingPool,
}

impl DkimSignLayer {
    /// A layer that signs with these keys. The clock gives the time of signing.
    pub fn new(keys: impl IntoIterator<Item = Key>, clock: SharedClock) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            author: Author::default(),
            clock,
            blobs: BlobPool::default(),
            blocking: BlockingPool::default(),
        }
    }

    /// Sets which address selects the keys.
    #[must_use]
    pub fn with_author(mut self, author: Author) -> Self {
        self.author = author;
        self
    }

    /// Uses `blobs` for messages that have no account to be charged to, and threads of `blocking` to
    /// sign with long keys.
    #[must_use]
    pub fn with_pools(mut self, blobs: BlobPool, blocking: BlockingPool) -> Self {
        (self.blobs, self.blocking) = (blobs, blocking);
        self
    }
}

impl<S> Layer<S> for DkimSignLayer {
    type Service = DkimSign<S>;

    fn layer(&self, inner: S) -> DkimSign<S> {
        DkimSign::new(inner, self.clone())
    }
}
