//! Bodies that are not rendered yet.

use bytes::Bytes;

use crate::message::builder::{Composition, Rendering};

use super::{Body, Source};

impl Body {
    /// Whether the body is a composition of which nothing was read. That is known after
    /// [`Body::ready`].
    pub fn is_composition(&self) -> bool {
        match &self.source {
            Source::Composition(rendering) => rendering.is_unread(),
            Source::Observed(observed) => observed.inner.is_composition(),
            _ => false,
        }
    }

    /// Takes the composition out of an unread body, with the octets that were prepended to it.
    ///
    /// # Errors
    ///
    /// Returns the body itself where it is anything else.
    pub fn into_composition(self) -> Result<(Vec<Bytes>, Composition), Self> {
        let Self {
            prefix,
            source,
            token,
        } = self;
        let source = match source {
            Source::Composition(rendering) => match rendering.into_composition() {
                Ok(composition) => return Ok((prefix.into(), composition)),
                Err(rendering) => Source::Composition(rendering),
            },
            Source::Observed(observed) => match observed.into_composition() {
                Ok((inner, composition)) => {
                    return Ok((prefix.into_iter().chain(inner).collect(), composition));
                }
                Err(observed) => Source::Observed(Box::new(observed)),
            },
            source => source,
        };
        Err(Self {
            prefix,
            source,
            token,
        })
    }

    /// A body of octets with a composition after them: the reverse of [`Body::into_composition`].
    pub fn from_composition(
        prefix: impl IntoIterator<Item = Bytes>,
        composition: Composition,
    ) -> Self {
        let prefix = prefix.into_iter().filter(|octets| !octets.is_empty());
        Self {
            prefix: prefix.collect(),
            ..Self::new(Source::Composition(Rendering::new(composition)))
        }
    }
}

impl From<Composition> for Body {
    /// A body that is rendered as it is read.
    fn from(composition: Composition) -> Self {
        Self::from_composition([], composition)
    }
}
