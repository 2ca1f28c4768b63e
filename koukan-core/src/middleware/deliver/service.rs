use std::{
    convert::Infallible,
    future::poll_fn,
    iter::Enumerate,
    task::{Context, Poll},
    vec,
};

use futures_core::future::BoxFuture;
use tower::Service;

use crate::{
    blob::Blob,
    body::Body,
    reply::Reply,
    service::MailService,
    transaction::{Aborted, Driver, Errand, Originator, Rcpt, Upstream},
};

use super::{DeliverOutcome, DeliverRequest};

/// Carries out a [`DeliverRequest`] as a mail transaction of the inner service.
///
/// It is always ready and never fails: limits and failures of the inner service show in the
/// replies.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
/// use koukan_core::{
///     blob::Blob,
///     context::{Context, Sender},
///     middleware::{Deliver, DeliverRequest},
///     path::{ForwardPath, ReversePath},
///     reply::Reply,
///     transaction::{Mail, Rcpt, Transaction},
/// };
/// use tower::ServiceExt;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let closed = tower::service_fn(|_: Transaction| async {
///     Ok::<_, tower::BoxError>(Reply::relay_denied())
/// });
/// let context = Arc::new(Context::new(Sender::new("example")));
/// let mail = Mail::new("alice@example.com".parse::<ReversePath>()?);
/// let request = DeliverRequest::new(context, mail, Blob::from_bytes("\r\nhello\r\n".into()))
///     .to(Rcpt::new("bob@example.com".parse::<ForwardPath>()?));
/// let outcome = Deliver::new(closed).oneshot(request).await?;
/// assert_eq!(outcome.verdict(0), &Reply::relay_denied());
/// # Ok::<(), tower::BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Deliver<S> {
    inner: S,
}

impl<S> Deliver<S> {
    /// Wraps a service.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: MailService> Service<DeliverRequest> for Deliver<S> {
    type Response = DeliverOutcome;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<DeliverOutcome, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: DeliverRequest) -> Self::Future {
        let inner = self.inner.clone();
        Box::pin(async move { Ok(deliver(inner, request).await) })
    }
}

async fn deliver<S: MailService>(service: S, request: DeliverRequest) -> DeliverOutcome {
    let DeliverRequest {
        context,
        mail,
        recipients,
        body,
        signals,
    } = request;
    let asked = recipients.len();
    let request = Request {
        recipients: recipients.into_iter().enumerate(),
        unanswered: asked,
        is_any_accepted: false,
        body: Some(body),
    };
    let (driver, mail) = Driver::start_with(service, context, mail, signals);
    let mut errand = Errand::new(request, Upstream::Call(driver), Some(mail));
    let end = poll_fn(|cx| errand.poll_end(cx)).await;
    // A request never aborts.
    let end = end.unwrap_or_else(|Aborted| Reply::local_error());
    let mail = errand.take_mail_reply().unwrap_or_else(|| end.clone());
    let is_any_accepted = mail.is_positive() && errand.is_any_accepted();
    let recipients = if mail.is_positive() {
        let mut replies = errand.take_recipient_replies();
        replies.resize(asked, None);
        let replies = replies.into_iter();
        replies
            .map(|reply| reply.unwrap_or_else(|| end.clone()))
            .collect()
    } else {
        vec![mail.clone(); asked]
    };
    DeliverOutcome {
        mail,
        recipients,
        message: is_any_accepted.then_some(end),
    }
}

/// The commands and the message of a request.
struct Request {
    recipients: Enumerate<vec::IntoIter<Rcpt>>,
    unanswered: usize,
    is_any_accepted: bool,
    body: Option<Blob>,
}

impl Originator for Request {
    fn has_recipients(&self) -> bool {
        self.recipients.len() > 0
    }

    fn poll_recipient(&mut self, _: &mut Context<'_>) -> Poll<Option<(usize, Rcpt)>> {
        Poll::Ready(self.recipients.next())
    }

    /// Once it is known that somebody wants it.
    fn poll_body(&mut self, _: &mut Context<'_>) -> Poll<Result<Body, Aborted>> {
        if self.unanswered > 0 || !self.is_any_accepted {
            return Poll::Pending;
        }
        match self.body.take() {
            Some(body) => Poll::Ready(Ok(body.into())),
            None => Poll::Pending,
        }
    }

    fn take_mail_reply(&mut self, reply: Reply) -> Reply {
        reply
    }

    fn take_rcpt_reply(&mut self, _: usize, reply: Reply) -> Reply {
        self.unanswered -= 1;
        self.is_any_accepted |= reply.is_positive();
        reply
    }
}
