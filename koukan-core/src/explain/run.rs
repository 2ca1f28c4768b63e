//! One explanation.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::{
    blob::Blob,
    middleware::{Deliver, DeliverOutcome, DeliverRequest},
    reply::Reply,
    resource::{Explain, Explanation},
    service::MailService,
};

use super::Explainer;

/// How long to wait for answers. What is known by then is reported.
pub const PATIENCE: Duration = Duration::from_secs(60);

impl Explain {
    /// The message; a short one where the question contains none.
    pub fn message(&self) -> Bytes {
        if let Some(message) = &self.message {
            return message.clone();
        }
        let from = match self.mail.reverse_path.mailbox() {
            Some(mailbox) => mailbox.as_str(),
            None => "postmaster@localhost",
        };
        let to = self
            .recipients
            .iter()
            .map(|rcpt| rcpt.forward_path.as_str());
        let to = to.collect::<Vec<_>>().join(",\r\n\t");
        let text = format!(
            "From: {from}\r\nTo: {to}\r\nSubject: a message that is not sent\r\n\
             Date: Thu, 1 Jan 1970 00:00:00 +0000\r\nMessage-ID: <explained@localhost>\r\n\
             \r\nIt stands for a message.\r\n"
        );
        text.into()
    }
}

/// Passes the question through `chain`, and returns what `explainer` has noted. It takes at most
/// [`PATIENCE`].
///
/// # Cancel safety
///
/// Dropping the future loses nothing.
pub async fn run(explain: Explain, explainer: &Explainer, chain: impl MailService) -> Explanation {
    let message = Blob::from_bytes(explain.message());
    let asked = explain.recipients.len();
    let context = Arc::new(explain.context);
    let mut request = DeliverRequest::new(context, explain.mail, message);
    request.recipients = explain.recipients;
    let outcome = timeout(PATIENCE, Deliver::new(chain).oneshot(request)).await;
    let late = || DeliverOutcome {
        mail: Reply::elapsed(),
        recipients: vec![Reply::elapsed(); asked],
        message: None,
    };
    let outcome = outcome.map_or_else(|_| late(), |Ok(outcome)| outcome);
    let (passages, unasked) = explainer.take();
    let plain = |reply: Reply| reply.without_extensions();
    Explanation {
        passages,
        mail: plain(outcome.mail),
        recipients: outcome.recipients.into_iter().map(plain).collect(),
        message: outcome.message.map(plain),
        unasked,
    }
}
