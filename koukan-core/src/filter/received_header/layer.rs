use std::sync::Arc;

use tower::Layer;

use crate::{
    clock::SharedClock,
    path::{Domain, InvalidMailbox},
};

use super::ReceivedHeader;

/// How many `Received` fields a message may have before it counts as looping.
///
/// *Source*: RFC 5321 section 6.3 asks for at least 100.
pub const MAX_RECEIVED_FIELDS: usize = 100;

/// Applies [`ReceivedHeader`].
#[derive(Debug, Clone)]
pub struct ReceivedHeaderLayer {
    pub(super) host_name: Arc<str>,
    pub(super) clock: SharedClock,
    pub(super) max_received_fields: usize,
}

impl ReceivedHeaderLayer {
    /// A layer for a server with the name `host_name`.
    ///
    /// # Errors
    ///
    /// [`InvalidMailbox`] where that is neither a domain name nor an address literal.
    pub fn new(host_name: &str, clock: SharedClock) -> Result<Self, InvalidMailbox> {
        Domain::check(host_name)?;
        Ok(Self {
            host_name: host_name.into(),
            clock,
            max_received_fields: MAX_RECEIVED_FIELDS,
        })
    }

    /// Sets how many `Received` fields an incoming message may have, instead of
    /// [`MAX_RECEIVED_FIELDS`].
    #[must_use]
    pub fn with_max_received_fields(mut self, max: usize) -> Self {
        self.max_received_fields = max;
        self
    }
}

impl<S> Layer<S> for ReceivedHeaderLayer {
    type Service = ReceivedHeader<S>;

    fn layer(&self, inner: S) -> ReceivedHeader<S> {
        ReceivedHeader::new(inner, self.clone())
    }
}
