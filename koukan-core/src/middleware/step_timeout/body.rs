use bytes::Bytes;

use crate::{blob::Blob, body::Observer};

use super::state::Steps;

/// Tells the steps what becomes of the body.
pub(super) struct BodyWatch {
    steps: Steps,
}

impl BodyWatch {
    pub(super) fn new(steps: Steps) -> Self {
        Self { steps }
    }
}

impl Observer for BodyWatch {
    fn asked(&mut self) {
        self.steps.body_asked();
    }

    fn passed(&mut self, _: &Bytes) {
        self.steps.body_passed();
    }

    fn ended(&mut self) {
        self.steps.body_ended();
    }

    fn taken(&mut self, _: u64, blobs: &[Blob]) {
        self.steps.body_taken(blobs.to_vec());
    }
}
