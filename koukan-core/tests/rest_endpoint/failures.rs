use std::time::Duration;

use koukan_core::{
    reply::Reply,
    resource::{Location, RefusalKind},
    test_util::{mail, rcpt, send},
};

use crate::{
    fake::{Fake, Fault, Kind, Script},
    originator::{MESSAGE, endpoint, let_run, let_run_for, start},
};

const LATER: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_refused_create_is_a_reply() {
    for (kind, reply) in [
        (RefusalKind::Malformed, Reply::misconfigured()),
        (RefusalKind::Unauthenticated, Reply::misconfigured()),
        (RefusalKind::Forbidden, Reply::misconfigured()),
        (RefusalKind::NotFound, Reply::misconfigured()),
        (RefusalKind::WrongContentType, Reply::misconfigured()),
        (RefusalKind::TooLarge, Reply::message_too_big()),
        (RefusalKind::Conflict, Reply::local_error()),
        (
            RefusalKind::Elsewhere(Location::new("http://b")),
            Reply::local_error(),
        ),
        (
            RefusalKind::TooMany { retry_after: LATER },
            Reply::overloaded(),
        ),
    ] {
        let fake = Fake::new(Script::accepting());
        fake.fault(Kind::Create, Fault::Refuse(kind.clone()));
        let outcome = send(endpoint(&fake), mail("a@x"), [rcpt("b@y")], MESSAGE).await;
        assert_eq!(outcome.mail, reply, "{kind:?}");
        assert_eq!(fake.creates().len(), 1, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_fails_is_repeated_with_its_key() {
    for fault in [
        Fault::Lose,
        Fault::LoseAnswer,
        Fault::Refuse(RefusalKind::Internal),
        Fault::Refuse(RefusalKind::Unavailable { retry_after: LATER }),
    ] {
        let fake = Fake::new(Script::accepting());
        fake.fault(Kind::Create, fault);
        let outcome = send(endpoint(&fake), mail("a@x"), [rcpt("b@y")], MESSAGE).await;
        assert_eq!(outcome.verdict(0), &Reply::message_accepted());
        let creates = fake.creates();
        assert_eq!(creates.len(), 2);
        assert!(creates[0].idempotency_key.is_some());
        assert_eq!(creates[0], creates[1]);
        assert_eq!(fake.transactions(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_is_repeated_a_few_times_only() {
    for (fault, reply) in [
        (Fault::Lose, Reply::connection_failed()),
        (
            Fault::Refuse(RefusalKind::Internal),
            Reply::destination_failed(),
        ),
        (
            Fault::Refuse(RefusalKind::Unavailable { retry_after: LATER }),
            Reply::overloaded(),
        ),
    ] {
        let fake = Fake::new(Script::accepting());
        for _ in 0..9 {
            fake.fault(Kind::Create, fault.clone());
        }
        let (mut driver, mail) = start(endpoint(&fake));
        assert_eq!(driver.wait(mail).await, reply);
        assert_eq!(fake.creates().len(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn different_transactions_have_different_keys() {
    let fake = Fake::new(Script::accepting());
    for _ in 0..2 {
        let (mut driver, mail) = start(endpoint(&fake));
        driver.wait(mail).await;
    }
    assert_eq!(fake.transactions(), 2);
}

#[tokio::test(start_paused = true)]
async fn reads_that_fail_are_repeated() {
    let fake = Fake::new(Script::silent());
    for _ in 0..3 {
        fake.fault(Kind::Read, Fault::Lose);
    }
    let (mut driver, mail) = start(endpoint(&fake));
    let_run(&mut driver).await;
    fake.change(0, |view| view.mail_response = Some(Reply::sender_ok()));
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_can_no_longer_be_read_is_lost() {
    for fault in [Fault::Lose, Fault::Refuse(RefusalKind::NotFound)] {
        let fake = Fake::new(Script::silent());
        for _ in 0..20 {
            fake.fault(Kind::Read, fault.clone());
        }
        let (mut driver, mail) = start(endpoint(&fake));
        assert_eq!(driver.wait(mail).await, Reply::connection_lost());
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_never_lets_a_read_hang_is_asked_now_and_then() {
    let fake = Fake::new(Script::silent());
    fake.let_no_read_hang();
    let (mut driver, _mail) = start(endpoint(&fake));
    let_run_for(&mut driver, Duration::from_millis(20_500)).await;
    assert_eq!(fake.reads(), 21);
}

#[tokio::test(start_paused = true)]
async fn a_refused_append_and_a_refused_upload_are_replies() {
    let fake = Fake::new(Script::accepting());
    let (mut driver, mail) = start(endpoint(&fake));
    driver.wait(mail).await;
    fake.fault(Kind::Append, Fault::Refuse(RefusalKind::Malformed));
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::misconfigured());

    let fake = Fake::new(Script::accepting());
    fake.fault(Kind::Upload, Fault::Refuse(RefusalKind::TooLarge));
    let outcome = send(endpoint(&fake), self::mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.verdict(0), &Reply::message_too_big());
    fake.cancelled(0).await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_answers_nothing_is_not_passed_on() {
    let fake = Fake::new(Script {
        mail: |_| Some(Reply::start_mail_input()),
        ..Script::accepting()
    });
    let (mut driver, mail) = start(endpoint(&fake));
    assert_eq!(driver.wait(mail).await, Reply::bad_upstream_reply());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_closed_upstream_closes_none_here() {
    let relayed = Reply::service_closing().relayed();
    assert!(!relayed.closes_connection());

    let fake = Fake::new(Script {
        mail: |_| Some(Reply::service_closing()),
        ..Script::accepting()
    });
    let (mut driver, mail) = start(endpoint(&fake));
    assert_eq!(driver.wait(mail).await, relayed);

    let fake = Fake::new(Script {
        data: Some(Reply::service_closing()),
        ..Script::accepting()
    });
    let outcome = send(endpoint(&fake), self::mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.message, Some(relayed));
}
