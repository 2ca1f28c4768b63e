//! The Exploder by itself.

use koukan_core::{
    blob::BlobPool,
    reply::Reply,
    stage::exploder::{Exploder, ReplyPolicy},
    test_util::{Answer, Script, context, mail, rcpt, send},
    transaction::Driver,
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

fn exploder(inner: Script) -> Exploder<Script> {
    Exploder::new(inner, ReplyPolicy::Ingress, BlobPool::default())
}

#[tokio::test(start_paused = true)]
async fn each_recipient_gets_a_transaction_of_its_own() {
    let upstream = Script::new().rcpt("c@y", Reply::no_such_user());
    let to = [rcpt("b@y"), rcpt("c@y"), rcpt("d@y")];
    let outcome = send(exploder(upstream.clone()), mail("a@x"), to, MESSAGE).await;
    let ok = Reply::recipient_ok;
    assert_eq!(outcome.recipients, [ok(), Reply::no_such_user(), ok()]);
    assert!(outcome.message.unwrap().is_positive());
    let received = upstream.received();
    let mut delivered: Vec<_> = received
        .iter()
        .filter(|received| received.body == MESSAGE)
        .flat_map(|received| received.recipient_texts())
        .collect();
    delivered.sort_unstable();
    assert_eq!(delivered, ["b@y", "d@y"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_one_command_at_a_time_is_answered_at_each() {
    let (mut driver, mail) = Driver::start(exploder(Script::new()), context(), mail("a@x"));
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    for to in ["b@y", "c@y"] {
        let pending = driver.rcpt(rcpt(to)).await;
        assert_eq!(driver.wait(pending).await, Reply::recipient_ok());
    }
    for chunk in ["Subject: hi\r\n", "\r\n", "hello\r\n"] {
        driver.send(chunk.into()).await.unwrap();
    }
    assert!(driver.finish().await.is_positive());
}

#[tokio::test(start_paused = true)]
async fn a_slow_leg_does_not_hold_up_the_reply_to_another() {
    let upstream = Script::new().rcpt("slow@y", Answer::Never);
    let (mut driver, _mail) = Driver::start(exploder(upstream), context(), mail("a@x"));
    let _slow = driver.rcpt(rcpt("slow@y")).await;
    let quick = driver.rcpt(rcpt("quick@y")).await;
    assert_eq!(driver.wait(quick).await, Reply::recipient_ok());
}

#[tokio::test(start_paused = true)]
async fn without_recipients_there_is_nothing_to_deliver() {
    let upstream = Script::new().other_rcpts(Reply::no_such_user());
    let (mut driver, _mail) = Driver::start(exploder(upstream.clone()), context(), mail("a@x"));
    let refused = driver.rcpt(rcpt("b@y")).await;
    driver.wait(refused).await;
    assert_eq!(driver.finish().await, Reply::no_such_user());
    assert!(
        upstream
            .received()
            .iter()
            .all(|received| received.body.is_empty())
    );
}

#[tokio::test(start_paused = true)]
async fn recipients_that_are_deferred_defer_the_message() {
    let upstream = Script::new()
        .rcpt("b@y", Reply::no_such_user())
        .rcpt("c@y", Reply::mailbox_busy());
    let (mut driver, _mail) = Driver::start(exploder(upstream), context(), mail("a@x"));
    for to in ["b@y", "c@y"] {
        let pending = driver.rcpt(rcpt(to)).await;
        assert!(driver.wait(pending).await.is_negative());
    }
    assert_eq!(driver.finish().await, Reply::mailbox_busy());
    let (mut driver, _mail) = Driver::start(exploder(Script::new()), context(), mail("a@x"));
    assert_eq!(driver.finish().await, Reply::no_valid_recipients());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_into_custody_is_not_promised() {
    // A plain endpoint instead of a StorageWriter: nobody keeps what failed.
    let upstream = Script::new().rcpt("c@y", Answer::Reply(Reply::recipient_ok()));
    let failing = koukan_core::service::BoxMailService::new(crate::agent::turns([
        upstream.clone(),
        Script::new().message(Reply::mailbox_busy()),
    ]));
    let exploder = Exploder::new(failing, ReplyPolicy::Ingress, BlobPool::default());
    let to = [rcpt("b@y"), rcpt("c@y")];
    let outcome = send(exploder, mail("a@x"), to, MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::local_error()));
}

#[tokio::test(start_paused = true)]
async fn an_abort_ends_all_legs_before_the_end_of_the_message() {
    let upstream = Script::new();
    let (mut driver, _mail) = Driver::start(exploder(upstream.clone()), context(), mail("a@x"));
    for to in ["b@y", "c@y"] {
        let pending = driver.rcpt(rcpt(to)).await;
        driver.wait(pending).await;
    }
    driver.send("Subject: half".into()).await.unwrap();
    drop(driver);
    assert_eq!(upstream.received().len(), 2);
    for received in upstream.received() {
        assert_eq!(received.end, koukan_core::test_util::End::Dropped);
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_closes_its_connection_does_not_close_the_clients() {
    let busy = Reply::too_many_connections;
    let relayed = "450 4.7.0 too many connections, try again later";
    let upstream = Script::new().rcpt("b@y", busy());
    let to = [rcpt("b@y"), rcpt("c@y")];
    let outcome = send(exploder(upstream), mail("a@x"), to, MESSAGE).await;
    assert_eq!(outcome.recipients[0].to_string(), relayed);
    assert_eq!(outcome.recipients[1], Reply::recipient_ok());
    assert!(outcome.message.unwrap().is_positive());

    let upstream = Script::new().message(busy());
    let outcome = send(exploder(upstream), mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.message.unwrap().to_string(), relayed);
}

#[tokio::test(start_paused = true)]
async fn a_recipient_that_is_named_again_gets_one_copy() {
    let upstream = Script::new().rcpt("unknown@y", Reply::no_such_user());
    let to = ["b@y", "b@Y", "unknown@y", "\"b\"@y", "B@y", "unknown@y"].map(rcpt);
    let outcome = send(exploder(upstream.clone()), mail("a@x"), to, MESSAGE).await;
    let (ok, unknown) = (Reply::recipient_ok, Reply::no_such_user);
    let expected = [ok(), ok(), unknown(), ok(), ok(), unknown()];
    assert_eq!(outcome.recipients, expected);
    assert!(outcome.message.unwrap().is_positive());
    let received = upstream.received();
    let messages = received.iter().filter(|received| received.body == MESSAGE);
    let mut delivered: Vec<_> = messages
        .flat_map(|received| received.recipient_texts())
        .collect();
    delivered.sort_unstable();
    assert_eq!(delivered, ["B@y", "b@y"]);
}

#[tokio::test(start_paused = true)]
async fn a_recipient_that_is_named_again_later_is_answered_as_before() {
    let upstream = crate::agent::turns([
        Script::new(),
        Script::new().rcpt("c@y", Reply::mailbox_busy()),
        Script::new(),
    ]);
    let upstream = koukan_core::service::BoxMailService::new(upstream);
    let exploder = Exploder::new(upstream, ReplyPolicy::Ingress, BlobPool::default());
    let (mut driver, _mail) = Driver::start(exploder, context(), mail("a@x"));
    for (to, expected) in [
        ("b@y", Reply::recipient_ok()),
        ("b@y", Reply::recipient_ok()),
        // It was refused before, and may succeed in another transaction.
        ("c@y", Reply::mailbox_busy()),
        ("c@y", Reply::recipient_ok()),
        ("c@Y", Reply::recipient_ok()),
    ] {
        let pending = driver.rcpt(rcpt(to)).await;
        assert_eq!(driver.wait(pending).await, expected, "{to}");
    }
    driver.send(MESSAGE.into()).await.unwrap();
    assert!(driver.finish().await.is_positive());
}
