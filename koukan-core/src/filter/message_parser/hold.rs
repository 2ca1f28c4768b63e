//! Reading a message that goes on unchanged.

use bytes::{Bytes, BytesMut};

use crate::body::{Body, BodyError};

/// A message, and the body that goes on.
pub(super) struct Held {
    /// All of it, unless it is too large.
    pub(super) message: Option<Bytes>,
    pub(super) body: Body,
}

/// Reads a message of `max` octets at most.
pub(super) async fn hold(body: Body, max: usize) -> Result<Held, BodyError> {
    let body = match body.into_blob() {
        Ok((prefix, blob)) => {
            let mut beside = Body::from_blob(prefix.clone(), blob.clone());
            let message = read(&mut beside, max).await?.ok();
            let body = Body::from_blob(prefix, blob);
            return Ok(Held { message, body });
        }
        Err(body) => body,
    };
    let mut body = match body.into_composition() {
        Ok((prefix, composition)) => {
            let mut beside = Body::from_composition(prefix.clone(), composition.clone());
            let message = read(&mut beside, max).await?.ok();
            let body = Body::from_composition(prefix, composition);
            return Ok(Held { message, body });
        }
        Err(body) => body,
    };
    Ok(match read(&mut body, max).await? {
        Ok(message) => Held {
            body: Body::from(message.clone()),
            message: Some(message),
        },
        Err(read) => {
            body.prepend(read);
            Held {
                message: None,
                body,
            }
        }
    })
}

/// The whole message, or what was read of it before it was too large.
async fn read(body: &mut Body, max: usize) -> Result<Result<Bytes, Bytes>, BodyError> {
    if body.len().is_some_and(|len| len > max as u64) {
        return Ok(Err(Bytes::new()));
    }
    let mut message = BytesMut::new();
    while let Some(chunk) = body.next().await? {
        message.extend_from_slice(&chunk);
        if message.len() > max {
            return Ok(Err(message.freeze()));
        }
    }
    Ok(Ok(message.freeze()))
}
