//! The content of a response.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use crate::client::ClientError;

/// Reads a response of `max` octets at most, with no longer than `idle` between two pieces.
pub(super) async fn receive(
    mut body: Incoming,
    max: usize,
    idle: Duration,
) -> Result<Bytes, ClientError> {
    if body.size_hint().lower() > max as u64 {
        return Err(ClientError::TooLong);
    }
    let mut content = BytesMut::new();
    loop {
        let frame = timeout(idle, body.frame());
        let Some(frame) = frame.await.map_err(|_| ClientError::Elapsed)? else {
            return Ok(content.freeze());
        };
        let frame = frame.map_err(|error| ClientError::Unanswered(error.into()))?;
        if let Ok(octets) = frame.into_data() {
            if content.len() + octets.len() > max {
                return Err(ClientError::TooLong);
            }
            content.extend_from_slice(&octets);
        }
    }
}
