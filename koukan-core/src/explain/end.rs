//! The end of a chain.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_core::future::BoxFuture;
use tower::{BoxError, Service};

use crate::{
    body::{Body, BodyError},
    reply::Reply,
    resource::{NotePhase, Way, What},
    signals::{Destination, Signals},
    transaction::{Mail, Transaction},
};

use super::{Explainer, fields, recorder::Here};

/// Octets of a header section that are looked at.
const HEADER_MAX: usize = 256 << 10;

/// There is no way: the reply of the destination's endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoWay(pub Reply);

/// Determines the way that an endpoint would take, without going it.
#[async_trait]
pub trait Ways: fmt::Debug + Send + Sync + 'static {
    /// The way of a transaction with this MAIL, and with the destination that a router has set, if
    /// any.
    ///
    /// # Errors
    ///
    /// [`NoWay`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    async fn way(
        &self,
        destination: Option<&Destination>,
        mail: &Mail,
        signals: &Signals,
    ) -> Result<Way, NoWay>;
}

/// Replaces an endpoint. It notes where the endpoint would send the message, and which fields were added. It
/// accepts everything for which there is a way.
#[derive(Debug, Clone)]
pub struct ProbeEndpoint {
    explainer: Explainer,
    ways: Arc<dyn Ways>,
    /// The header section of the message as the client sends it.
    sent: Bytes,
}

impl ProbeEndpoint {
    /// Uses these ways. `sent` is the message as the client sends it.
    pub fn new(explainer: Explainer, ways: impl Ways, sent: Bytes) -> Self {
        let ways = Arc::new(ways);
        Self {
            explainer,
            ways,
            sent,
        }
    }

    async fn take(self, tx: Transaction) -> Result<Reply, BoxError> {
        let Transaction {
            mail,
            mut recipients,
            mut body,
            signals,
            ..
        } = tx;
        let here = signals.find::<Here>().map_or(0, |here| here.0);
        let (mail, slot) = mail.into_parts();
        slot.answer(Reply::sender_ok());
        let (mut found, mut is_any_taken) = (None, false);
        while let Some(rcpt) = recipients.next().await? {
            let phase = NotePhase::Rcpt(rcpt.forward_path().as_str().into());
            // A transaction has one destination.
            let way = match &found {
                Some(way) => way,
                None => {
                    let destination = signals.find::<Destination>();
                    let way = self.ways.way(destination.as_deref(), &mail, &signals).await;
                    found.insert(way)
                }
            };
            let (what, reply) = match way.clone() {
                Ok(way) => {
                    let refusal = way.refusal().cloned();
                    let reply = refusal.unwrap_or_else(Reply::recipient_ok);
                    (What::Goes(way), reply)
                }
                Err(NoWay(reply)) => (What::GoesNowhere(reply.clone()), reply),
            };
            is_any_taken |= reply.is_positive();
            self.explainer.note_at(here, phase, None, what);
            rcpt.answer(reply);
        }
        if !is_any_taken {
            let refusal = match &found {
                Some(Err(NoWay(reply))) => Some(reply),
                Some(Ok(way)) => way.refusal(),
                None => None,
            };
            return Ok(refusal.cloned().unwrap_or_else(Reply::no_valid_recipients));
        }
        let header = read(&mut body).await?;
        for (names, what) in [
            (
                fields::more(&header, &self.sent),
                What::Added as fn(Vec<Box<str>>) -> What,
            ),
            (fields::more(&self.sent, &header), What::Removed),
        ] {
            if !names.is_empty() {
                let what = what(names);
                self.explainer.note_at(here, NotePhase::Header, None, what);
            }
        }
        Ok(Reply::message_accepted())
    }
}

/// Reads a body to its end. Returns its beginning.
async fn read(body: &mut Body) -> Result<Bytes, BodyError> {
    let mut begin = BytesMut::new();
    while let Some(chunk) = body.next().await? {
        let room = HEADER_MAX - begin.len();
        begin.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(begin.freeze())
}

impl Service<Transaction> for ProbeEndpoint {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        Box::pin(self.clone().take(tx))
    }
}
