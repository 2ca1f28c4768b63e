use tower::Layer;

use crate::blob::BlobPool;

use super::Charge;

/// Applies [`Charge`].
#[derive(Debug, Clone)]
pub struct ChargeLayer {
    pool: BlobPool,
}

impl ChargeLayer {
    /// Octets are charged to the budget of `pool`.
    pub fn new(pool: BlobPool) -> Self {
        Self { pool }
    }
}

impl<S> Layer<S> for ChargeLayer {
    type Service = Charge<S>;

    fn layer(&self, inner: S) -> Charge<S> {
        Charge::new(inner, self.pool.clone())
    }
}
