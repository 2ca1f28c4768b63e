//! Law 5: only the driver makes slots, so a transaction within a transaction obeys the laws too.

use koukan_core::{
    reply::Reply,
    service::BoxMailService,
    signals::Signals,
    test_util::{Answer, End, Script, context, mail, rcpt, send},
    transaction::{Driver, Mail, Pending, Transaction},
};
use tower::{BoxError, service_fn};

/// A proxy: originates a transaction of its own for the one it gets, one command at a time.
async fn proxy(tx: Transaction, upstream: BoxMailService) -> Result<Reply, BoxError> {
    let Transaction {
        context,
        mail,
        mut recipients,
        body,
        signals,
    } = tx;
    let (request, slot) = mail.into_parts();
    let (mut driver, pending) = Driver::start_with(upstream, context, request, signals);
    slot.answer(driver.wait(pending).await);
    while let Some(rcpt) = recipients.next().await? {
        let (request, slot) = rcpt.into_parts();
        let pending = driver.rcpt(request).await;
        slot.answer(driver.wait(pending).await);
    }
    driver.data();
    driver.whole_body(body);
    Ok(driver.finish().await)
}

fn proxied(upstream: Script, times: usize) -> BoxMailService {
    (0..times).fold(BoxMailService::new(upstream), |upstream, _| {
        BoxMailService::new(service_fn(move |tx| proxy(tx, upstream.clone())))
    })
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_proxies_changes_nothing() {
    for times in 0..4 {
        let upstream = Script::new().rcpt("no@y", Reply::no_such_user());
        let to = ["b@y", "no@y", "c@y"].map(rcpt);
        let message = "Subject: hi\r\n\r\nhello\r\n";
        let outcome = send(proxied(upstream.clone(), times), mail("a@x"), to, message).await;
        let replies = [
            Reply::recipient_ok(),
            Reply::no_such_user(),
            Reply::recipient_ok(),
        ];
        assert_eq!(outcome.mail, Reply::sender_ok());
        assert_eq!(outcome.recipients, replies);
        assert_eq!(outcome.message, Some(Reply::message_accepted()));
        assert_eq!(upstream.only_received().text(), message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_forgetful_endpoint_is_answered_for_behind_a_proxy() {
    let upstream = Script::new()
        .rcpt("b@y", Answer::Drop)
        .message(Answer::Fail("broken"));
    let to = ["b@y", "c@y"].map(rcpt);
    let outcome = send(proxied(upstream, 2), mail("a@x"), to, "\r\n").await;
    assert_eq!(
        outcome.recipients,
        [Reply::local_error(), Reply::recipient_ok()]
    );
    assert_eq!(outcome.message, Some(Reply::local_error()));
}

#[tokio::test(start_paused = true)]
async fn an_abort_reaches_the_endpoint_through_proxies() {
    let upstream = Script::new();
    let (mut driver, _mail) = Driver::start(proxied(upstream.clone(), 2), context(), mail("a@x"));
    let pending: Pending = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(pending).await, Reply::recipient_ok());
    drop(driver);
    assert_eq!(upstream.only_received().end, End::Dropped);
}

#[tokio::test(start_paused = true)]
async fn signals_are_shared_by_all_who_work_on_a_transaction() {
    #[derive(Debug, PartialEq)]
    struct Score(u8);
    let signals = Signals::default();
    let request: Mail = mail("a@x");
    let service = service_fn(|tx: Transaction| async move {
        tx.signals.set(Score(7))?;
        Ok::<_, BoxError>(Reply::policy_refused())
    });
    let (mut driver, _mail) = Driver::start_with(service, context(), request, signals.clone());
    driver.progress().await;
    assert_eq!(signals.find::<Score>().as_deref(), Some(&Score(7)));
}
