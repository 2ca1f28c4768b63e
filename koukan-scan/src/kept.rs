//! A complete message. A scanner can read it without waiting for a client.

use bytes::Bytes;
use koukan_core::{
    blob::{Account, Blob, BlobPool},
    body::{Body, BodyError},
    message::builder::Composition,
    signals::Signals,
};

/// A complete message, which can be read as often as necessary.
pub(crate) struct Kept {
    prefix: Vec<Bytes>,
    octets: Octets,
    /// Its size in octets.
    pub(crate) size: u64,
}

enum Octets {
    Blob(Blob),
    /// Octets are rendered each time the message is read, and are the same each time.
    Composition(Composition),
}

impl Kept {
    /// Waits until the whole message has arrived. A blob or composition is kept by reference. Anything else is
    /// written to a blob, of which memory holds no more than a window; the blob is charged to the payer of the
    /// transaction.
    pub(crate) async fn of(
        body: Body,
        signals: &Signals,
        pool: &BlobPool,
    ) -> Result<Self, BodyError> {
        let (prefix, octets) = match body.into_blob() {
            Ok((prefix, blob)) => (prefix, Octets::Blob(blob)),
            Err(body) => match body.into_composition() {
                Ok((prefix, composition)) => (prefix, Octets::Composition(composition)),
                Err(body) => (Vec::new(), Octets::Blob(keep(body, signals, pool).await?)),
            },
        };
        let mut kept = Self {
            prefix,
            octets,
            size: 0,
        };
        kept.size = match kept.body().len() {
            Some(size) => size,
            // The blob still grows, or the message must be rendered to know its size.
            None => count(kept.body()).await?,
        };
        Ok(kept)
    }

    /// Reads the message from its beginning.
    pub(crate) fn body(&self) -> Body {
        let prefix = self.prefix.clone();
        match &self.octets {
            Octets::Blob(blob) => Body::from_blob(prefix, blob.clone()),
            Octets::Composition(composition) => Body::from_composition(prefix, composition.clone()),
        }
    }
}

async fn keep(body: Body, signals: &Signals, pool: &BlobPool) -> Result<Blob, BodyError> {
    let (writer, blob) = match signals.account() {
        Some(account) => Account::create(account),
        None => pool.create(),
    };
    body.copy_to(writer).await?;
    Ok(blob)
}

async fn count(mut body: Body) -> Result<u64, BodyError> {
    let mut octets = 0;
    while let Some(chunk) = body.next().await? {
        octets += chunk.len() as u64;
    }
    Ok(octets)
}
