use std::sync::Arc;

use koukan_core::path::{Domain, InvalidMailbox};
use tower::Layer;

use super::AuthenticationResults;
use crate::domain::ascii_domain;

/// Applies [`AuthenticationResults`].
#[derive(Debug, Clone)]
pub struct AuthenticationResultsLayer {
    pub(super) name: Arc<str>,
}

impl AuthenticationResultsLayer {
    /// A layer for the agent `name` (the `authserv-id`), which is written as A-labels.
    ///
    /// # Errors
    ///
    /// [`InvalidMailbox`] where `name` is not a domain name.
    pub fn new(name: &str) -> Result<Self, InvalidMailbox> {
        Domain::check(name)?;
        let name = ascii_domain(name).ok_or(InvalidMailbox::Domain)?;
        Ok(Self { name: name.into() })
    }
}

impl<S> Layer<S> for AuthenticationResultsLayer {
    type Service = AuthenticationResults<S>;

    fn layer(&self, inner: S) -> AuthenticationResults<S> {
        AuthenticationResults::new(inner, self.clone())
    }
}
