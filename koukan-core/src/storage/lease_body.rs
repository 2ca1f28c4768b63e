//! The message of a leased transaction.

use std::sync::Arc;

use bytes::Bytes;

use crate::{blob::Blob, body::Body};

use super::live_body::{LiveBody, LivePart};

/// The message of a leased transaction.
#[derive(Debug, Clone)]
pub struct LeaseBody {
    /// Complete header lines that stand before the blob.
    pub prefix: Vec<Bytes>,
    /// The rest, which may still grow; or the description of the message.
    pub blob: Blob,
    /// The parts of a message that is described.
    parts: Option<Arc<[LivePart]>>,
}

impl LeaseBody {
    pub(super) fn of(body: &LiveBody) -> Self {
        Self {
            prefix: body.prefix.clone(),
            blob: body.blob.clone(),
            parts: body.parts.clone(),
        }
    }
}

impl From<LeaseBody> for Body {
    fn from(body: LeaseBody) -> Self {
        Self::from_blob(body.prefix, body.blob)
    }
}
