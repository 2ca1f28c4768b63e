//! The service.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tower::Service;

use crate::{
    path::ForwardPath,
    reply::{Rejection, Reply},
    service::MailService,
    signals::{Destination, Signals},
    transaction::Transaction,
};

use super::{Decision, Policy};

/// Lets pass the recipients that its policy knows, and signals where they go.
#[derive(Debug, Clone)]
pub struct Router<S> {
    inner: S,
    policy: Arc<dyn Policy>,
}

impl<S> Router<S> {
    pub(super) fn new(inner: S, policy: Arc<dyn Policy>) -> Self {
        Self { inner, policy }
    }
}

impl<S: MailService> Service<Transaction> for Router<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, transaction: Transaction) -> S::Future {
        let policy = Arc::clone(&self.policy);
        let signals = transaction.signals.clone();
        let routed = transaction
            .filter_recipients(move |rcpt| route(&*policy, &signals, &rcpt.forward_path));
        self.inner.call(routed)
    }
}

fn route(policy: &dyn Policy, signals: &Signals, recipient: &ForwardPath) -> Result<(), Rejection> {
    match policy.decide(recipient) {
        Decision::Accept => Ok(()),
        Decision::Reject(rejection) => Err(rejection),
        Decision::Pass => Err(Rejection::new(Reply::relay_denied())),
        Decision::Route(destination) => match signals.find::<Destination>() {
            Some(earlier) if *earlier == destination => Ok(()),
            Some(_) => Err(Rejection::new(Reply::other_destination())),
            None => signals
                .set(destination)
                .map_err(|_| Rejection::new(Reply::other_destination())),
        },
    }
}
