//! Creates the transaction upstream.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::future::BoxFuture;
use tokio::time::timeout;

use crate::resource::{Create, Created, Operation, ResourceResponse, ResourceService};

use super::{
    Failure, ask_repeatedly,
    cancel::{cancel, spawn},
};

/// How long a create may take after its call was dropped, so that the transaction can be cancelled.
const AFTERTHOUGHT: Duration = Duration::from_secs(60);

/// A create under way. If it is dropped before it ends, a task of its own carries on with it and
/// cancels the transaction: its location is not known before.
pub(in super::super) struct Creating<R: ResourceService> {
    resource: R,
    create: Option<BoxFuture<'static, Result<Created, Failure>>>,
    is_begun: bool,
}

impl<R: ResourceService> Creating<R> {
    pub(in super::super) fn new(resource: R, request: Create) -> Self {
        Self {
            create: Some(Box::pin(create(resource.clone(), request))),
            resource,
            is_begun: false,
        }
    }
}

impl<R: ResourceService> Unpin for Creating<R> {}

impl<R: ResourceService> Future for Creating<R> {
    type Output = Result<Created, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.is_begun = true;
        let create = self.create.as_mut().expect("polled after it was ready");
        let created = ready!(create.as_mut().poll(cx));
        self.create = None;
        Poll::Ready(created)
    }
}

impl<R: ResourceService> Drop for Creating<R> {
    fn drop(&mut self) {
        let create = self.create.take().filter(|_| self.is_begun);
        if let Some(create) = create {
            let resource = self.resource.clone();
            spawn(async move {
                if let Ok(Ok(created)) = timeout(AFTERTHOUGHT, create).await {
                    cancel(resource, created.location).await;
                }
            });
        }
    }
}

/// Creates a transaction; repeats the request with the same key while that may help.
async fn create<R: ResourceService>(resource: R, request: Create) -> Result<Created, Failure> {
    let operation = || Operation::Create(Box::new(request.clone()));
    match ask_repeatedly(&resource, 3, operation).await? {
        ResourceResponse::Created(created) => Ok(created),
        _ => Err(Failure::Unexpected),
    }
}
