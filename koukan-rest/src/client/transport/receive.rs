//! Receives the content of a response.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use crate::client::ClientError;

/// The content that was read.
pub(super) struct Received {
    pub(super) content: Bytes,
    /// Whether more content follows that was not read.
    pub(super) is_cut: bool,
}

/// Reads a response of at most `max` octets, and waits at most `idle` between two pieces. Of a
/// longer response, the beginning is kept for the error message.
pub(super) async fn receive(
    mut body: Incoming,
    max: usize,
    idle: Duration,
) -> Result<Received, ClientError> {
    let is_too_long = body.size_hint().lower() > max as u64;
    let mut content = BytesMut::new();
    loop {
        let frame = timeout(idle, body.frame());
        let Some(frame) = frame.await.map_err(|_| ClientError::Elapsed)? else {
            let content = content.freeze();
            let is_cut = false;
            return Ok(Received { content, is_cut });
        };
        let frame = frame.map_err(|error| ClientError::Unanswered(error.into()))?;
        if let Ok(octets) = frame.into_data() {
            let room = octets.len().min(max - content.len());
            content.extend_from_slice(&octets[..room]);
            if is_too_long || room < octets.len() {
                let content = content.freeze();
                let is_cut = true;
                return Ok(Received { content, is_cut });
            }
        }
    }
}
