//! Members that leave.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use koukan_core::{
    blob::BlobPool,
    reply::Reply,
    stage::{
        exploder::{Exploder, ReplyPolicy},
        sharing::Sharing,
    },
    test_util::{Answer, End, Script},
    transaction::Transaction,
};
use tokio::time::timeout;
use tower::{ServiceExt, service_fn};

use crate::harness::{Client, Droppers, MESSAGE, delivered};

/// A client whose legs can be dropped.
fn client(destination: &Script) -> (Client, Droppers) {
    let droppers = Droppers::default();
    let legs = droppers.around(Sharing::new(destination.clone()));
    let exploder = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
    (Client::new(exploder), droppers)
}

#[tokio::test(start_paused = true)]
async fn the_first_leaves_after_its_rcpt_and_the_second_goes_on() {
    let destination = Script::new();
    let (mut client, droppers) = client(&destination);
    for to in ["b@y", "c@y"] {
        assert!(client.rcpt(to).await.is_positive());
    }
    droppers.drop_call(0);
    client.rest().await;
    // The client's commands are not sent twice, and the others go on.
    assert!(client.rcpt("d@y").await.is_positive());
    client.message().await;
    assert_eq!(delivered(&destination), [["c@y", "d@y"]]);
    let received = destination.received();
    assert_eq!(received[0].end, End::Dropped);
    assert_eq!(received[0].recipient_texts(), ["b@y", "c@y"]);
}

#[tokio::test(start_paused = true)]
async fn any_of_them_leaves_at_any_time_before_the_message() {
    for leaver in 0..3 {
        let destination = Script::new();
        let (mut client, droppers) = client(&destination);
        let all = ["b@y", "c@y", "d@y"];
        for to in all {
            assert!(client.rcpt(to).await.is_positive());
        }
        droppers.drop_call(leaver);
        client.message().await;
        let mut rest = all.to_vec();
        rest.remove(leaver);
        assert_eq!(delivered(&destination), [rest], "{leaver}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_before_it_is_answered_keeps_nobody_else_waiting() {
    let destination = Script::new().rcpt("c@y", Answer::Never);
    let (mut client, droppers) = client(&destination);
    assert!(client.rcpt("b@y").await.is_positive());
    let waiting = client
        .driver
        .rcpt(koukan_core::test_util::rcpt("c@y"))
        .await;
    client.rest().await;
    droppers.drop_call(1);
    assert_eq!(client.driver.wait(waiting).await, Reply::bad_content());
    client.message().await;
    assert_eq!(delivered(&destination), [["b@y"]]);
}

#[tokio::test(start_paused = true)]
async fn the_first_leaves_before_it_is_answered() {
    let destination = Script::new().rcpt("b@y", Answer::Never);
    let (mut client, droppers) = client(&destination);
    let waiting = client
        .driver
        .rcpt(koukan_core::test_util::rcpt("b@y"))
        .await;
    client.rest().await;
    assert!(client.rcpt("c@y").await.is_positive());
    droppers.drop_call(0);
    assert_eq!(client.driver.wait(waiting).await, Reply::bad_content());
    client.message().await;
    assert_eq!(delivered(&destination), [["c@y"]]);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_after_the_message_has_started_changes_nothing() {
    for leaver in 0..2 {
        let destination = Script::new();
        let (mut client, droppers) = client(&destination);
        for to in ["b@y", "c@y"] {
            assert!(client.rcpt(to).await.is_positive());
        }
        let (half, rest) = MESSAGE.split_at(5);
        client.driver.send(half.into()).await.unwrap();
        client.rest().await;
        destination.octets(half.len()).await;
        droppers.drop_call(leaver);
        client.rest().await;
        client.driver.send(rest.into()).await.unwrap();
        client.driver.finish().await;
        assert_eq!(delivered(&destination), [["b@y", "c@y"]], "{leaver}");
        assert_eq!(destination.received().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn all_leave_and_the_transaction_ends() {
    for is_started in [false, true] {
        let destination = Script::new();
        let (mut client, droppers) = client(&destination);
        for to in ["b@y", "c@y"] {
            assert!(client.rcpt(to).await.is_positive());
        }
        if is_started {
            client.driver.send("Sub".into()).await.unwrap();
            client.rest().await;
        }
        droppers.drop_call(0);
        droppers.drop_call(1);
        client.rest().await;
        let received = destination.ended(1).await;
        assert!(received.iter().all(|received| received.end == End::Dropped));
        assert!(delivered(&destination).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_when_it_is_asked_again_has_that_as_its_final_reply() {
    let destinations = crate::agent::turns([
        Script::new(),
        Script::new().rcpt("c@y", Reply::mailbox_busy()),
    ]);
    let droppers = Droppers::default();
    let legs = droppers.around(Sharing::new(destinations));
    let exploder = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
    let mut client = Client::new(exploder);
    for to in ["b@y", "c@y"] {
        assert!(client.rcpt(to).await.is_positive());
    }
    droppers.drop_call(0);
    // One was dropped, the other deferred.
    assert_eq!(client.message().await, Reply::mailbox_busy());
}

#[tokio::test(start_paused = true)]
async fn an_only_member_that_leaves_ends_the_call_at_once() {
    let destination = Script::new();
    let (mut client, _droppers) = client(&destination);
    client.rcpt("b@y").await;
    drop(client);
    assert_eq!(destination.only_received().end, End::Dropped);
}

#[tokio::test(start_paused = true)]
async fn who_stays_without_an_answer_gets_it_from_the_next_transaction() {
    let destinations = crate::agent::turns([
        Script::new().other_rcpts(Answer::Never),
        Script::new().rcpt("d@y", Reply::no_such_user()),
    ]);
    let droppers = Droppers::default();
    let legs = droppers.around(Sharing::new(destinations));
    let exploder = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
    let mut client = Client::new(exploder);
    let mut waiting = Vec::new();
    for to in ["b@y", "c@y", "d@y"] {
        waiting.push(client.driver.rcpt(koukan_core::test_util::rcpt(to)).await);
    }
    client.rest().await;
    droppers.drop_call(0);
    let mut told = Vec::new();
    for reply in waiting {
        told.push(client.driver.wait(reply).await);
    }
    let expected = [
        Reply::bad_content(),
        Reply::recipient_ok(),
        Reply::no_such_user(),
    ];
    assert_eq!(told, expected);
    assert!(client.message().await.is_positive());
}

/// If the first member's task is not the one that drives the calls.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_panics_ends_all_who_share() {
    let (destination, mut calls) = (Script::new(), 0);
    let endpoint = move |transaction: Transaction| {
        calls += 1;
        assert_eq!(calls, 1, "a fault of the endpoint");
        destination.clone().oneshot(transaction)
    };
    let endpoint = Arc::new(Mutex::new(endpoint));
    let endpoint = service_fn(move |transaction| {
        let mut endpoint = endpoint.lock().unwrap_or_else(PoisonError::into_inner);
        endpoint(transaction)
    });
    let droppers = Droppers::default();
    let legs = droppers.around(Sharing::new(endpoint));
    let exploder = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
    let mut client = Client::new(exploder);
    for to in ["b@y", "c@y", "d@y"] {
        assert!(client.rcpt(to).await.is_positive());
    }
    droppers.drop_call(0);
    client.rest().await;
    let told = timeout(Duration::from_secs(60), client.message()).await;
    let expected = "450 4.3.0 local error in processing, try again later";
    assert_eq!(told.unwrap().to_string(), expected);
}
