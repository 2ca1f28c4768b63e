use tower::Layer;

use super::{Greylist, GreylistService};

/// Applies [`GreylistService`].
#[derive(Debug, Clone)]
pub struct GreylistLayer(Greylist);

impl GreylistLayer {
    /// A layer that uses this list.
    pub fn new(list: Greylist) -> Self {
        Self(list)
    }
}

impl<S> Layer<S> for GreylistLayer {
    type Service = GreylistService<S>;

    fn layer(&self, inner: S) -> GreylistService<S> {
        GreylistService::new(inner, self.0.clone())
    }
}
