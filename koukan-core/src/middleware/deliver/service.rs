use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use tower::Service;

use crate::{
    body::Body,
    reply::Reply,
    service::MailService,
    transaction::{Driver, Pending, Rcpt},
};

use super::{DeliverRequest, Outcome};

/// Carries out one [`DeliverRequest`] as a mail transaction of the service it holds.
///
/// It is always ready and never fails: what the inner service's limits and failures come to
/// stands in the replies.
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
    type Response = Outcome;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Outcome, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: DeliverRequest) -> Self::Future {
        let inner = self.inner.clone();
        Box::pin(async move { Ok(deliver(inner, request).await) })
    }
}

async fn deliver<S: MailService>(service: S, request: DeliverRequest) -> Outcome {
    let DeliverRequest {
        context,
        mail,
        recipients,
        body,
        signals,
    } = request;
    let asked = recipients.len();
    let (mut driver, mail) = Driver::start_with(service, context, mail, signals);
    let (mail, pending) = ask(&mut driver, mail, recipients).await;
    let mut replies = Vec::with_capacity(asked);
    for pending in pending {
        replies.push(driver.wait(pending).await);
    }
    replies.resize(asked, mail.clone());
    let mut message = None;
    if mail.is_positive() && replies.iter().any(Reply::is_positive) {
        driver.whole_body(Body::from(body));
        message = Some(driver.finish().await);
    }
    Outcome {
        mail,
        recipients: replies,
        message,
    }
}

/// Hands on the recipients until MAIL is refused.
async fn ask(
    driver: &mut Driver,
    mut mail: Pending,
    recipients: Vec<Rcpt>,
) -> (Reply, Vec<Pending>) {
    let mut mail_reply = None;
    let mut pending = Vec::with_capacity(recipients.len());
    for rcpt in recipients {
        let mut handing = pin!(driver.rcpt(rcpt));
        let handed = poll_fn(|cx| {
            let handed = handing.as_mut().poll(cx);
            if mail_reply.is_none()
                && let Poll::Ready(reply) = Pin::new(&mut mail).poll(cx)
            {
                mail_reply = Some(reply);
            }
            match &mail_reply {
                Some(reply) if reply.is_negative() => Poll::Ready(None),
                _ => handed.map(Some),
            }
        });
        match handed.await {
            Some(handed) => pending.push(handed),
            None => return (mail_reply.expect("MAIL was refused"), Vec::new()),
        }
    }
    let mail = match mail_reply {
        Some(reply) => reply,
        None => driver.wait(mail).await,
    };
    let pending = if mail.is_positive() {
        pending
    } else {
        Vec::new()
    };
    (mail, pending)
}
