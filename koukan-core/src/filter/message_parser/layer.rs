use tower::Layer;

use crate::message::parser::ParseLimits;

use super::MessageParser;

/// The largest message that is parsed, in octets.
pub const MAX_SIZE: usize = 30 << 20;

/// Applies [`MessageParser`].
#[derive(Debug, Clone, Copy)]
pub struct MessageParserLayer {
    pub(super) max_size: usize,
    pub(super) limits: ParseLimits,
}

impl MessageParserLayer {
    /// A layer that parses messages of at most [`MAX_SIZE`] octets, with the default limits.
    pub fn new() -> Self {
        Self {
            max_size: MAX_SIZE,
            limits: ParseLimits::default(),
        }
    }

    /// Sets the size of the largest message that is parsed, instead of [`MAX_SIZE`].
    #[must_use]
    pub fn with_max_size(mut self, octets: usize) -> Self {
        self.max_size = octets;
        self
    }

    /// Sets the limits for parsing.
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
