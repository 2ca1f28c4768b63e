//! Trace: one event for each transaction, whatever happens to it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{sync::Arc, time::Duration};

use koukan_core::{
    blob::BlobPool,
    body::Body,
    middleware::{DeliverRequest, TraceLayer, trace::current},
    observer::Log as LogObserver,
    reply::{RemoteMta, Reply},
    signals::TraceId,
    test_util::{Answer, CapturedLog, Script, context, context_from, mail, rcpt, send, send_with},
    transaction::{Driver, Transaction},
};
use tower::{BoxError, Layer, service_fn};
use tracing::Level;

fn traced() -> TraceLayer {
    TraceLayer::new(LogObserver.into())
}

/// The event of the only transaction.
fn event(log: &CapturedLog) -> String {
    log.only_line("duration_ms=")
}

fn assert_fields(event: &str, fields: &[&str]) {
    for field in fields {
        assert!(
            event.contains(&format!(" {field}")),
            "no {field} in: {event}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_accepted_message_is_one_event_with_all_replies() {
    let log = CapturedLog::at(Level::INFO);
    let slow = Answer::After(Duration::from_secs(2), Reply::message_accepted());
    let upstream = Script::new()
        .rcpt("no@y", Reply::no_such_user())
        .message(slow);
    let context = Arc::new(context_from("192.0.2.1:1234", "client.example"));
    let body = koukan_core::blob::Blob::from_bytes("hello\r\n".into());
    let request = DeliverRequest::new(context, mail("a@x"), body)
        .to(rcpt("b@y"))
        .to(rcpt("no@y"));
    let id = TraceId::of(&request.signals);
    let outcome = send_with(traced().layer(upstream), request).await;
    assert_eq!(
        outcome.recipients,
        [Reply::recipient_ok(), Reply::no_such_user()]
    );
    let event = event(&log);
    assert_fields(
        &event,
        &[
            "INFO",
            "koukan::transaction",
            &format!("id={id}"),
            "sender=test",
            "remote_host=192.0.2.1:1234",
            "mail_from=a@x",
            "mail=250 2.1.0 sender ok",
            "recipients=b@y=250 no@y=550",
            "recipient_count=2",
            "octets=7",
            "reply=250 2.6.0 message accepted",
            "outcome=\"accepted\"",
            "duration_ms=2",
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn the_destination_is_named_and_refusals_have_their_texts() {
    let log = CapturedLog::at(Level::INFO);
    let by = |reply: Reply| {
        reply.with_extension(RemoteMta {
            host: "mx.example.net".into(),
            address: "192.0.2.1:25".parse().unwrap(),
        })
    };
    let upstream = Script::new()
        .rcpt("no@y", by(Reply::no_such_user().with_text("no \"bob\"")))
        .message(by(Reply::message_accepted()));
    let service = traced().layer(upstream);
    let _ = send(service, mail("a@x"), [rcpt("b@y"), rcpt("no@y")], "\r\n").await;
    let event = event(&log);
    assert_fields(
        &event,
        &[
            "host=mx.example.net",
            "address=192.0.2.1:25",
            "refusals=no@y: 550 5.1.1 no \"bob\"",
            "outcome=\"accepted\"",
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn where_all_were_refused_that_is_what_has_become_of_it() {
    for (upstream, to) in [
        (
            Script::new().other_rcpts(Reply::no_such_user()),
            vec![rcpt("b@y"), rcpt("c@y")],
        ),
        (Script::new().mail(Reply::policy_refused()), Vec::new()),
    ] {
        let log = CapturedLog::at(Level::INFO);
        let (mut driver, mail) = Driver::start(traced().layer(upstream), context(), mail("a@x"));
        driver.wait(mail).await;
        for to in to {
            let pending = driver.rcpt(to).await;
            driver.wait(pending).await;
        }
        drop(driver);
        assert_fields(&event(&log), &["outcome=\"refused\""]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_answers_for_everything() {
    let log = CapturedLog::at(Level::INFO);
    let closed = service_fn(|_: Transaction| async { Ok::<_, BoxError>(Reply::relay_denied()) });
    let _ = send(traced().layer(closed), mail(""), [rcpt("b@y")], "").await;
    let event = event(&log);
    assert_fields(
        &event,
        &["mail=550", "reply=550", "outcome=\"refused\"", "octets=0"],
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_from_a_refusal() {
    let log = CapturedLog::at(Level::INFO);
    let broken = Script::new().message(Answer::Fail("broken"));
    let _ = send(traced().layer(broken), mail("a@x"), [rcpt("b@y")], "hi\r\n").await;
    assert_fields(&event(&log), &["outcome=\"failed\"", "recipients=b@y=250"]);
}

#[tokio::test(start_paused = true)]
async fn an_aborted_transaction_is_an_event_too() {
    let log = CapturedLog::at(Level::INFO);
    let service = traced().layer(Script::new().rcpt("b@y", Answer::Never));
    let (mut driver, mail) = Driver::start(service, context(), mail("a@x"));
    driver.wait(mail).await;
    let pending = driver.rcpt(rcpt("b@y")).await;
    driver.data();
    driver.send("half".into()).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_secs(1), driver.progress()).await;
    assert!(!log.text().contains("duration_ms"));
    drop((driver, pending));
    let event = event(&log);
    assert_fields(
        &event,
        &["outcome=\"aborted\"", "recipients=b@y=none", "octets=4"],
    );
    assert!(!event.contains("reply="));
}

#[tokio::test(start_paused = true)]
async fn many_recipients_are_counted_and_few_are_named() {
    let log = CapturedLog::at(Level::INFO);
    let to = (0..50).map(|n| rcpt(&format!("b{n}@y")));
    let _ = send(traced().layer(Script::new()), mail("a@x"), to, "\r\n").await;
    let event = event(&log);
    assert_fields(&event, &["recipient_count=50"]);
    assert!(event.contains("b9@y=250") && !event.contains("b10@y"));
}

#[tokio::test(start_paused = true)]
async fn a_message_passed_on_by_reference_is_counted_at_the_end() {
    let log = CapturedLog::at(Level::INFO);
    let service = traced().layer(service_fn(|mut tx: Transaction| async move {
        tx.body.ready().await?;
        let (_, blob) = tx.body.into_blob().map_err(|_| "not a blob")?;
        blob.ended().await?;
        Ok::<_, BoxError>(Reply::message_accepted())
    }));
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    let (mut writer, blob) = BlobPool::default().create();
    let mut body = Body::from(blob);
    body.prepend("12".into());
    driver.whole_body(body);
    tokio::spawn(async move {
        writer.append("3456".into()).await.unwrap();
        writer.finish();
    });
    assert_eq!(driver.finish().await, Reply::message_accepted());
    drop((driver, _mail));
    assert_fields(&event(&log), &["octets=6"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_logged_further_on_carries_the_id() {
    let log = CapturedLog::at(Level::DEBUG);
    let service = traced().layer(service_fn(|tx: Transaction| async move {
        tracing::info!("looking around");
        let id = TraceId::of(&tx.signals);
        assert_eq!(current(), Some(id));
        tokio::task::yield_now().await;
        assert_eq!(current(), Some(id));
        Ok::<_, BoxError>(Reply::policy_refused().with_text(id.to_string()))
    }));
    let outcome = send(service, mail("a@x"), [rcpt("b@y")], "").await;
    let text = log.text();
    let inner = text.lines().find(|line| line.contains("looking")).unwrap();
    let span = format!("transaction{{id={}}}", outcome.mail.text());
    assert!(inner.contains(&span), "{inner}");
    assert_eq!(current(), None);
}

#[tokio::test(start_paused = true)]
async fn where_it_is_disabled_nothing_is_done() {
    let log = CapturedLog::at(Level::WARN);
    let upstream = Script::new();
    let _ = send(
        traced().layer(upstream.clone()),
        mail("a@x"),
        [rcpt("b@y")],
        "",
    )
    .await;
    assert_eq!(log.text(), "");
}

#[tokio::test(start_paused = true)]
async fn a_recipient_whose_message_fared_otherwise_is_told_apart() {
    let log = CapturedLog::at(Level::INFO);
    let upstream = Script::new()
        .rcpt("no@y", Reply::no_such_user())
        .message_for("later@y", Reply::mailbox_busy());
    let to = ["no@y", "taken@y", "later@y"].map(rcpt);
    let _ = send(traced().layer(upstream), mail("a@x"), to, "\r\n").await;
    let fields = [
        "recipients=no@y=550 taken@y=250/250 later@y=250",
        "reply=450",
        "outcome=\"refused\"",
    ];
    assert_fields(&event(&log), &fields);
}

/// Notes which message is being worked on when it is dropped.
struct AtDrop(Arc<std::sync::Mutex<Option<Option<TraceId>>>>);

impl Drop for AtDrop {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = Some(current());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_still_about_its_message() {
    let seen = Arc::new(std::sync::Mutex::new(None));
    let noted = Arc::clone(&seen);
    let waits = service_fn(move |tx: Transaction| {
        let noted = AtDrop(Arc::clone(&noted));
        async move {
            tx.mail.answer(Reply::sender_ok());
            std::future::pending::<()>().await;
            drop(noted);
            Ok::<_, BoxError>(Reply::message_accepted())
        }
    });
    let signals = koukan_core::signals::Signals::default();
    let id = TraceId::of(&signals);
    let (mut driver, reply) = Driver::start_with(
        traced().layer(waits),
        context(),
        mail("a@x"),
        signals.clone(),
    );
    assert_eq!(driver.wait(reply).await, Reply::sender_ok());
    assert_eq!(*seen.lock().unwrap(), None);
    drop(driver);
    assert_eq!(*seen.lock().unwrap(), Some(Some(id)));
    assert_eq!(current(), None);
}
