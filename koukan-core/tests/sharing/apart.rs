//! Transactions that are not shared.

use futures_util::{StreamExt, stream};
use koukan_core::{
    blob::BlobPool,
    body::Body,
    context::Context,
    middleware::{Next, from_fn},
    path::Parameter,
    reply::{Rejection, Reply},
    service::{BoxMailService, MailService},
    signals::{Destination, HostPort},
    stage::{
        exploder::{Exploder, ReplyPolicy},
        sharing::Sharing,
    },
    test_util::{Script, context, mail, rcpt, send},
    transaction::{Driver, Recipients, Transaction},
};
use tower::Layer;

use crate::harness::{MESSAGE, delivered};

/// Sends to three recipients, where a filter in the legs treats the last one differently. Returns who
/// shared.
async fn shared(
    filter: impl Fn(Transaction) -> Transaction + Clone + Send + Sync + 'static,
) -> Vec<Vec<String>> {
    let destination = Script::new();
    let other = move |mut tx: Transaction, next: Next| {
        let filter = filter.clone();
        async move {
            // The purpose of a leg is known with its recipient.
            let first = tx.recipients.next().await?.unwrap();
            let is_other = first.forward_path().as_str() == "other@y";
            let rest = std::mem::replace(&mut tx.recipients, Recipients::empty());
            tx.recipients = Recipients::from_stream(stream::iter([Ok(first)]).chain(rest));
            let tx = if is_other { filter(tx) } else { tx };
            next.run(tx).await
        }
    };
    let legs = from_fn(other).layer(BoxMailService::new(Sharing::new(destination.clone())));
    let outcome = send_to(legs, ["b@y", "c@y", "other@y"]).await;
    assert!(outcome.is_positive(), "{outcome}");
    let mut shared: Vec<_> = delivered(&destination);
    shared.sort_unstable();
    shared
}

async fn send_to<const N: usize>(legs: impl MailService, to: [&str; N]) -> Reply {
    let exploder = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
    let outcome = send(exploder, mail("a@x"), to.map(rcpt), MESSAGE).await;
    outcome.message.unwrap()
}

fn apart() -> Vec<Vec<String>> {
    vec![vec!["b@y".into(), "c@y".into()], vec!["other@y".into()]]
}

#[tokio::test(start_paused = true)]
async fn without_a_difference_all_share() {
    assert_eq!(shared(|tx| tx).await, [["b@y", "c@y", "other@y"]]);
}

#[tokio::test(start_paused = true)]
async fn another_field_before_the_message() {
    assert_eq!(shared(|tx| tx.prepend("X: 1\r\n".into())).await, apart());
    // Even one of the same size, for which no other SIZE is declared.
    let prepended = |mut tx: Transaction| {
        tx.body.prepend("X: 1\r\n".into());
        tx
    };
    assert_eq!(shared(prepended).await, apart());
}

