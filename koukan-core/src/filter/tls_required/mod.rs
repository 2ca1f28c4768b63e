//! Finds out whether a message may be sent without TLS.
//!
//! A header field `TLS-Required: No` sets the signal [`TlsRequiredService`](crate::signals::TlsRequired), which
//! endpoints respect from then on. The header arrives after the recipients, so an attempt that has begun before follows
//! the recipients' domain, and only later attempts from the queue follow the field. A message with the parameter
//! REQUIRETLS passes unread: its field does not count.
//!
//! | reply | when |
//! |---|---|
//! | 552 5.3.4 | the header section has more than 256 KiB |
//!
//! *Source*: RFC 8689 section 5.
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     filter::tls_required::TlsRequiredLayer,
//!     signals::TlsRequired,
//!     test_util::{Script, mail, rcpt, send},
//! };
//! use tower::Layer;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let endpoint = Script::new();
//! let service = TlsRequiredLayer::new().layer(endpoint.clone());
//! send(service, mail("a@x"), [rcpt("b@y")], "TLS-Required: No\r\n\r\nhello\r\n").await;
//! let signals = endpoint.only_received().signals;
//! assert_eq!(signals.find_durable::<TlsRequired>()?, Some(TlsRequired(false)));
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod field;

use std::task::{Context, Poll};

use tower::{Layer, Service};

use crate::{
    blob::Account, causes::Causes, reply::Reply, service::MailService,
    signals::TlsRequired as Found, transaction::Transaction,
};

use self::field::waives;

/// Applies [`TlsRequiredService`].
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct TlsRequiredLayer;

impl TlsRequiredLayer {
    /// A layer.
    pub fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for TlsRequiredLayer {
    type Service = TlsRequiredService<S>;

    fn layer(&self, inner: S) -> TlsRequiredService<S> {
        TlsRequiredService { inner }
    }
}

/// Looks for the field; see the [module documentation](self).
#[derive(Debug, Clone)]
pub struct TlsRequiredService<S> {
    inner: S,
}

impl<S: MailService> Service<Transaction> for TlsRequiredService<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> S::Future {
        if tx.mail.request().parameters.is_requiretls() {
            return self.inner.call(tx);
        }
        let signals = tx.signals.clone();
        self.inner.call(tx.map_body(|body| {
            body.then(move |body| async move {
                let mut held = signals.account().map(Account::hold);
                let (body, header) = body.with_header_section(held.as_mut()).await?;
                if waives(&header)
                    && let Err(error) = signals.set_durable(&Found(false))
                {
                    let error = Causes(&error);
                    tracing::warn!(%error, "the waiver of TLS for a message could not be stored");
                }
                Ok(body)
            })
        }))
    }
}
