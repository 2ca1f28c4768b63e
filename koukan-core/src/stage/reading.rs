//! What reading a message says about its departure.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    blob::Blob,
    body::{Body, Observer},
    signals::{Departure, Gone},
};

/// The body, which tells its departure when it was read to the end, or taken by reference.
pub(crate) fn watch(body: Body, departure: &Arc<Departure>) -> Body {
    body.observe(End(Arc::clone(departure)))
}

/// Notes that the whole message was read, or was taken by reference.
struct End(Arc<Departure>);

impl Observer for End {
    fn again(&self) -> Option<Box<dyn Observer>> {
        Some(Box::new(Self(Arc::clone(&self.0))))
    }

    fn passed(&mut self, _: &Bytes) {}

    fn ended(&mut self) {
        self.0.note(Gone::Whole);
    }

    /// Its further way is not visible here.
    fn taken(&mut self, _: u64, _: &[Blob]) {
        self.0.note(Gone::Taken);
    }
}
