use tower::Layer;

use crate::blob::BlobPool;

use super::ChargeService;

/// Applies [`ChargeService`].
#[derive(Debug, Clone)]
pub struct ChargeLayer {
    pool: BlobPool,
}

impl ChargeLayer {
    /// Charges octets to the budget of `pool`.
    pub fn new(pool: BlobPool) -> Self {
        Self { pool }
    }
}

impl<S> Layer<S> for ChargeLayer {
    type Service = ChargeService<S>;

    fn layer(&self, inner: S) -> ChargeService<S> {
        ChargeService::new(inner, self.pool.clone())
    }
}
