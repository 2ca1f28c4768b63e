//! Messages that arrive slowly while others wait for the connection.

use std::time::Duration;

use koukan_core::{
    blob::BlobPool,
    body::{Body, Holdings},
    reply::Reply,
    service::MailService,
    signals::{Destination, HostPort},
    stage::{
        exploder::{Exploder, ReplyPolicy},
        sharing::{Demand, Sharing},
    },
    test_util::{End, Script, context, mail, rcpt},
    transaction::Driver,
};
use tokio::time::timeout;

use crate::harness::{Client, MESSAGE, delivered};

fn host() -> HostPort {
    "mx.example:25".parse().unwrap()
}

fn demand() -> Demand {
    Demand::new(Some(Destination::of_operator([host()]).into()))
}

fn exploder(destination: impl MailService, demand: &Demand) -> impl MailService {
    let legs = Sharing::new(destination).with_demand(demand.clone());
    Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default())
}

/// Octets before the message, which are not counted.
const FIELD: &str = "X: y\r\n";

async fn begin(client: &mut Client, to: &[&str]) {
    for to in to {
        assert!(client.rcpt(to).await.is_positive());
    }
}

/// Sends at that rate per second, for that long.
async fn send(client: &mut Client, fields: usize, seconds: usize) {
    for _ in 0..seconds {
        client
            .driver
            .send(FIELD.repeat(fields).into())
            .await
            .unwrap();
        let _ = timeout(Duration::from_secs(1), client.driver.progress()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_message_gives_way_and_is_sent_when_all_of_it_is_there() {
    for to in [&["b@y", "c@y"][..], &["b@y", "c@y", "d@y"]] {
        let (destination, demand) = (Script::new(), demand());
        let mut client = Client::new(exploder(destination.clone(), &demand));
        begin(&mut client, to).await;
        let wanted = demand.want(&host(), &Holdings::default());
        send(&mut client, 17, 9).await;
        assert!(destination.received().is_empty());
        send(&mut client, 17, 2).await;
        let received = destination.only_received();
        assert_eq!(received.end, End::Dropped);
        assert!(received.body.len() > 900, "it had begun");
        drop(wanted);
        // Nobody is asked to give way before all of it is there.
        send(&mut client, 17, 60).await;
        assert_eq!(destination.received().len(), 1);
        assert!(client.message().await.is_positive());
        assert_eq!(delivered(&destination), [to]);
        let last = destination.received().pop().unwrap();
        assert_eq!(last.body.len(), FIELD.len() * 17 * 71 + MESSAGE.len());
        assert_eq!(destination.received().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_stops_after_it_was_fast_gives_way() {
    let (destination, demand) = (Script::new(), demand());
    let mut client = Client::new(exploder(destination.clone(), &demand));
    begin(&mut client, &["b@y", "c@y"]).await;
    let _wanted = demand.want(&host(), &Holdings::default());
    send(&mut client, 400, 15).await;
    assert!(destination.received().is_empty());
    let _ = timeout(Duration::from_secs(21), client.driver.progress()).await;
    assert_eq!(destination.only_received().end, End::Dropped);
    assert!(client.message().await.is_positive());
    assert_eq!(delivered(&destination), [["b@y", "c@y"]]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_fast_enough_or_that_nobody_waits_for_goes_on() {
    for (fields, host) in [(220, "mx.example:25"), (1, "other.example:25")] {
        let (destination, demand) = (Script::new(), demand());
        let mut client = Client::new(exploder(destination.clone(), &demand));
        begin(&mut client, &["b@y", "c@y"]).await;
        let host: HostPort = host.parse().unwrap();
        let _wanted = demand.want(&host, &Holdings::default());
        send(&mut client, fields, 60).await;
        assert!(client.message().await.is_positive());
        assert_eq!(destination.received().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn who_begins_to_wait_later_has_the_connection_of_who_has_been_slow() {
    let (destination, demand) = (Script::new(), demand());
    let mut client = Client::new(exploder(destination.clone(), &demand));
    begin(&mut client, &["b@y", "c@y"]).await;
    send(&mut client, 1, 60).await;
    assert!(destination.received().is_empty());
    let _wanted = demand.want(&host(), &Holdings::default());
    let _ = timeout(Duration::from_millis(1), client.driver.progress()).await;
    assert_eq!(destination.only_received().end, End::Dropped);
    assert!(client.message().await.is_positive());
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_the_second_time_is_told_at_the_end() {
    let demand = demand();
    let second = Script::new().other_rcpts(Reply::no_such_user());
    let destinations = crate::agent::turns([Script::new(), second.clone()]);
    let mut client = Client::new(exploder(destinations, &demand));
    begin(&mut client, &["b@y", "c@y"]).await;
    let _wanted = demand.want(&host(), &Holdings::default());
    send(&mut client, 1, 11).await;
    assert_eq!(client.message().await, Reply::no_such_user());
    assert!(delivered(&second).concat().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_before_the_end_leaves_nothing_behind() {
    let (destination, demand) = (Script::new(), demand());
    let pool = BlobPool::default();
    let legs = Sharing::new(destination.clone()).with_demand(demand.clone());
    let mut client = Client::new(Exploder::new(legs, ReplyPolicy::Ingress, pool.clone()));
    begin(&mut client, &["b@y", "c@y"]).await;
    let _wanted = demand.want(&host(), &Holdings::default());
    send(&mut client, 1, 11).await;
    drop(client);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(destination.received().len(), 1);
    assert_eq!(pool.charged(), 0);
}

/// Without other copies of it.
#[tokio::test(start_paused = true)]
async fn a_transaction_alone_gives_way_as_well() {
    let (destination, demand) = (Script::new(), demand());
    let alone = Sharing::new(destination.clone()).with_demand(demand.clone());
    let (mut driver, _mail) = Driver::start(alone, context(), mail("a@x"));
    let pending = driver.rcpt(rcpt("b@y")).await;
    assert!(driver.wait(pending).await.is_positive());
    let (mut writer, blob) = BlobPool::default().create();
    writer.append("Sub".into()).await.unwrap();
    driver.whole_body(Body::from(blob));
    let _wanted = demand.want(&host(), &Holdings::default());
    let _ = timeout(Duration::from_secs(11), driver.progress()).await;
    let received = destination.only_received();
    assert_eq!(
        (received.end, &received.body[..]),
        (End::Dropped, &b"Sub"[..])
    );
    let _ = timeout(Duration::from_secs(60), driver.progress()).await;
    assert_eq!(destination.received().len(), 1);
    writer.append(MESSAGE[3..].into()).await.unwrap();
    writer.finish();
    assert!(driver.finish().await.is_positive());
    assert_eq!(delivered(&destination), [["b@y"]]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_twice_ends_with_a_reply_of_its_own() {
    let (destination, demand) = (Script::new(), demand());
    let alone = Sharing::new(destination.clone()).with_demand(demand.clone());
    let (mut driver, _mail) = Driver::start(alone, context(), mail("a@x"));
    for to in ["b@y", "c@y"] {
        let pending = driver.rcpt(rcpt(to)).await;
        assert!(driver.wait(pending).await.is_positive());
    }
    driver.send("Sub".into()).await.unwrap();
    let _ = timeout(Duration::from_secs(60), driver.progress()).await;
    assert!(destination.received().is_empty(), "nobody was in want");
    let _wanted = demand.want(&host(), &Holdings::default());
    let _ = timeout(Duration::from_secs(1), driver.progress()).await;
    assert_eq!(destination.only_received().end, End::Dropped);
    assert_eq!(driver.final_reply(), Some(&Reply::too_slow()));
}
