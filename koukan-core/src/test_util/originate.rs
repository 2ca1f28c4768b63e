//! An originator that has everything at once.

use bytes::Bytes;
use tower::Service;

use crate::{
    blob::Blob,
    middleware::{Deliver, DeliverOutcome, DeliverRequest},
    service::MailService,
    transaction::{Mail, Rcpt},
};

use super::context;

/// Sends one message to `recipients` through `service` and returns all replies.
pub async fn send<S: MailService>(
    service: S,
    mail: Mail,
    recipients: impl IntoIterator<Item = Rcpt>,
    message: impl Into<Bytes>,
) -> DeliverOutcome {
    let mut request = DeliverRequest::new(context(), mail, Blob::from_bytes(message.into()));
    request.recipients = recipients.into_iter().collect();
    send_with(service, request).await
}

/// As [`send`], with everything that a transaction can carry.
pub async fn send_with<S: MailService>(service: S, request: DeliverRequest) -> DeliverOutcome {
    let Ok(outcome) = Deliver::new(service).call(request).await;
    outcome
}
