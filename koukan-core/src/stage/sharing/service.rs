//! The service.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tower::{BoxError, Service};

use crate::{
    body::MessageToken,
    reply::Reply,
    service::{BoxMailService, MailService},
    transaction::Transaction,
};

use super::{demand::Demand, member::Member};

/// The largest number of recipients in a transaction, by default: RFC 5321 section 4.5.3.1.8
/// requires servers to accept that many.
pub(super) const RECIPIENTS_MAX: usize = 100;

/// Merges transactions with copies of one message for the same destination; see the [module
/// documentation](super). It belongs directly around an endpoint. Clones share the groups.
///
/// # Example
///
/// ```
/// use koukan_core::{
///     blob::BlobPool,
///     stage::{exploder::{Exploder, ReplyPolicy}, sharing::Sharing},
///     test_util::{Script, mail, rcpt, send},
/// };
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let destination = Script::new();
/// let legs = Sharing::new(destination.clone());
/// let exploder = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
/// let to = [rcpt("bob@example.com"), rcpt("carol@example.com")];
/// let outcome = send(exploder, mail("alice@x"), to, "\r\nhello\r\n").await;
/// assert!(outcome.message.is_some_and(|reply| reply.is_positive()));
/// assert_eq!(destination.only_received().recipients.len(), 2);
/// # });
/// ```
#[derive(Clone)]
pub struct Sharing<S> {
    inner: S,
    shared: Arc<Shared>,
}

/// The state that the transactions of one layer share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) service: BoxMailService,
    pub(super) recipients_max: usize,
    pub(super) demand: Option<Demand>,
    pub(super) passes_lone: bool,
    pub(super) tells_signals: bool,
}

impl<S: MailService> Sharing<S> {
    /// Puts the layer around an endpoint.
    pub fn new(inner: S) -> Self {
        let shared = Shared {
            service: BoxMailService::new(inner.clone()),
            recipients_max: RECIPIENTS_MAX,
            demand: None,
            passes_lone: false,
            tells_signals: false,
        };
        Self {
            inner,
            shared: Arc::new(shared),
        }
    }

    /// Sets the largest number of recipients in a transaction, at least one.
    #[must_use]
    pub fn with_recipients_max(self, recipients_max: usize) -> Self {
        self.with(|shared| shared.recipients_max = recipients_max.max(1))
    }

    /// Gives back connections on which no message comes while `demand` says that others wait for one.
    #[must_use]
    pub fn with_demand(self, demand: Demand) -> Self {
        self.with(|shared| shared.demand = Some(demand))
    }

    /// Lets a transaction that can have no other copies bypass sharing, even while its message is still
    /// arriving. For endpoints whose connections nobody waits for, and that answer MAIL before the first
    /// recipient.
    #[must_use]
    pub fn with_lone_passed(self) -> Self {
        self.with(|shared| shared.passes_lone = true)
    }

    /// Shares only transactions that have the same durable signals when their first recipients arrive; for
    /// endpoints that pass these on.
    #[must_use]
    pub fn with_signals_told(self) -> Self {
        self.with(|shared| shared.tells_signals = true)
    }

    /// Erases the type. A direct originator of transactions at this service needs no call for them.
    pub fn boxed(self) -> BoxMailService {
        let shared = Arc::clone(&self.shared);
        BoxMailService::with_direct(self, shared)
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self
    }
}

impl<S: MailService> Service<Transaction> for Sharing<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = SharingFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut transaction: Transaction) -> Self::Future {
        let token = transaction.body.take_token();
        let is_alone = token.as_ref().is_none_or(MessageToken::is_only_one);
        if is_alone && (self.shared.passes_lone || transaction.body.is_all_there()) {
            return SharingFuture {
                call: Some(self.inner.call(transaction)),
                member: None,
            };
        }
        let token = token.filter(|_| !is_alone);
        let member = Member::new(Arc::clone(&self.shared), transaction, token);
        SharingFuture {
            call: None,
            member: Some(member),
        }
    }
}

pin_project! {
    /// The call of a [`Sharing`].
    pub struct SharingFuture<F> {
        // Where nobody can share it.
        #[pin]
        call: Option<F>,
        // Where somebody may.
        #[pin]
        member: Option<Member>,
    }
}

impl<F, E> Future for SharingFuture<F>
where
    F: Future<Output = Result<Reply, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Reply, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match (this.call.as_pin_mut(), this.member.as_pin_mut()) {
            (Some(call), _) => call.poll(cx).map_err(Into::into),
            (None, Some(member)) => member.poll(cx),
            (None, None) => Poll::Pending,
        }
    }
}

impl<F> fmt::Debug for SharingFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharingFuture").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Sharing<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharing")
            .field("recipients_max", &self.shared.recipients_max)
            .finish_non_exhaustive()
    }
}
