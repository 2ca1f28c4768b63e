use std::task::{Context, Poll};

use koukan_core::{
    body::{Body, BodyError},
    message::opening::Opening,
    reply::{Rejection, Reply},
    service::MailService,
    signals::Signals,
    transaction::Transaction,
};
use tower::Service;

use super::{AuthenticationResultsLayer, claim::is_claimed, field::field};
use crate::{
    dkim::{Section, fields},
    passing,
};

/// The largest size of the field, in octets.
const GROWTH_MAX: u64 = 8192;

/// Adds the field; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct AuthenticationResults<S> {
    inner: S,
    settings: AuthenticationResultsLayer,
}

impl<S> AuthenticationResults<S> {
    pub(super) fn new(inner: S, settings: AuthenticationResultsLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S: MailService> Service<Transaction> for AuthenticationResults<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut tx: Transaction) -> S::Future {
        tx.mail.request_mut().parameters.grow_size(GROWTH_MAX);
        let settings = self.settings.clone();
        let signals = tx.signals.clone();
        self.inner
            .call(tx.map_body(|body| body.then(move |body| add(body, settings, signals))))
    }
}

async fn add(
    body: Body,
    settings: AuthenticationResultsLayer,
    signals: Signals,
) -> Result<Body, BodyError> {
    let (mut section, mut opening) = (Section::default(), Opening::default());
    let body = passing::read_start(body, |octets| {
        opening.look(octets);
        section.take(octets);
        section.is_complete()
    });
    let body = body.await?;
    let Some(octets) = section.octets() else {
        return Err(Rejection::new(Reply::message_too_big()).into());
    };
    let mut added = field(&settings.name, &signals);
    let mut body = match opening.separator() {
        // The message has no header section, so it has no such field either.
        "\r\n" => {
            added.push_str("\r\n");
            body
        }
        // The separator line of a mail folder, before the first field, is turned into a field of its
        // own. The other fields stay.
        separator => {
            added.push_str(separator);
            without_claims(body, octets, &settings.name).await?
        }
    };
    body.prepend(added.into());
    Ok(body)
}

/// The message without those fields of its header section that claim to come from this agent.
async fn without_claims(mut body: Body, section: &[u8], name: &str) -> Result<Body, BodyError> {
    let mut kept = Vec::with_capacity(section.len());
    let mut from = 0;
    for field in fields(section) {
        if !field.is("Authentication-Results") || !is_claimed(field.value(), name) {
            continue;
        }
        // The field is a part of the section.
        let start = field.octets.as_ptr().addr() - section.as_ptr().addr();
        let end = (start + field.octets.len() + 2).min(section.len());
        kept.extend_from_slice(&section[from..start]);
        from = end;
    }
    if from == 0 {
        return Ok(body);
    }
    kept.extend_from_slice(&section[from..]);
    let mut left = section.len();
    while left > 0 {
        let Some(mut chunk) = body.next().await? else {
            break;
        };
        let taken = left.min(chunk.len());
        left -= taken;
        body.prepend(chunk.split_off(taken));
    }
    body.prepend(kept.into());
    Ok(body)
}
