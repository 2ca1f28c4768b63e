//! Observing a body without changing it.

use bytes::Bytes;

use crate::{
    blob::{Blob, HeldOctets},
    message::builder::Composition,
};

use super::{Body, BodyError, Source};

/// Is told what happens to a body. The body stays what it is: a blob can still be taken out.
pub(crate) trait Observer: Send {
    /// Another observer for a second read of the same octets; `None` where that does not matter.
    fn again(&self) -> Option<Box<dyn Observer>> {
        None
    }

    /// The next octets were requested.
    fn asked(&mut self) {}

    /// These octets were passed upstream.
    fn passed(&mut self, chunk: &Bytes);

    /// The body ended cleanly.
    fn ended(&mut self) {}

    /// The body ended with an error.
    fn failed(&mut self, _: &BodyError) {}

    /// The whole body was passed upstream by reference: `prefix` octets, and then a body made of
    /// `blobs`, which may still grow.
    fn taken(&mut self, prefix: u64, blobs: &[Blob]);
}

/// Octets in memory stay charged while they are passed upstream.
impl Observer for HeldOctets {
    fn passed(&mut self, _: &Bytes) {}

    fn taken(&mut self, _: u64, blobs: &[Blob]) {
        for blob in blobs {
            self.hand_to(blob);
        }
    }
}

pub(super) struct Observed {
    pub(super) inner: Body,
    pub(super) observer: Box<dyn Observer>,
}

impl Body {
    /// Lets `observer` observe this body.
    pub(crate) fn observe(self, observer: impl Observer + 'static) -> Self {
        self.observe_boxed(Box::new(observer))
    }

    pub(super) fn observe_boxed(mut self, observer: Box<dyn Observer>) -> Self {
        // The octets do not change.
        let token = self.take_token();
        let observed = Observed {
            inner: self,
            observer,
        };
        Self::new(Source::Observed(Box::new(observed))).with_token(token)
    }
}

impl Observed {
    pub(super) fn into_blob(mut self) -> Result<(Vec<Bytes>, Blob), Self> {
        match self.inner.into_blob() {
            Ok((prefix, blob)) => {
                self.observer
                    .taken(octets(&prefix), std::slice::from_ref(&blob));
                Ok((prefix, blob))
            }
            Err(inner) => {
                self.inner = inner;
                Err(self)
            }
        }
    }

    pub(super) fn into_composition(mut self) -> Result<(Vec<Bytes>, Composition), Self> {
        match self.inner.into_composition() {
            Ok((prefix, composition)) => {
                let blobs: Vec<_> = composition.parts().values().cloned().collect();
                self.observer.taken(octets(&prefix), &blobs);
                Ok((prefix, composition))
            }
            Err(inner) => {
                self.inner = inner;
                Err(self)
            }
        }
    }
}

fn octets(pieces: &[Bytes]) -> u64 {
    pieces.iter().map(|piece| piece.len() as u64).sum()
}
