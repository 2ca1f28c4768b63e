//! The service.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Service};

use crate::{
    resource::{HookBoard, HostRooms, QueueOperation, QueueRequest, QueueResponse, Refusal},
    storage::Storage,
};

/// Answers requests of operators from a [`Storage`].
///
/// A [`QueueService`](crate::resource::QueueService); clones share the storage.
#[derive(Debug, Clone)]
pub struct Operator {
    pub(super) storage: Storage,
    /// Where there are webhooks.
    pub(super) hooks: Option<HookBoard>,
    /// Where somebody connects to hosts.
    pub(super) rooms: Option<Arc<dyn HostRooms>>,
}

impl Operator {
    /// An operator over this storage.
    pub fn new(storage: Storage) -> Self {
        Self {
            storage,
            hooks: None,
            rooms: None,
        }
    }

    async fn handle(self, request: QueueRequest) -> Result<QueueResponse, Refusal> {
        if !request.caller.may_operate() {
            return Err(Refusal::not_for_all());
        }
        match request.operation {
            QueueOperation::List(list) => self.list(list).await,
            QueueOperation::Show(id) => self.show(&id).await,
            QueueOperation::Message(id) => self.message(&id).await,
            QueueOperation::ChangeOne(id, action) => {
                self.change_one(&request.caller, &id, action).await
            }
            QueueOperation::Change(change) => self.change(request.caller, change).await,
            QueueOperation::Destinations(operation) => {
                self.destinations(request.caller, operation).await
            }
            QueueOperation::Suppressions(operation) => {
                self.suppressions(request.caller, operation).await
            }
            QueueOperation::Hooks(operation) => self.hooks(&request.caller, operation),
        }
    }
}

impl Service<QueueRequest> for Operator {
    type Response = QueueResponse;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<QueueResponse, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: QueueRequest) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Ok(this.handle(request).await.unwrap_or_else(Into::into)) })
    }
}
