//! Copies of one message that go upstream in one transaction.

use koukan_core::{
    blob::BlobPool,
    middleware::DeliverOutcome,
    reply::Reply,
    signals::{DurableSignal, Signals},
    stage::{
        exploder::{Exploder, ReplyPolicy},
        rest_endpoint::{RestEndpoint, RestEndpointSettings},
        sharing::SharingLayer,
    },
    test_util::{mail, rcpt, send},
    transaction::Transaction,
};
use rstest::rstest;
use serde::{Deserialize, Serialize};
use tower::{Layer, ServiceBuilder};

use crate::{
    fake::{Fake, Script},
    originator::MESSAGE,
};

fn layer() -> SharingLayer {
    SharingLayer::new().with_lone_passed().with_signals_told()
}

fn endpoint(fake: &Fake, is_incremental: bool) -> RestEndpoint<Fake> {
    let settings = RestEndpointSettings::default()
        .with_incremental(is_incremental)
        .with_filter_output(true);
    RestEndpoint::new(fake.clone(), settings)
}

fn fake(is_incremental: bool) -> Fake {
    Fake::new(Script {
        is_incremental,
        rcpt: |to| {
            Some(match to.starts_with("no") {
                true => Reply::no_such_user(),
                false => Reply::recipient_ok(),
            })
        },
        ..Script::accepting()
    })
}

async fn sent(fake: &Fake, is_incremental: bool, to: &[&str]) -> DeliverOutcome {
    let legs = layer().layer(endpoint(fake, is_incremental));
    let exploder = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
    let to: Vec<_> = to.iter().map(|to| rcpt(to)).collect();
    send(exploder, mail("alice@x"), to, MESSAGE).await
}

/// A create with all recipients known so far is made while the first is awaited; later recipients get
/// another transaction.
#[rstest]
#[case::step_by_step(true, 1)]
#[case::as_a_whole(false, 2)]
#[tokio::test(start_paused = true)]
async fn many_recipients_have_few_transactions(
    #[case] is_incremental: bool,
    #[case] transactions: usize,
) {
    let fake = fake(is_incremental);
    let to = ["b@y", "c@y", "no@y", "d@z"];
    let outcome = sent(&fake, is_incremental, &to).await;
    let expected = [
        Reply::recipient_ok(),
        Reply::recipient_ok(),
        Reply::no_such_user(),
        Reply::recipient_ok(),
    ];
    assert_eq!(outcome.recipients, expected);
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    assert_eq!(fake.transactions(), transactions, "{:?}", fake.log());
    let mut all = Vec::new();
    for number in 0..transactions {
        let transaction = fake.transaction(number);
        all.extend(transaction.recipients().iter().map(ToString::to_string));
        let message = transaction.message().map(str::to_owned);
        let inline = fake.creates()[number].draft.body.is_some();
        assert!(inline || message.as_deref() == Some(MESSAGE), "{message:?}");
    }
    assert_eq!(all, to);
}

/// There are no others to tell upstream about.
#[tokio::test(start_paused = true)]
async fn who_is_alone_is_passed_through() {
    let fake = fake(true);
    let outcome = sent(&fake, true, &["b@y"]).await;
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    assert_eq!(fake.transactions(), 1);
}

#[derive(Debug, Serialize, Deserialize)]
struct Verdict(String);

impl DurableSignal for Verdict {
    const NAME: &'static str = "verdict";
}

/// A leg with other filter results for upstream does not share a transaction.
#[tokio::test(start_paused = true)]
async fn who_has_other_signals_has_a_transaction_of_its_own() {
    let fake = fake(true);
    let number = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let legs = ServiceBuilder::new()
        .map_request(move |tx: Transaction| {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let signals: &Signals = &tx.signals;
            let _ = signals.set_durable(&Verdict(["a", "b", "a"][number].to_owned()));
            tx
        })
        .layer(layer())
        .service(endpoint(&fake, true));
    let exploder = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
    let to = ["b@y", "c@y", "d@y"].map(rcpt);
    let outcome = send(exploder, mail("alice@x"), to, MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    assert_eq!(fake.transactions(), 2, "{:?}", fake.log());
    assert_eq!(fake.transaction(0).recipients(), ["b@y", "d@y"]);
    assert_eq!(fake.transaction(1).recipients(), ["c@y"]);
}
