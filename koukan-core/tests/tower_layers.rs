//! The layers of tower work on transactions.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    convert::Infallible,
    future::{Ready, ready},
    time::Duration,
};

use koukan_core::{
    blob::Blob,
    middleware::{
        Deliver, DeliverLayer, DeliverOutcome, DeliverRequest, Next, TraceLayer, from_fn,
    },
    reply::Reply,
    service::{BoxMailLayer, BoxMailService, MailService},
    test_util::{Answer, End, Script, context, mail, rcpt, send},
    transaction::{Driver, Pending, Transaction},
};
use tokio::time::Instant;
use tower::{
    Layer, Service, ServiceBuilder, ServiceExt,
    buffer::BufferLayer,
    retry::{Policy, RetryLayer},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

fn start(service: impl MailService) -> (Driver, Pending) {
    Driver::start(service, context(), mail("a@x"))
}

fn request() -> DeliverRequest {
    DeliverRequest::new(context(), mail("a@x"), Blob::from_bytes(MESSAGE.into())).to(rcpt("b@y"))
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_counts_transactions_until_they_end() {
    let service = ServiceBuilder::new()
        .concurrency_limit(2)
        .service(Script::new());
    let (mut first, first_mail) = start(service.clone());
    let (mut second, second_mail) = start(service.clone());
    assert_eq!(first.wait(first_mail).await, Reply::sender_ok());
    assert_eq!(second.wait(second_mail).await, Reply::sender_ok());
    let (mut third, mut third_mail) = start(service);
    let hour = Duration::from_secs(3600);
    let waiting = tokio::time::timeout(hour, third.wait(&mut third_mail));
    assert!(waiting.await.is_err());
    assert_eq!(first.finish().await, Reply::message_accepted());
    assert_eq!(third.wait(third_mail).await, Reply::sender_ok());
}

#[tokio::test(start_paused = true)]
async fn shed_load_is_told_the_client() {
    let service = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .service(Script::new());
    let (mut first, first_mail) = start(service.clone());
    assert_eq!(first.wait(first_mail).await, Reply::sender_ok());
    let outcome = send(service.clone(), mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.mail, Reply::overloaded());
    drop(first);
    let outcome = send(service, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered());
}

#[tokio::test(start_paused = true)]
async fn admission_stands_outside_of_an_erased_chain() {
    let function = from_fn(async |tx: Transaction, next: Next| next.run(tx).await);
    let erased = BoxMailLayer::new(TraceLayer::default()).layer(function.layer(Script::new()));
    let service = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .service(erased);
    let (mut first, first_mail) = start(service.clone());
    assert_eq!(first.wait(first_mail).await, Reply::sender_ok());
    let (mut second, second_mail) = start(service);
    assert_eq!(second.wait(second_mail).await, Reply::overloaded());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_a_transaction_as_a_whole() {
    let upstream = Script::new().message(Answer::Never);
    let service = ServiceBuilder::new()
        .timeout(Duration::from_secs(60))
        .service(upstream.clone());
    let begin = Instant::now();
    let outcome = send(service, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.recipients, [Reply::recipient_ok()]);
    assert_eq!(outcome.message, Some(Reply::elapsed()));
    assert_eq!(begin.elapsed().as_secs(), 60);
    assert_eq!(upstream.only_received().end, End::Dropped);
}

#[tokio::test(start_paused = true)]
async fn a_buffered_service_takes_transactions() {
    let upstream = Script::new();
    let service = ServiceBuilder::new()
        .layer(BufferLayer::new(8))
        .service(upstream.clone());
    for _ in 0..20 {
        let outcome = send(service.clone(), mail("a@x"), [rcpt("b@y")], MESSAGE).await;
        assert!(outcome.is_delivered());
    }
    assert_eq!(upstream.received().len(), 20);
}

/// A buffer in front of any service is a service, too.
fn buffered<S: MailService>(service: S) -> impl MailService {
    ServiceBuilder::new()
        .layer(BufferLayer::new(1))
        .service(service)
}

#[tokio::test(start_paused = true)]
async fn any_service_can_be_buffered() {
    let upstream = Script::new();
    let erased = BoxMailService::new(buffered(upstream.clone()));
    let outcome = send(buffered(erased), mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered());
    assert_eq!(upstream.received().len(), 1);
}

/// Repeats a call that may succeed later, a number of times.
#[derive(Clone)]
struct Again(usize);

impl Policy<DeliverRequest, DeliverOutcome, Infallible> for Again {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        request: &mut DeliverRequest,
        result: &mut Result<DeliverOutcome, Infallible>,
    ) -> Option<Ready<()>> {
        let outcome = result.as_ref().ok()?;
        if !outcome.is_transient() {
            return None;
        }
        self.0 = self.0.checked_sub(1)?;
        *request = request.clone().without_signals();
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &DeliverRequest) -> Option<DeliverRequest> {
        Some(request.clone())
    }
}

fn retrying(
    times: usize,
    upstream: Script,
) -> impl Service<DeliverRequest, Response = DeliverOutcome, Error = Infallible> {
    ServiceBuilder::new()
        .layer(RetryLayer::new(Again(times)))
        .layer(DeliverLayer)
        .service(upstream)
}

#[tokio::test(start_paused = true)]
async fn a_delivery_can_be_retried() {
    let upstream = Script::new().message(Reply::mailbox_busy());
    let Ok(outcome) = retrying(3, upstream.clone()).oneshot(request()).await;
    assert_eq!(outcome.message, Some(Reply::mailbox_busy()));
    let received = upstream.received();
    assert_eq!(received.len(), 4);
    assert!(received.iter().all(|received| received.text() == MESSAGE));
}

#[tokio::test(start_paused = true)]
async fn what_is_final_is_not_retried() {
    for answer in [Reply::message_accepted(), Reply::bad_content()] {
        let upstream = Script::new().message(answer.clone());
        let Ok(outcome) = retrying(3, upstream.clone()).oneshot(request()).await;
        assert_eq!(outcome.message, Some(answer));
        assert_eq!(upstream.received().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn deliveries_are_limited_together() {
    let slow = Answer::After(Duration::from_secs(10), Reply::message_accepted());
    let service = ServiceBuilder::new()
        .concurrency_limit(2)
        .service(Deliver::new(Script::new().message(slow)));
    let begin = Instant::now();
    let deliveries = (0..6).map(|_| tokio::spawn(service.clone().oneshot(request())));
    for delivery in deliveries.collect::<Vec<_>>() {
        assert!(delivery.await.unwrap().unwrap().is_delivered());
    }
    assert_eq!(begin.elapsed().as_secs(), 30);
}
