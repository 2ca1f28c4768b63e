//! A message that is there as a whole, so that a scanner is never kept waiting for a client.

use std::time::Duration;

use bytes::Bytes;
use koukan_core::{
    blob::{Account, Blob, BlobError, BlobPool},
    body::{Body, BodyError},
    causes::Causes,
    message::builder::Composition,
    repeats::Repeats,
    reply::{Rejection, Reply},
    signals::Signals,
};

/// For how long messages that could not be kept are counted before they are told.
const INTERVAL: Duration = Duration::from_secs(10);

static NOT_KEPT: Repeats = Repeats::new(INTERVAL, |messages, interval| {
    let seconds = interval.as_secs();
    tracing::error!(messages, seconds, "message bodies could still not be kept");
});

/// A message all of which is there. It may be read as often as it has to be.
pub(crate) struct Kept {
    prefix: Vec<Bytes>,
    octets: Octets,
    /// How many there are.
    pub(crate) size: u64,
}

enum Octets {
    Blob(Blob),
    /// They are made as they are read, and are the same each time.
    Composition(Composition),
}

impl Kept {
    /// Waits until all of a message is there. What is passed on by reference stays so; anything else is kept in
    /// a blob, of which memory holds no more than a window, and which is charged to whoever pays for the
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
            // It still grows, or has to be made to know.
            None => count(kept.body()).await?,
        };
        Ok(kept)
    }

    /// The message from its beginning.
    pub(crate) fn body(&self) -> Body {
        let prefix = self.prefix.clone();
        match &self.octets {
            Octets::Blob(blob) => Body::from_blob(prefix, blob.clone()),
            Octets::Composition(composition) => Body::from_composition(prefix, composition.clone()),
        }
    }
}

async fn keep(mut body: Body, signals: &Signals, pool: &BlobPool) -> Result<Blob, BodyError> {
    let (mut writer, blob) = match signals.account() {
        Some(account) => Account::create(account),
        None => pool.create(),
    };
    while let Some(chunk) = body.next().await? {
        let appended = writer.append(chunk).await;
        appended.map_err(|error| not_kept(&error))?;
    }
    writer.finish();
    Ok(blob)
}

async fn count(mut body: Body) -> Result<u64, BodyError> {
    let mut octets = 0;
    while let Some(chunk) = body.next().await? {
        octets += chunk.len() as u64;
    }
    Ok(octets)
}

fn not_kept(error: &BlobError) -> Rejection {
    if NOT_KEPT.is_first() {
        tracing::error!(error = %Causes(error), "could not keep a message body");
    }
    Rejection::new(Reply::insufficient_storage())
}
