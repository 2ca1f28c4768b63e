//! Answers operators' requests for explanations.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use koukan_core::{
    causes::Causes,
    resource::{ExplainRequest, ExplainResponse, Refusal, RefusalKind},
};
use tokio::sync::Semaphore;
use tower::{BoxError, Service};

use super::Explaining;
use crate::compose::StartError;

/// The most explanations at the same time: each builds all chains anew, and may wait for the DNS.
const MAX: usize = 2;
/// When to try again if there is no room for another explanation.
const AGAIN: Duration = Duration::from_secs(5);

/// Answers requests for explanations. Clones share the limit.
#[derive(Debug, Clone)]
pub(crate) struct Explanations {
    explaining: Arc<Explaining>,
    room: Arc<Semaphore>,
}

impl Explanations {
    pub(crate) fn new(explaining: Explaining) -> Self {
        Self {
            explaining: Arc::new(explaining),
            room: Arc::new(Semaphore::new(MAX)),
        }
    }

    async fn answer(self, request: ExplainRequest) -> Result<ExplainResponse, Refusal> {
        if !request.caller.may_operate() {
            return Err(Refusal::not_for_all());
        }
        let sender = &request.explain.context.sender;
        if !self.explaining.knows(sender) {
            return Err(Refusal::not_found(
                "there is no such sender, or it has no such tag",
            ));
        }
        let Ok(_room) = self.room.try_acquire() else {
            return Err(Refusal::new(
                RefusalKind::Unavailable { retry_after: AGAIN },
                "other messages are being explained",
            ));
        };
        let explained = Arc::clone(&self.explaining).explain(request.explain).await;
        explained.map_or_else(
            |error| {
                if let StartError::List(error) = &error {
                    tracing::warn!(error = %Causes(error), "cannot explain a message");
                    let kind = RefusalKind::Unavailable { retry_after: AGAIN };
                    return Err(Refusal::new(kind, "a list that rules go by cannot be read"));
                }
                tracing::error!(error = %Causes(&error), "cannot explain a message");
                Err(Refusal::internal())
            },
            |explained| Ok(ExplainResponse::Explained(Box::new(explained))),
        )
    }
}

impl Service<ExplainRequest> for Explanations {
    type Response = ExplainResponse;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<ExplainResponse, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ExplainRequest) -> Self::Future {
        let answer = self.clone().answer(request);
        Box::pin(async move { Ok(answer.await.unwrap_or_else(ExplainResponse::Refused)) })
    }
}
