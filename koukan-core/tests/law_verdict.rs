//! Law 4: a policy outcome is a reply; a failure is an error that becomes a reply in one place.

use std::{sync::Arc, time::Duration};

use koukan_core::{
    body::{Body, BodyError},
    reply::{Rejection, Reply},
    service::{MailService, RescueLayer},
    test_util::{Answer, End, Script, context, mail, rcpt, send},
    transaction::{Aborted, Driver, Transaction},
};
use rstest::rstest;
use tower::{BoxError, Layer, ServiceBuilder, service_fn};

#[derive(Debug, thiserror::Error)]
#[error("look-up failed")]
struct Outer(#[source] BoxError);

fn nested(error: impl Into<BoxError>) -> BoxError {
    Outer(Outer(error.into()).into()).into()
}

async fn final_reply(service: impl MailService) -> Reply {
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    driver.finish().await
}

#[rstest]
#[case::a_rejection(Rejection::new(Reply::no_route()), Reply::no_route())]
#[case::a_rejected_body(
    BodyError::from(Rejection::new(Reply::bad_content())),
    Reply::bad_content()
)]
#[case::a_timeout(tower::timeout::error::Elapsed::new(), Reply::elapsed())]
#[case::shed_load(tower::load_shed::error::Overloaded::new(), Reply::overloaded())]
#[case::an_abort(Aborted, Reply::local_error())]
#[case::anything_else(std::io::Error::other("disk on fire"), Reply::local_error())]
#[tokio::test(start_paused = true)]
async fn a_failure_becomes_the_reply_of_its_cause(
    #[case] error: impl Into<BoxError>,
    #[case] reply: Reply,
    #[values(false, true)] is_nested: bool,
    #[values(false, true)] by_layer: bool,
) {
    let error: BoxError = error.into();
    let error = if is_nested { nested(error) } else { error };
    let error = Arc::new(std::sync::Mutex::new(Some(error)));
    let failing = service_fn(move |_: Transaction| {
        let error = error.lock().unwrap().take().unwrap();
        async move { Err::<Reply, _>(error) }
    });
    let actual = if by_layer {
        final_reply(RescueLayer.layer(failing)).await
    } else {
        final_reply(failing).await
    };
    assert_eq!(actual, reply);
}

#[tokio::test(start_paused = true)]
async fn tokios_timeout_counts_as_elapsed() {
    let service = service_fn(|_: Transaction| async {
        let never = std::future::pending::<Reply>();
        let reply = tokio::time::timeout(Duration::from_secs(1), never).await?;
        Ok::<_, BoxError>(reply)
    });
    assert_eq!(final_reply(service).await, Reply::elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_the_wire_says_nothing_of_the_cause() {
    let reply = final_reply(Script::new().message(Answer::Fail("secret path /var"))).await;
    assert_eq!(reply, Reply::local_error());
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_one_transaction() {
    for script in [
        Script::new().mail(Answer::Panic("a bug")),
        Script::new().message(Answer::Panic("a bug")),
    ] {
        let (mut driver, mail) = Driver::start(script, context(), mail("a@x"));
        let mail = driver.wait(mail).await;
        assert!(mail == Reply::local_error() || mail == Reply::sender_ok());
        assert_eq!(driver.finish().await, Reply::local_error());
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_transform_rejects_the_message() {
    let upstream = Script::new();
    let filtered = ServiceBuilder::new()
        .map_request(|tx: Transaction| {
            tx.map_body(|body| {
                body.map(|chunk| {
                    if chunk.starts_with(b"bad") {
                        Err(Reply::bad_content())
                    } else {
                        Ok(chunk)
                    }
                })
            })
        })
        .service(upstream.clone());
    let outcome = send(filtered, mail("a@x"), [rcpt("b@y")], "bad\r\n").await;
    assert_eq!(outcome.recipients, [Reply::recipient_ok()]);
    assert_eq!(outcome.message, Some(Reply::bad_content()));
    assert!(matches!(upstream.only_received().end, End::Failed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_gave_an_error_never_ends_cleanly() {
    let stream = futures_util::stream::iter(vec![
        Ok("a".into()),
        Err(Rejection::new(Reply::bad_content()).into()),
        Ok("b".into()),
    ]);
    let mut body = Body::from_stream(stream);
    assert_eq!(body.next().await.unwrap().unwrap(), "a");
    assert!(matches!(body.next().await, Err(BodyError::Rejected(_))));
    for _ in 0..3 {
        assert!(body.next().await.unwrap_err().is_aborted());
        assert_eq!(body.len(), None);
    }
}
