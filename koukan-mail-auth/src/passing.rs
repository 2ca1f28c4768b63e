//! Reads a message that goes on unchanged.

use std::time::Duration;

use koukan_core::{
    blob::{Account, BlobError, BlobPool},
    body::{Body, BodyError},
    causes::Causes,
    repeats::Repeats,
    reply::{Rejection, Reply},
    signals::Signals,
};

/// The interval between log lines about messages that could not be kept; between them messages are
/// counted.
const INTERVAL: Duration = Duration::from_secs(10);

static NOT_KEPT: Repeats = Repeats::new(INTERVAL, |messages, interval| {
    let seconds = interval.as_secs();
    tracing::error!(messages, seconds, "message bodies could still not be kept");
});

/// Shows the whole message to `see`, and returns it unchanged.
///
/// A message that is passed on by reference stays a reference, and a second reader reads it. Anything
/// else is written to a blob, of which memory holds no more than a window; the blob is charged to the
/// payer of the transaction.
pub(crate) async fn read(
    body: Body,
    signals: &Signals,
    pool: &BlobPool,
    mut see: impl FnMut(&[u8]) + Send,
) -> Result<Body, BodyError> {
    let body = match body.into_blob() {
        Ok((prefix, blob)) => {
            let beside = Body::from_blob(prefix.clone(), blob.clone());
            all(beside, &mut see).await?;
            return Ok(Body::from_blob(prefix, blob));
        }
        Err(body) => body,
    };
    let mut body = match body.into_composition() {
        Ok((prefix, composition)) => {
            let beside = Body::from_composition(prefix.clone(), composition.clone());
            all(beside, &mut see).await?;
            return Ok(Body::from_composition(prefix, composition));
        }
        Err(body) => body,
    };
    let (mut writer, blob) = match signals.account() {
        Some(account) => Account::create(account),
        None => pool.create(),
    };
    while let Some(chunk) = body.next().await? {
        see(&chunk);
        let appended = writer.append(chunk).await;
        appended.map_err(|error| not_kept(&error))?;
    }
    writer.finish();
    Ok(blob.into())
}

async fn all(mut body: Body, see: &mut (impl FnMut(&[u8]) + Send)) -> Result<(), BodyError> {
    while let Some(chunk) = body.next().await? {
        see(&chunk);
    }
    Ok(())
}

fn not_kept(error: &BlobError) -> Rejection {
    if NOT_KEPT.is_first() {
        tracing::error!(error = %Causes(error), "could not keep a message body");
    }
    Rejection::new(Reply::insufficient_storage())
}

/// Shows the start of a message to `see`, until it has seen enough, and returns the message unchanged.
///
/// A message that is passed on by reference stays a reference. Of anything else, the part that `see` has
/// seen is held in memory.
pub(crate) async fn read_start(
    body: Body,
    mut see: impl FnMut(&[u8]) -> bool + Send,
) -> Result<Body, BodyError> {
    let body = match body.into_blob() {
        Ok((prefix, blob)) => {
            let beside = Body::from_blob(prefix.clone(), blob.clone());
            start(beside, &mut see).await?;
            return Ok(Body::from_blob(prefix, blob));
        }
        Err(body) => body,
    };
    let mut body = match body.into_composition() {
        Ok((prefix, composition)) => {
            let beside = Body::from_composition(prefix.clone(), composition.clone());
            start(beside, &mut see).await?;
            return Ok(Body::from_composition(prefix, composition));
        }
        Err(body) => body,
    };
    let mut seen = Vec::new();
    while let Some(chunk) = body.next().await? {
        let is_enough = see(&chunk);
        seen.push(chunk);
        if is_enough {
            break;
        }
    }
    for chunk in seen.into_iter().rev() {
        body.prepend(chunk);
    }
    Ok(body)
}

async fn start(
    mut body: Body,
    see: &mut (impl FnMut(&[u8]) -> bool + Send),
) -> Result<(), BodyError> {
    while let Some(chunk) = body.next().await? {
        if see(&chunk) {
            break;
        }
    }
    Ok(())
}
