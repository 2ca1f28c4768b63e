//! Turns a transaction into the request.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use koukan_core::{
    blob::Account,
    body::{Body, BodyError},
    clock::SharedClock,
    context::Sender,
    path::ForwardPath,
    reply::Reply,
    signals::{Parsed, TraceId},
    transaction::{Aborted, Intake, Transaction},
};
use sha2::{Digest, Sha256};
use tower::{BoxError, Service};

use crate::{schema::sender_to_json, webhook::Poster};

use super::{
    content::{Envelope, render},
    verdict::verdict,
};

/// The most recipients that are taken in one go.
const RECIPIENTS_AT_ONCE: usize = 100;

/// Delivers a message that a layer above has parsed.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) poster: Poster,
    pub(super) clock: SharedClock,
    pub(super) max_size: usize,
}

impl Delivery {
    async fn deliver(self, tx: Transaction) -> Result<Reply, BoxError> {
        let Transaction {
            context,
            mail,
            recipients,
            mut body,
            signals,
        } = tx;
        let mut intake = Intake::new(mail, recipients, RECIPIENTS_AT_ONCE);
        let rcpt_to = take_recipients(&mut intake).await?;
        if rcpt_to.is_empty() {
            return Ok(Reply::no_valid_recipients());
        }
        body.ready().await?;
        let parsed = signals.find::<Parsed>();
        // Only a message that ended without an error may be delivered.
        let is_too_big = count(body).await? > self.max_size as u64;
        let Some(parsed) = parsed.filter(|_| !is_too_big) else {
            return Ok(Reply::message_too_big());
        };
        let trace = TraceId::of(&signals).to_string();
        let id = request_id(&trace, &context.sender, &rcpt_to);
        let reverse_path = &intake.mail().reverse_path;
        let envelope = Envelope {
            timestamp: self.clock.now().to_string(),
            id: trace,
            sender: sender_to_json(&context.sender),
            mail_from: reverse_path
                .mailbox()
                .map_or("", |it| it.as_str())
                .to_owned(),
            rcpt_to: rcpt_to.iter().map(|it| it.as_str().to_owned()).collect(),
        };
        let memory = signals.account().map(Account::hold);
        let Some(rendered) = render(envelope, Arc::clone(&parsed.0), memory).await else {
            return Ok(Reply::insufficient_storage());
        };
        // The parsed message is not needed while the server is waited for.
        drop((parsed, signals));
        Ok(verdict(self.poster.post(&id, rendered.content).await))
    }
}

/// Takes all recipients, and answers each as it arrives.
async fn take_recipients(intake: &mut Intake) -> Result<Vec<ForwardPath>, Aborted> {
    let mut rcpt_to = Vec::new();
    intake.wait_for_recipient().await?;
    intake.answer_mail(Reply::sender_ok());
    loop {
        while let Some(rcpt) = intake.next_recipient() {
            let (rcpt, slot) = rcpt.into_parts();
            rcpt_to.push(rcpt.forward_path);
            slot.answer(Reply::recipient_ok());
        }
        if intake.is_end() {
            return Ok(rcpt_to);
        }
        poll_fn(|cx| intake.poll_more(cx)).await?;
    }
}

async fn count(mut body: Body) -> Result<u64, BodyError> {
    let mut octets = 0;
    while let Some(chunk) = body.next().await? {
        octets += chunk.len() as u64;
    }
    Ok(octets)
}

/// An id that is the same for one message on behalf of one sender for the same recipients. A copy
/// has another sender, so it differs from what was delivered before.
fn request_id(trace: &str, sender: &Sender, rcpt_to: &[ForwardPath]) -> String {
    let mut envelope = Sha256::new();
    let tag = sender.tag.as_deref().unwrap_or_default();
    let paths = rcpt_to.iter().map(ForwardPath::as_str);
    for text in [&*sender.name, tag].into_iter().chain(paths) {
        envelope.update(text);
        envelope.update([0]);
    }
    let digest = envelope.finalize();
    let digest = digest[..8].iter().map(|octet| format!("{octet:02x}"));
    format!("mail_{trace}_{}", digest.collect::<String>())
}

impl Service<Transaction> for Delivery {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        Box::pin(self.clone().deliver(tx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_another_for_whoever_is_another() {
        let to = |texts: &[&str]| -> Vec<ForwardPath> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let sender = Sender::new("app");
        let id = request_id("01k", &sender, &to(&["a@x", "b@x"]));
        assert_eq!(id, request_id("01k", &sender, &to(&["a@x", "b@x"])));
        for other in [
            request_id("01j", &sender, &to(&["a@x", "b@x"])),
            request_id("01k", &sender, &to(&["a@x"])),
            request_id("01k", &Sender::new("archive"), &to(&["a@x", "b@x"])),
            request_id(
                "01k",
                &sender.clone().with_tag("copies"),
                &to(&["a@x", "b@x"]),
            ),
        ] {
            assert_ne!(id, other);
        }
    }
}
