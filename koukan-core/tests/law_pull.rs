//! Law 2: filters transform the streams; only endpoints pull them. Queues are bounded.

use std::{
    future::{pending, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use koukan_core::{
    reply::Reply,
    service::MailService,
    test_util::{Script, context, mail, rcpt, send},
    transaction::{Driver, Pending, Transaction},
};
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};

fn start(service: impl MailService) -> (Driver, Pending) {
    Driver::start(service, context(), mail("a@x"))
}

/// Whether `future` is ready when it is polled once.
async fn is_ready_now<T>(future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await
}

#[tokio::test(start_paused = true)]
async fn transforms_return_at_once_and_act_as_they_are_pulled() {
    let upstream = Script::new();
    let filter = upstream.clone().map_request(|tx: Transaction| {
        tx.map_mail(|mail| mail.map_reply(|reply| reply.with_text("hello")))
            .map_recipients(|recipients| {
                recipients.map(|mut rcpt| {
                    rcpt.request_mut().forward_path = "postmaster".parse().unwrap();
                    rcpt
                })
            })
            .map_body(|body| body.map(|chunk| Ok::<_, Reply>(chunk.to_ascii_uppercase().into())))
            .prepend("X: 1\r\n".into())
    });
    let outcome = send(filter, mail("a@x"), [rcpt("b@y")], "Subject: hi\r\n\r\n").await;
    assert!(outcome.is_delivered());
    assert_eq!(outcome.mail.text(), "hello");
    let received = upstream.only_received();
    assert_eq!(received.recipient_texts(), ["postmaster"]);
    assert_eq!(received.text(), "X: 1\r\nSUBJECT: HI\r\n\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_lookup_keeps_the_order_of_recipients() {
    let upstream = Script::new();
    let filter = ServiceBuilder::new()
        .map_request(|tx: Transaction| {
            tx.map_recipients(|recipients| {
                let mut left = 3;
                recipients.then(move |rcpt| {
                    left -= 1;
                    let time = Duration::from_secs(left);
                    async move {
                        tokio::time::sleep(time).await;
                        if rcpt.forward_path().as_str() == "no@y" {
                            rcpt.answer(Reply::no_such_user());
                            return None;
                        }
                        Some(rcpt)
                    }
                })
            })
        })
        .service(upstream.clone());
    let to = ["b@y", "no@y", "c@y"].map(rcpt);
    let outcome = send(filter, mail("a@x"), to, "\r\n").await;
    assert_eq!(outcome.recipients[1], Reply::no_such_user());
    assert_eq!(upstream.only_received().recipient_texts(), ["b@y", "c@y"]);
}

#[tokio::test(start_paused = true)]
async fn recipients_that_nobody_takes_fill_a_bounded_queue() {
    let (mut driver, _mail) = start(service_fn(|tx: Transaction| async move {
        let _held = tx;
        pending::<Result<Reply, BoxError>>().await
    }));
    let mut handed = 0;
    while is_ready_now(driver.rcpt(rcpt("b@y"))).await {
        handed += 1;
        assert!(handed < 1000, "the queue is not bounded");
    }
    assert!(handed >= 8, "no room to pipeline: {handed}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_takes_stops_the_sender() {
    let (mut driver, _mail) = start(service_fn(|tx: Transaction| async move {
        let _held = tx;
        pending::<Result<Reply, BoxError>>().await
    }));
    let mut handed = 0;
    while is_ready_now(driver.send(Bytes::from_static(b"x"))).await {
        handed += 1;
        assert!(handed < 100, "the queue is not bounded");
    }
    assert!(handed >= 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_holds_up_the_sender_and_no_longer() {
    let (mut driver, _mail) = start(service_fn(|mut tx: Transaction| async move {
        let mut octets = 0;
        while let Some(chunk) = tx.body.next().await? {
            octets += chunk.len();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok::<_, BoxError>(Reply::message_accepted().with_text(octets.to_string()))
    }));
    let begin = tokio::time::Instant::now();
    for _ in 0..100 {
        driver
            .send(Bytes::from_static(b"0123456789"))
            .await
            .unwrap();
    }
    assert!(begin.elapsed() >= Duration::from_secs(90));
    assert_eq!(driver.finish().await.text(), "1000");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_wants_any_more_need_not_be_sent() {
    let (mut driver, _mail) = start(service_fn(|tx: Transaction| async move {
        drop(tx.body);
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, BoxError>(Reply::message_accepted())
    }));
    // Chunks that find room are accepted before anyone notices; after that the end is noticed.
    while driver.send("a".into()).await.is_ok() {}
    assert_eq!(driver.finish().await, Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn the_call_advances_only_while_the_driver_is_polled() {
    let (mut driver, mut mail) = start(Script::new());
    assert!(!is_ready_now(&mut mail).await);
    assert!(!is_ready_now(driver.progress()).await);
    assert!(is_ready_now(&mut mail).await);
}

#[tokio::test(start_paused = true)]
async fn a_service_is_waited_for_until_it_is_ready() {
    let limited = ServiceBuilder::new()
        .concurrency_limit(1)
        .service(Script::new());
    let (mut first, first_mail) = start(limited.clone());
    assert_eq!(first.wait(first_mail).await, Reply::sender_ok());
    let (mut second, mut second_mail) = start(limited);
    assert!(!is_ready_now(second.wait(&mut second_mail)).await);
    drop(first);
    assert_eq!(second.wait(second_mail).await, Reply::sender_ok());
}
