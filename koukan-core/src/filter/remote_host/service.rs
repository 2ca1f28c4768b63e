//! The service.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use tower::Service;

use crate::{
    context, reply::Reply, service::MailService, signals::DurableSignal, transaction::Transaction,
};

use super::{LookupStatus, RemoteHost, RemoteHostLayer, look_up::look_up};

/// Asks the DNS for the client's names; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct FindRemoteHost<S> {
    inner: S,
    settings: RemoteHostLayer,
}

impl<S> FindRemoteHost<S> {
    pub(super) fn new(inner: S, settings: RemoteHostLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S: MailService> Service<Transaction> for FindRemoteHost<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        let next = self.inner.clone();
        // Keeps the clone for later, and calls the one that is ready.
        let mut inner = mem::replace(&mut self.inner, next);
        let settings = self.settings.clone();
        Box::pin(async move {
            if !tx.signals.has_durable(RemoteHost::NAME) {
                let found = settings.ask(&tx.context).await;
                if let Err(error) = tx.signals.set_durable(&found) {
                    tracing::warn!(%error, "the DNS results for a client could not be stored");
                }
            }
            inner.call(tx).await
        })
    }
}

impl RemoteHostLayer {
    async fn ask(&self, context: &context::Context) -> RemoteHost {
        let Some(client) = context.remote_host else {
            return RemoteHost::only(LookupStatus::None);
        };
        let named = context.client_name.as_ref();
        let named = named.map(|client| &*client.name);
        look_up(client.ip(), named, &*self.resolver, self.time).await
    }
}
