//! Sends the message.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    body::{Body, BodyError},
    message::parser::ParsedMessage,
    resource::{
        BlobStatus, Location, Operation, ParsedUpload, Refusal, RefusalKind, ResourceResponse,
        ResourceService, Upload, Version,
    },
};

use super::{
    super::request::{Backoff, Current, Failure, ask, current, read},
    Content, Progress,
};

/// A message, and where it is wanted.
pub(in super::super) struct Message {
    pub(in super::super) transaction: Location,
    pub(in super::super) version: Version,
    pub(in super::super) to: Location,
    /// The parsed message and its target, if it is wanted.
    pub(in super::super) parsed: Option<(Location, Arc<ParsedMessage>)>,
    pub(in super::super) content: Content,
    pub(in super::super) progress: Progress,
}

impl Message {
    /// Whether upstream has replied to it: refused it, or accepted all of it.
    fn is_replied_to(&self, now: &Current) -> bool {
        let reply = now.view.data_response.as_ref();
        reply.is_some_and(|reply| reply.is_negative() || self.progress.is_ended())
    }

    /// Whether it can be sent from its first octet, even where some of it was sent before.
    fn is_repeatable(&self) -> bool {
        self.content.is_by_reference() || self.progress.is_unsent()
    }
}

/// Why the message was not sent.
#[derive(Debug)]
pub(in super::super) enum SendError {
    /// It did not end cleanly itself.
    Body(BodyError),
    /// Upstream did not accept it.
    Failure(Failure),
}

impl From<Failure> for SendError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Sends a message: in parsed form, if that is wanted, then its blobs, and then as it is. Receivers
/// treat the end of the last one as the end of the message.
///
/// If that fails but upstream has replied to the message all the same, returns the transaction.
pub(in super::super) async fn send<R: ResourceService>(
    resource: R,
    message: Message,
) -> Result<Option<Current>, SendError> {
    let failure = match send_all(&resource, &message).await {
        Ok(()) => return Ok(None),
        Err(failure) => failure,
    };
    if let Some(error) = message.progress.take_error() {
        return Err(SendError::Body(error));
    }
    // Perhaps upstream has said why.
    match read(&resource, &message.transaction).await {
        Ok(now) if message.is_replied_to(&now) => Ok(Some(now)),
        _ => Err(failure.into()),
    }
}

async fn send_all<R: ResourceService>(resource: &R, message: &Message) -> Result<(), Failure> {
    if let Some((to, parsed)) = &message.parsed {
        match send_parsed(resource, message, to, parsed).await {
            Err(failure) if is_refused(&failure) => {
                tracing::info!(error = %failure, "upstream refuses the parsed message; sending the message as it is");
            }
            sent => sent?,
        }
    }
    let mut backoff = Backoff::new(3);
    let mut to = message.to.clone();
    loop {
        let content = message.content.body(&message.progress);
        match upload(resource, to.clone(), content).await {
            Err(Failure::Refused(Refusal {
                kind: RefusalKind::Elsewhere(there),
                ..
            })) if message.is_repeatable() && backoff.next().is_some() => to = there,
            Err(failure)
                if failure.is_passing()
                    && message.progress.is_unsent()
                    && backoff.pause().await => {}
            uploaded => return uploaded,
        }
    }
}

/// Whether upstream refuses this form of the message, and may accept another.
fn is_refused(failure: &Failure) -> bool {
    match failure {
        Failure::Refused(refusal) => !matches!(
            refusal.kind,
            RefusalKind::Unavailable { .. } | RefusalKind::TooMany { .. }
        ),
        Failure::Bad(_) | Failure::Unexpected => true,
        Failure::Broken(_) => false,
    }
}

async fn send_parsed<R: ResourceService>(
    resource: &R,
    message: &Message,
    to: &Location,
    parsed: &ParsedMessage,
) -> Result<(), Failure> {
    let operation = Operation::Parsed(ParsedUpload {
        to: to.clone(),
        if_match: Some(message.version.clone()),
        message: parsed.json.clone(),
    });
    let mut now = current(ask(resource.clone(), operation).await?)?;
    if parsed.blobs.is_empty() {
        return Ok(());
    }
    if listed(&now).is_none() {
        now = read(resource, &message.transaction).await?;
    }
    let listed = listed(&now).unwrap_or_default();
    for (id, octets) in &parsed.blobs {
        let known = listed.iter().find(|(known, _)| known == id);
        let to = match known {
            Some((_, status)) => status.uri.clone(),
            None => message.transaction.join("blob").join(id),
        };
        upload_blob(resource, &to, octets).await?;
    }
    Ok(())
}

/// The blobs that upstream waits for.
fn listed(current: &Current) -> Option<&[(Box<str>, BlobStatus)]> {
    let builder = current.view.body.as_ref()?.message_builder.as_ref()?;
    builder.blob_status.as_deref()
}

async fn upload_blob<R: ResourceService>(
    resource: &R,
    to: &Location,
    octets: &Bytes,
) -> Result<(), Failure> {
    upload(resource, to.clone(), Body::from(octets.clone())).await
}

/// Writes octets as one stream, since receivers accept no ranges.
async fn upload<R: ResourceService>(
    resource: &R,
    to: Location,
    content: Body,
) -> Result<(), Failure> {
    let operation = Operation::Upload(Upload {
        to,
        range: None,
        content,
    });
    match ask(resource.clone(), operation).await? {
        ResourceResponse::Uploaded(_) => Ok(()),
        _ => Err(Failure::Unexpected),
    }
}
