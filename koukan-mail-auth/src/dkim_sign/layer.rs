use std::sync::Arc;

use koukan_core::{blob::BlobPool, blocking::BlockingPool, clock::SharedClock};
use tower::Layer;

use super::{DkimSign, Key};

/// Whose domain selects the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Author {
    /// That of the first address of the `From` field: what DMARC asks for.
    #[default]
    HeaderFrom,
    /// That of the reverse-path.
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
    /// A layer that signs with these keys, at the time of that clock.
    pub fn new(keys: impl IntoIterator<Item = Key>, clock: SharedClock) -> Self {
        Self {
            keys: keys.into_iter().collect(),
            author: Author::default(),
            clock,
            blobs: BlobPool::default(),
            blocking: BlockingPool::default(),
        }
    }

    /// Sets whose domain selects the keys.
    #[must_use]
    pub fn with_author(mut self, author: Author) -> Self {
        self.author = author;
        self
    }

    /// Keeps messages that nobody pays for in blobs of that pool, and signs with long keys in threads of
    /// the other.
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
