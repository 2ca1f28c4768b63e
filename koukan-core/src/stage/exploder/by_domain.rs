//! Legs to different services.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use futures_util::{StreamExt, stream};
use tower::{BoxError, Service, ServiceExt};

use crate::{
    path::{ForwardPath, domain_key},
    reply::Reply,
    service::BoxMailService,
    transaction::{Recipients, Transaction},
};

/// Sends each transaction to the service for its first recipient's domain: the inner service of an
/// [`Exploder`](super::Exploder) whose legs go different ways.
///
/// It waits for the first RCPT before MAIL is answered. Legs do not wait for the reply to MAIL, so
/// that is harmless.
#[derive(Debug, Clone)]
pub struct ByDomain {
    routes: Arc<HashMap<Box<str>, BoxMailService>>,
    other: BoxMailService,
}

impl ByDomain {
    /// Sends everything to `other`.
    pub fn new(other: BoxMailService) -> Self {
        Self {
            routes: Arc::default(),
            other,
        }
    }

    /// Sends recipients of a domain, in any case, to `service`.
    #[must_use]
    pub fn with(mut self, domain: &str, service: BoxMailService) -> Self {
        let domain = domain_key(domain).into();
        Arc::make_mut(&mut self.routes).insert(domain, service);
        self
    }

    /// Erases the type. Without domains it is just the service for all others.
    pub fn boxed(self) -> BoxMailService {
        match self.routes.is_empty() {
            true => self.other,
            false => BoxMailService::new(self),
        }
    }

    fn route(&self, to: &ForwardPath) -> &BoxMailService {
        let domain = to.mailbox().map(|mailbox| mailbox.domain_text());
        let domain = domain_key(domain.unwrap_or_default());
        self.routes.get(&*domain).unwrap_or(&self.other)
    }
}

impl Service<Transaction> for ByDomain {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut tx: Transaction) -> Self::Future {
        if self.routes.is_empty() {
            // Nothing depends on the recipient, as is usual.
            return self.other.call(tx);
        }
        let this = self.clone();
        Box::pin(async move {
            let Some(first) = tx.recipients.next().await? else {
                return Ok(Reply::no_valid_recipients());
            };
            let service = this.route(first.forward_path()).clone();
            let rest = std::mem::replace(&mut tx.recipients, Recipients::empty());
            let first = stream::iter([Ok(first)]);
            tx.recipients = Recipients::from_stream(first.chain(rest));
            service.oneshot(tx).await
        })
    }
}