#[tokio::test(start_paused = true)]
async fn the_same_field_before_the_message_in_other_pieces_is_no_difference() {
    let destination = Script::new();
    let add = |tx: Transaction, next: Next| async move {
        let mut tx = tx;
        tx.body.prepend("Y: 2\r\n".into());
        tx.body.prepend("X: 1\r\n".into());
        next.run(tx).await
    };
    let legs = from_fn(add).layer(BoxMailService::new(Sharing::new(destination.clone())));
    assert!(send_to(legs, ["b@y", "c@y"]).await.is_positive());
    assert_eq!(delivered(&destination), [["b@y", "c@y"]]);
    let text = format!("X: 1\r\nY: 2\r\n{MESSAGE}");
    assert_eq!(destination.only_received().text(), text);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_may_be_changed() {
    let map = |tx: Transaction| tx.map_body(|body| body.map(Ok::<_, Rejection>));
    assert_eq!(shared(map).await, apart());
    let then = |tx: Transaction| tx.map_body(|body| body.then(|body: Body| async { Ok(body) }));
    assert_eq!(shared(then).await, apart());
    let whole = |tx: Transaction| tx.then_whole(1000, |whole| async { Ok(Body::from(whole)) });
    assert_eq!(shared(whole).await, apart());
}

#[tokio::test(start_paused = true)]
async fn other_parameters_of_mail() {
    let body = |mut tx: Transaction| {
        let parameter = Parameter::new("BODY", Some("8BITMIME")).unwrap();
        tx.mail.request_mut().parameters.push(parameter).unwrap();
        tx
    };
    assert_eq!(shared(body).await, apart());
}

#[tokio::test(start_paused = true)]
async fn another_reverse_path() {
    let other = |mut tx: Transaction| {
        tx.mail.request_mut().reverse_path = "z@x".parse().unwrap();
        tx
    };
    assert_eq!(shared(other).await, apart());
}

#[tokio::test(start_paused = true)]
async fn another_destination() {
    let other = |tx: Transaction| {
        let host: HostPort = "mx.example:25".parse().unwrap();
        tx.signals.set(Destination::of_operator([host])).unwrap();
        tx
    };
    assert_eq!(shared(other).await, apart());
}

#[tokio::test(start_paused = true)]
async fn another_session() {
    let other = |mut tx: Transaction| {
        let context = Context::clone(&tx.context);
        tx.context = context
            .with_sender(koukan_core::context::Sender::new("other"))
            .into();
        tx
    };
    assert_eq!(shared(other).await, apart());
    // Equal facts are equal wherever they are stored.
    let same = |mut tx: Transaction| {
        tx.context = Context::clone(&tx.context).into();
        tx
    };
    assert_eq!(shared(same).await, [["b@y", "c@y", "other@y"]]);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_needs_smtputf8() {
    let destination = Script::new();
    let legs = Sharing::new(destination.clone());
    let to = ["b@y", "c@y", "ü@y"];
    assert!(send_to(legs, to).await.is_positive());
    let mut shared = delivered(&destination);
    shared.sort_unstable();
    assert_eq!(shared, [vec!["b@y", "c@y"], vec!["ü@y"]]);
}

#[tokio::test(start_paused = true)]
async fn two_messages() {
    let destination = Script::new();
    let legs = Sharing::new(destination.clone());
    for _ in 0..2 {
        assert!(send_to(legs.clone(), ["b@y", "c@y"]).await.is_positive());
    }
    assert_eq!(delivered(&destination), [["b@y", "c@y"], ["b@y", "c@y"]]);
}

#[tokio::test(start_paused = true)]
async fn two_layers() {
    let destination = Script::new();
    let legs = koukan_core::stage::exploder::ByDomain::new(BoxMailService::new(Sharing::new(
        destination.clone(),
    )))
    .with("z", BoxMailService::new(Sharing::new(destination.clone())));
    assert!(
        send_to(legs, ["b@y", "c@z", "d@y", "e@z"])
            .await
            .is_positive()
    );
    let mut shared = delivered(&destination);
    shared.sort_unstable();
    assert_eq!(shared, [["b@y", "d@y"], ["c@z", "e@z"]]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_does_not_come_is_waited_for_no_longer_than_a_moment() {
    let destination = Script::new();
    let slow = |mut tx: Transaction, next: Next| async move {
        let first = tx.recipients.next().await?.unwrap();
        let is_slow = first.forward_path().as_str() == "slow@y";
        let rest = std::mem::replace(&mut tx.recipients, Recipients::empty());
        tx.recipients = Recipients::from_stream(stream::iter([Ok(first)]).chain(rest));
        if is_slow {
            tokio::time::sleep(std::time::Duration::from_secs(20)).await;
        }
        next.run(tx).await
    };
    let legs = from_fn(slow).layer(BoxMailService::new(Sharing::new(destination.clone())));
    let exploder = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
    let (mut driver, _mail) = Driver::start(exploder, context(), mail("a@x"));
    for to in ["slow@y", "b@y", "c@y"] {
        drop(driver.rcpt(rcpt(to)).await);
    }
    driver.send(MESSAGE.into()).await.unwrap();
    let begun = tokio::time::Instant::now();
    let sending = tokio::spawn(async move { driver.finish().await });
    destination.ended(1).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(1));
    assert_eq!(delivered(&destination), [["b@y", "c@y"]]);
    assert!(sending.await.unwrap().is_positive());
    assert_eq!(delivered(&destination).len(), 2);
}
