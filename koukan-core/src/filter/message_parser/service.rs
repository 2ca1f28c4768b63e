use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use tower::Service;

use crate::{
    blob::{Account, HeldOctets},
    causes::Causes,
    message::parser::{ParseLimits, ParsedMessage, parse},
    reply::Reply,
    service::MailService,
    signals::{Parsed, Signals},
    transaction::Transaction,
};

use super::{MessageParserLayer, hold::hold};

/// Messages up to this size, in octets, are parsed at once, which takes about a millisecond.
const SMALL: usize = 256 << 10;

/// Parses messages; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct MessageParser<S> {
    inner: S,
    settings: MessageParserLayer,
}

impl<S> MessageParser<S> {
    pub(super) fn new(inner: S, settings: MessageParserLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S: MailService> Service<Transaction> for MessageParser<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> S::Future {
        let MessageParserLayer { max_size, limits } = self.settings;
        let signals = tx.signals.clone();
        self.inner.call(tx.map_body(|body| {
            body.then(move |body| async move {
                let memory = signals.account().map(Account::hold);
                let held = hold(body, max_size, memory).await?;
                if let Some(memory) = held.memory {
                    // The charge lasts as long as the result.
                    let _ = signals.set(Memory(memory));
                }
                if let Some(message) = held.message {
                    tell(&signals, message, limits).await;
                }
                Ok(held.body)
            })
        }))
    }
}

/// Pays for what [`Parsed`] holds.
struct Memory(#[expect(dead_code, reason = "it pays until it is dropped")] HeldOctets);

async fn tell(signals: &Signals, message: Bytes, limits: ParseLimits) {
    let parsed: Option<ParsedMessage> = if message.len() <= SMALL {
        Some(parse(message, &limits))
    } else {
        let parsing = tokio::task::spawn_blocking(move || parse(message, &limits));
        parsing
            .await
            .inspect_err(
                |error| tracing::error!(error = %Causes(error), "could not parse a message"),
            )
            .ok()
    };
    // If another parser was there before, its result is kept.
    if let Some(parsed) = parsed {
        let _ = signals.set(Parsed(Arc::new(parsed)));
    }
}
