use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use tower::Service;

use crate::{
    body::{Body, BodyError},
    causes::Causes,
    message::validation::{Report, Validator},
    reply::Reply,
    service::MailService,
    signals::{DurableSignal, SetDurableError, Signals},
    transaction::Transaction,
};

use super::MessageValidationLayer;

/// Looks at messages; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct MessageValidation<S> {
    inner: S,
    settings: MessageValidationLayer,
}

impl<S> MessageValidation<S> {
    pub(super) fn new(inner: S, settings: MessageValidationLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S: MailService> Service<Transaction> for MessageValidation<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> S::Future {
        let validator = Validator::new()
            .with_max_depth(self.settings.max_depth)
            .with_utf8(tx.mail.request().parameters.is_smtputf8());
        let signals = tx.signals.clone();
        let tx = tx.map_body(|body| body.then(|body| look(body, validator, signals)));
        self.inner.call(tx)
    }
}

async fn look(body: Body, mut validator: Validator, signals: Signals) -> Result<Body, BodyError> {
    let body = match body.into_blob() {
        Ok((prefix, blob)) => {
            let beside = Body::from_blob(prefix.clone(), blob.clone());
            look_beside(beside, validator, &signals).await?;
            return Ok(Body::from_blob(prefix, blob));
        }
        Err(body) => body,
    };
    match body.into_composition() {
        Ok((prefix, composition)) => {
            let beside = Body::from_composition(prefix.clone(), composition.clone());
            look_beside(beside, validator, &signals).await?;
            Ok(Body::from_composition(prefix, composition))
        }
        Err(inner) => Ok(Body::from_stream(Looking {
            inner,
            validator: Some(std::mem::take(&mut validator)),
            signals,
        })),
    }
}

async fn look_beside(
    mut beside: Body,
    mut validator: Validator,
    signals: &Signals,
) -> Result<(), BodyError> {
    while let Some(chunk) = beside.next().await? {
        validator.scan(&chunk);
    }
    tell(validator.finish(), signals);
    Ok(())
}

/// Writes what was found. What a filter before this one has found, or another agent, stays.
fn tell(mut report: Report, signals: &Signals) {
    let mut told = signals.set_durable(&report);
    if let Err(SetDurableError::TooLarge { .. }) = told {
        // That there are files is told all the same.
        report.has_more_files |= !report.files.is_empty();
        report.files.clear();
        told = signals.set_durable(&report);
    }
    if let Err(error) = told
        && !matches!(error, SetDurableError::AlreadySet(_))
    {
        let (signal, error) = (Report::NAME, Causes(&error));
        tracing::warn!(signal, %error, "what was found of a message is not told");
    }
}

/// A message that is looked at as it passes.
struct Looking {
    inner: Body,
    /// Until the end.
    validator: Option<Validator>,
    signals: Signals,
}

impl Stream for Looking {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.inner.poll_chunk(cx));
        match &item {
            Some(Ok(chunk)) => {
                if let Some(validator) = &mut self.validator {
                    validator.scan(chunk);
                }
            }
            None => {
                if let Some(validator) = self.validator.take() {
                    tell(validator.finish(), &self.signals);
                }
            }
            Some(Err(_)) => {}
        }
        Poll::Ready(item)
    }
}
