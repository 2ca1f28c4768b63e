//! The message of a leased transaction.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    blob::Blob,
    body::{Body, BodyError, MessageToken},
    message::builder::Composition,
};

use super::{
    Lease, SharedBody,
    live_body::{LiveBody, LivePart, spec_of},
    record::MessageKey,
};

/// The message of a leased transaction. [`Body::from`] turns it into a body.
#[derive(Debug, Clone)]
pub struct LeaseBody {
    /// Complete header lines before the rest.
    prefix: Vec<Bytes>,
    /// The rest, which may still grow; or the description of the message.
    blob: Blob,
    /// The parts of a described message.
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

impl Lease {
    /// Marks the message as one of several copies.
    pub(crate) fn set_token(&mut self, token: Option<MessageToken>) {
        self.token = token;
    }

    /// A number from 0 up to 1, which is the same for all copies of the message, so that copies that
    /// fail together are retried together.
    pub(crate) fn unit(&self, random: impl FnOnce() -> f64) -> f64 {
        let of_key = |key: MessageKey| key.unit(self.attempt_count());
        match (&self.token, self.message_key) {
            (Some(token), _) => token.unit(random),
            (None, Some(key)) if self.is_stored() => of_key(key),
            (None, _) => random(),
        }
    }

    pub(crate) fn take_token(&mut self) -> Option<MessageToken> {
        self.token.take()
    }
}

impl From<SharedBody> for Body {
    fn from(body: SharedBody) -> Self {
        LeaseBody::of(&body.0).into()
    }
}

impl From<LeaseBody> for Body {
    fn from(body: LeaseBody) -> Self {
        let LeaseBody {
            prefix,
            blob,
            parts,
        } = body;
        let Some(parts) = parts else {
            return Self::from_blob(prefix, blob);
        };
        let mut whole = Self::later(compose(blob, parts));
        for octets in prefix.into_iter().rev() {
            whole.prepend(octets);
        }
        whole
    }
}

async fn compose(description: Blob, parts: Arc<[LivePart]>) -> Result<Body, BodyError> {
    let spec = spec_of(description).await?;
    let parts = parts
        .iter()
        .map(|part| (part.name.clone(), part.blob.clone()));
    let composition = Composition::new(Arc::new(spec), parts);
    let composition = composition.map_err(|error| BodyError::Failed(error.into()))?;
    Ok(composition.into())
}
