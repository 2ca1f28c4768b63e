use tower::Layer;

use super::MessageBuilder;

/// Applies [`MessageBuilder`].
#[derive(Debug, Clone, Copy, Default)]
pub struct MessageBuilderLayer {
    max_size: Option<u64>,
}

impl MessageBuilderLayer {
    /// A layer that renders messages of any size.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the largest size of a rendered message, in octets.
    #[must_use]
    pub fn with_max_size(mut self, octets: u64) -> Self {
        self.max_size = Some(octets);
        self
    }
}

impl<S> Layer<S> for MessageBuilderLayer {
    type Service = MessageBuilder<S>;

    fn layer(&self, inner: S) -> MessageBuilder<S> {
        MessageBuilder::new(inner, self.max_size)
    }
}
