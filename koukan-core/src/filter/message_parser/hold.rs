//! Reads a message that goes on unchanged.

use bytes::{Bytes, BytesMut};

use crate::{
    blob::HeldOctets,
    body::{Body, BodyError, not_kept},
};

/// A message, and the body that goes on.
pub(super) struct Held {
    /// The whole message, unless it is too large.
    pub(super) message: Option<Bytes>,
    pub(super) body: Body,
    /// The charge for the message, and for the same amount of decoded text.
    pub(super) memory: Option<HeldOctets>,
}

impl Held {
    /// A body that no longer needs the charge: all of it is given back except for the message.
    fn new(message: Option<Bytes>, body: Body, memory: Option<HeldOctets>) -> Self {
        let memory = message.is_some().then_some(memory).flatten();
        let memory = memory.map(|mut memory| {
            memory.end();
            memory
        });
        Self {
            message,
            body,
            memory,
        }
    }
}

/// Reads a message of at most `max` octets, charged to `memory`.
pub(super) async fn hold(
    body: Body,
    max: usize,
    mut memory: Option<HeldOctets>,
) -> Result<Held, BodyError> {
    let body = match body.into_blob() {
        Ok((prefix, blob)) => {
            let mut beside = Body::from_blob(prefix.clone(), blob.clone());
            let message = read(&mut beside, max, &mut memory).await?.ok();
            return Ok(Held::new(message, Body::from_blob(prefix, blob), memory));
        }
        Err(body) => body,
    };
    let mut body = match body.into_composition() {
        Ok((prefix, composition)) => {
            let mut beside = Body::from_composition(prefix.clone(), composition.clone());
            let message = read(&mut beside, max, &mut memory).await?.ok();
            let body = Body::from_composition(prefix, composition);
            return Ok(Held::new(message, body, memory));
        }
        Err(body) => body,
    };
    Ok(match read(&mut body, max, &mut memory).await? {
        Ok(message) => Held::new(Some(message.clone()), Body::from(message), memory),
        Err(read) => {
            body.prepend(read);
            Held {
                message: None,
                body: match memory {
                    Some(memory) => body.observe(memory),
                    None => body,
                },
                memory: None,
            }
        }
    })
}

/// The whole message, or the part that was read before it was too large.
async fn read(
    body: &mut Body,
    max: usize,
    memory: &mut Option<HeldOctets>,
) -> Result<Result<Bytes, Bytes>, BodyError> {
    if body.len().is_some_and(|len| len > max as u64) {
        return Ok(Err(Bytes::new()));
    }
    let mut message = BytesMut::new();
    while let Some(chunk) = body.next().await? {
        if let Some(memory) = memory {
            let added = memory.add(2 * chunk.len() as u64);
            added.map_err(|error| not_kept(&error))?;
        }
        message.extend_from_slice(&chunk);
        if message.len() > max {
            return Ok(Err(message.freeze()));
        }
    }
    Ok(Ok(message.freeze()))
}
