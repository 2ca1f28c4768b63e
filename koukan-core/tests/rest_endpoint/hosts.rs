use std::time::Duration;

use koukan_core::{
    reply::Reply,
    resource::RefusalKind,
    signals::{Destination, Signals},
    stage::rest_endpoint::{RestEndpoint, RestEndpointSettings},
    test_util::{at_rest, context, mail, rcpt},
    transaction::{Driver, Transaction},
};
use tower::{BoxError, Layer};

use crate::{
    fake::{Fake, Fault, Kind, Script},
    originator::{MESSAGE, endpoint, let_run, start, start_with},
};

fn to_hosts() -> Signals {
    let signals = Signals::default();
    signals.set(destination()).unwrap();
    signals
}

fn destination() -> Destination {
    Destination::of_operator(["one:25".parse().unwrap(), "two:25".parse().unwrap()])
}

fn hosts(fake: &Fake) -> Vec<String> {
    let creates = fake.creates().into_iter();
    creates
        .map(|create| create.draft.remote_host.unwrap().to_string())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn upstream_is_told_the_first_host() {
    let fake = Fake::new(Script::accepting());
    let (mut driver, mail) = start_with(endpoint(&fake), to_hosts());
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    assert_eq!(hosts(&fake), ["one:25"]);
}

#[tokio::test(start_paused = true)]
async fn the_next_host_is_tried_when_mail_fails_for_now() {
    let fake = Fake::new(Script {
        mail: |host| match host {
            Some("one:25") => Some(Reply::connection_failed()),
            _ => Some(Reply::sender_ok()),
        },
        ..Script::accepting()
    });
    let (mut driver, mail) = start_with(endpoint(&fake), to_hosts());
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    assert_eq!(hosts(&fake), ["one:25", "two:25"]);
    let keys: Vec<_> = fake
        .creates()
        .into_iter()
        .map(|c| c.idempotency_key)
        .collect();
    assert_ne!(keys[0], keys[1]);
    driver.send(MESSAGE.into()).await.unwrap();
    assert_eq!(driver.finish().await, Reply::message_accepted());
    assert_eq!(fake.transaction(1).recipients(), ["b@y"]);
    fake.cancelled(0).await;
}

#[tokio::test(start_paused = true)]
async fn the_next_host_is_tried_with_all_recipients_that_came_meanwhile() {
    let fake = Fake::new(Script {
        mail: |host| (host == Some("two:25")).then(Reply::sender_ok),
        ..Script::silent()
    });
    let (mut driver, mail) = start_with(endpoint(&fake), to_hosts());
    let_run(&mut driver).await;
    let bob = driver.rcpt(rcpt("b@y")).await;
    let_run(&mut driver).await;
    fake.change(0, |view| {
        view.mail_response = Some(Reply::connection_failed());
    });
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    fake.change(1, |view| view.rcpt_response.push(Reply::recipient_ok()));
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    assert_eq!(fake.transaction(1).recipients(), ["b@y"]);
}

#[tokio::test(start_paused = true)]
async fn the_next_host_is_tried_when_the_create_fails() {
    let fake = Fake::new(Script::accepting());
    fake.fault(
        Kind::Create,
        Fault::Refuse(RefusalKind::TooMany {
            retry_after: Duration::from_secs(1),
        }),
    );
    let (mut driver, mail) = start_with(endpoint(&fake), to_hosts());
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    assert_eq!(hosts(&fake), ["one:25", "two:25"]);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_reply_is_final_whatever_hosts_there_are() {
    let fake = Fake::new(Script {
        mail: |_| Some(Reply::policy_refused()),
        ..Script::accepting()
    });
    let (mut driver, mail) = start_with(endpoint(&fake), to_hosts());
    assert_eq!(driver.wait(mail).await, Reply::policy_refused());
    assert_eq!(hosts(&fake), ["one:25"]);
}

#[tokio::test(start_paused = true)]
async fn the_last_host_has_the_last_word() {
    let fake = Fake::new(Script {
        mail: |host| match host {
            Some("one:25") => Some(Reply::connection_failed()),
            _ => Some(Reply::mailbox_busy()),
        },
        ..Script::accepting()
    });
    let (mut driver, mail) = start_with(endpoint(&fake), to_hosts());
    assert_eq!(driver.wait(mail).await, Reply::mailbox_busy());
    assert_eq!(hosts(&fake), ["one:25", "two:25"]);
}

#[tokio::test(start_paused = true)]
async fn there_is_no_other_host_after_a_recipient_was_accepted() {
    let fake = Fake::new(Script {
        mail: |_| None,
        ..Script::accepting()
    });
    let (mut driver, mail) = start_with(endpoint(&fake), to_hosts());
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    fake.change(0, |view| {
        view.mail_response = Some(Reply::connection_failed());
    });
    assert_eq!(driver.wait(mail).await, Reply::connection_failed());
    assert_eq!(fake.transactions(), 1);
}

/// Decides by the first recipient, as routing filters do.
async fn route(tx: Transaction, next: koukan_core::middleware::Next) -> Result<Reply, BoxError> {
    let signals = tx.signals.clone();
    let tx = tx.map_recipients(|recipients| {
        recipients.map(move |rcpt| {
            let _ = signals.set(destination());
            rcpt
        })
    });
    next.run(tx).await
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_needs_a_recipient_is_waited_for() {
    let fake = Fake::new(Script::accepting());
    let settings = RestEndpointSettings::default().with_destination_awaited(true);
    let endpoint = RestEndpoint::new(fake.clone(), settings);
    let service = koukan_core::middleware::from_fn(route).layer(endpoint);
    let (mut driver, mail) = Driver::start(service, context(), mail("a@x"));
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    assert_eq!(fake.transactions(), 0);
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    assert_eq!(hosts(&fake), ["one:25"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_where_a_destination_is_missing() {
    let fake = Fake::new(Script::accepting());
    let settings = RestEndpointSettings::default().with_destination_awaited(true);
    let (mut driver, _mail) = start(RestEndpoint::new(fake.clone(), settings));
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::misconfigured());
    at_rest().await;
    assert_eq!(fake.transactions(), 0);
}
