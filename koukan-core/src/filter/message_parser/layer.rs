use tower::Layer;

use crate::message::parser::ParseLimits;

use super::MessageParser;

/// Octets of a message that is parsed, at most.
pub const MAX_SIZE: usize = 30 << 20;

/// Applies [`MessageParser`].
#[derive(Debug, Clone, Copy)]
pub struct MessageParserLayer {
    pub(super) max_size: usize,
    pub(super) limits: ParseLimits,
}

impl MessageParserLayer {
    /// A layer that parses messages of [`MAX_SIZE`] octets at most, with the default limits.
    pub fn new() -> Self {
        Self {
            max_size: MAX_SIZE,
            limits: ParseLimits::default(),
        }
    }

    /// Sets how many octets a message may have to be parsed, instead of [`MAX_SIZE`].
    #[must_use]
    pub fn with_max_size(mut self, octets: usize) -> Self {
        self.max_size = octets;
        self
    }

    /// Sets how far messages are taken apart.
    #[must_use]
    pub fn with_limits(mut self, limits: ParseLimits) -> Self {
        self.limits = limits;
        self
    }
}

impl Default for MessageParserLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for MessageParserLayer {
    type Service = MessageParser<S>;

    fn layer(&self, inner: S) -> MessageParser<S> {
        MessageParser::new(inner, *self)
    }
}
