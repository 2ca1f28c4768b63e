use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use tower::Service;

use crate::{
    blob::HeldOctets,
    body::{Body, BodyError, not_kept},
    causes::Causes,
    message::validation::{ValidationReport, Validator},
    reply::Reply,
    service::MailService,
    signals::{DurableSignal, SetDurableError, Signals},
    transaction::Transaction,
};

use super::MessageValidationLayer;

/// Octets of a message that are held without a charge: few header sections are larger.
const FREE: u64 = 16 << 10;

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
        let looking = Looking {
            validator,
            signals: tx.signals.clone(),
            memory: None,
            charged: 0,
        };
        let tx = tx.map_body(|body| body.then(|body| look(body, looking)));
        self.inner.call(tx)
    }
}

async fn look(body: Body, looking: Looking) -> Result<Body, BodyError> {
    let body = match body.into_blob() {
        Ok((prefix, blob)) => {
            let beside = Body::from_blob(prefix.clone(), blob.clone());
            looking.read(beside).await?;
            return Ok(Body::from_blob(prefix, blob));
        }
        Err(body) => body,
    };
    match body.into_composition() {
        Ok((prefix, composition)) => {
            let beside = Body::from_composition(prefix.clone(), composition.clone());
            looking.read(beside).await?;
            Ok(Body::from_composition(prefix, composition))
        }
        Err(inner) => Ok(Body::from_stream(Passing {
            inner,
            looking: Some(looking),
        })),
    }
}

/// A message that is being checked.
struct Looking {
    validator: Validator,
    signals: Signals,
    /// The charge for the held octets.
    memory: Option<HeldOctets>,
    charged: u64,
}

impl Looking {
    async fn read(mut self, mut beside: Body) -> Result<(), BodyError> {
        while let Some(chunk) = beside.next().await? {
            self.scan(&chunk)?;
        }
        self.end();
        Ok(())
    }

    fn scan(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        self.validator.scan(chunk);
        let held = self.validator.held() as u64;
        if held > self.charged.max(FREE)
            && let Some(account) = self.signals.account()
        {
            let memory = self.memory.get_or_insert_with(|| account.hold());
            let added = memory.add(held - self.charged);
            added.map_err(|error| not_kept(&error))?;
            self.charged = held;
        }
        Ok(())
    }

    fn end(self) {
        tell(self.validator.finish(), &self.signals);
    }
}

/// Writes the result. One that an earlier filter or another agent has written stays.
fn tell(mut report: ValidationReport, signals: &Signals) {
    let mut told = signals.set_durable(&report);
    if let Err(SetDurableError::TooLarge { .. }) = told {
        // Matchers still learn that there are files.
        report.has_more_files |= !report.files.is_empty();
        report.files.clear();
        told = signals.set_durable(&report);
    }
    if let Err(error) = told
        && !matches!(error, SetDurableError::AlreadySet(_))
    {
        let (signal, error) = (ValidationReport::NAME, Causes(&error));
        tracing::warn!(signal, %error, "the validation result of a message could not be stored");
    }
}

/// A message that is checked as it passes.
struct Passing {
    inner: Body,
    /// Until the end.
    looking: Option<Looking>,
}

impl Stream for Passing {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.inner.poll_chunk(cx));
        match &item {
            Some(Ok(chunk)) => {
                if let Some(looking) = &mut self.looking
                    && let Err(error) = looking.scan(chunk)
                {
                    return Poll::Ready(Some(Err(error)));
                }
            }
            None => {
                if let Some(looking) = self.looking.take() {
                    looking.end();
                }
            }
            Some(Err(_)) => {}
        }
        Poll::Ready(item)
    }
}
