//! Messages that do not arrive while others wait for the connection.

use std::{sync::Arc, time::Duration};

use koukan_core::{
    blob::BlobPool,
    body::Holdings,
    reply::Reply,
    service::MailService,
    shares::Client as Owner,
    signals::{Destination, HostPort},
    stage::{
        exploder::{Exploder, ReplyPolicy},
        sharing::{Demand, FairShares, Sharing},
    },
    test_util::{Answer, End, Script, context, mail, rcpt},
    transaction::Driver,
};
use tokio::time::{sleep, timeout};

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

async fn pass(client: &mut Client, seconds: u64) {
    let _ = timeout(Duration::from_secs(seconds), client.driver.progress()).await;
}

#[tokio::test(start_paused = true)]
async fn who_brings_no_message_gives_way_after_ten_seconds() {
    for to in [&["b@y"][..], &["b@y", "c@y", "d@y"]] {
        let (destination, demand) = (Script::new(), demand());
        let mut client = Client::new(exploder(destination.clone(), &demand));
        for to in to {
            assert!(client.rcpt(to).await.is_positive());
        }
        let wanted = demand.want(&host(), &Holdings::default());
        pass(&mut client, 9).await;
        assert!(destination.received().is_empty());
        pass(&mut client, 2).await;
        assert_eq!(destination.only_received().end, End::Dropped);
        drop(wanted);
        // Nobody is asked to give way before the message is there.
        pass(&mut client, 100).await;
        assert!(client.message().await.is_positive());
        assert_eq!(delivered(&destination), [to]);
        assert_eq!(destination.received().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_for_long_gives_way_at_once() {
    let (destination, demand) = (Script::new(), demand());
    let mut client = Client::new(exploder(destination.clone(), &demand));
    client.rcpt("b@y").await;
    pass(&mut client, 60).await;
    assert!(destination.received().is_empty(), "nobody was in want");
    let _wanted = demand.want(&host(), &Holdings::default());
    pass(&mut client, 1).await;
    assert_eq!(destination.only_received().end, End::Dropped);
}

#[tokio::test(start_paused = true)]
async fn a_connection_to_another_host_is_of_no_use() {
    let (destination, demand) = (Script::new(), demand());
    let mut client = Client::new(exploder(destination.clone(), &demand));
    client.rcpt("b@y").await;
    let _wanted = demand.want(&"other.example:25".parse().unwrap(), &Holdings::default());
    pass(&mut client, 60).await;
    assert!(destination.received().is_empty());
    assert!(client.message().await.is_positive());
    assert_eq!(destination.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_still_being_answered_does_not_give_way() {
    let (destination, demand) = (Script::new().rcpt("c@y", Answer::Never), demand());
    let mut client = Client::new(exploder(destination.clone(), &demand));
    client.rcpt("b@y").await;
    let _pending = client.driver.rcpt(rcpt("c@y")).await;
    let _wanted = demand.want(&host(), &Holdings::default());
    pass(&mut client, 60).await;
    assert!(destination.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_recipient_goes_on_alone_until_the_message_is_there() {
    let (destination, demand) = (Script::new(), demand());
    let mut client = Client::new(exploder(destination.clone(), &demand));
    client.rcpt("b@y").await;
    let wanted = demand.want(&host(), &Holdings::default());
    pass(&mut client, 11).await;
    drop(wanted);
    assert!(client.rcpt("c@y").await.is_positive());
    assert!(client.message().await.is_positive());
    let mut all = delivered(&destination).concat();
    all.sort_unstable();
    assert_eq!(all, ["b@y", "c@y"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_the_second_time_is_told_at_the_end() {
    for (first, reply) in [(0, Reply::no_such_user()), (1, Reply::mailbox_busy())] {
        let demand = demand();
        let second = Script::new().rcpt("b@y", reply.clone());
        let destinations = crate::agent::turns([Script::new(), second.clone()]);
        let mut client = Client::new(exploder(destinations, &demand));
        let to = ["b@y", "c@y"];
        for to in &to[..=first] {
            assert!(client.rcpt(to).await.is_positive());
        }
        let _wanted = demand.want(&host(), &Holdings::default());
        pass(&mut client, 11).await;
        let told = client.message().await;
        if first == 0 {
            assert_eq!(told, reply);
        } else {
            // One has it, the other could not be kept.
            assert_eq!(told, Reply::local_error());
            assert_eq!(delivered(&second), [["c@y"]]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_meanwhile_is_not_asked_again() {
    let (destination, demand) = (Script::new(), demand());
    let mut client = Client::new(exploder(destination.clone(), &demand));
    client.rcpt("b@y").await;
    let _wanted = demand.want(&host(), &Holdings::default());
    pass(&mut client, 11).await;
    drop(client);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(destination.received().len(), 1);
}

/// Without other copies of the message: a draft over REST, a listener without parts.
#[tokio::test(start_paused = true)]
async fn a_transaction_alone_gives_way_as_well() {
    let (destination, demand) = (Script::new(), demand());
    let alone = Sharing::new(destination.clone()).with_demand(demand.clone());
    let (mut driver, _mail) = Driver::start(alone, context(), mail("a@x"));
    for to in ["b@y", "c@y"] {
        let pending = driver.rcpt(rcpt(to)).await;
        assert!(driver.wait(pending).await.is_positive());
    }
    let _wanted = demand.want(&host(), &Holdings::default());
    let _ = timeout(Duration::from_secs(11), driver.progress()).await;
    assert_eq!(destination.only_received().end, End::Dropped);
    driver.send(MESSAGE.into()).await.unwrap();
    assert!(driver.finish().await.is_positive());
    assert_eq!(delivered(&destination), [["b@y", "c@y"]]);
}

/// If one transaction is too small, and there is no other connection.
#[tokio::test(start_paused = true)]
async fn one_connection_is_enough_for_a_message_of_any_size() {
    let demand = demand();
    let destination = crate::harness::OneAtATime::new(demand.clone(), host());
    let legs = Sharing::new(destination.clone())
        .with_recipients_max(2)
        .with_demand(demand.clone());
    let exploder = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
    let mut client = Client::new(exploder);
    for n in 0..5 {
        assert!(client.rcpt(&format!("r{n}@y")).await.is_positive(), "{n}");
    }
    assert!(client.message().await.is_positive());
    let mut all = delivered(destination.script()).concat();
    all.sort_unstable();
    assert_eq!(all, ["r0@y", "r1@y", "r2@y", "r3@y", "r4@y"]);
}

/// Either everybody has too much, or nobody.
struct Shares {
    is_owed: bool,
}

impl FairShares for Shares {
    fn is_owed(&self, _: &Owner, _: &Owner) -> bool {
        self.is_owed
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_more_than_its_share_gives_way_soon() {
    for (is_owed, seconds) in [(true, 0), (false, 9)] {
        let (destination, demand) = (Script::new(), demand());
        let mut client = Client::new(exploder(destination.clone(), &demand));
        client.rcpt("b@y").await;
        let shares = Arc::new(Shares { is_owed });
        let other = Owner::named("other");
        let _wanted = demand.want_share(&host(), &Holdings::default(), &other, shares);
        pass(&mut client, seconds).await;
        assert!(destination.received().is_empty());
        pass(&mut client, 1).await;
        assert_eq!(destination.only_received().end, End::Dropped);
        assert!(client.message().await.is_positive());
    }
}

#[tokio::test(start_paused = true)]
async fn one_gives_way_for_each_who_waits() {
    let (destination, demand) = (Script::new(), demand());
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Client::new(exploder(destination.clone(), &demand));
        client.rcpt("b@y").await;
        clients.push(client);
    }
    let want = || {
        let shares = Arc::new(Shares { is_owed: true });
        demand.want_share(
            &host(),
            &Holdings::default(),
            &Owner::named("other"),
            shares,
        )
    };
    let wanted = [want(), want()];
    for client in &mut clients {
        pass(client, 1).await;
    }
    assert_eq!(destination.received().len(), 2);
    drop(wanted);
    let _wanted = want();
    for client in &mut clients {
        pass(client, 0).await;
    }
    assert_eq!(destination.received().len(), 3);
    // A message of the same client is not a reason.
    let own = demand.want_share(
        &host(),
        &Holdings::default(),
        &context().client(),
        Arc::new(Shares { is_owed: true }),
    );
    for client in &mut clients {
        pass(client, 0).await;
    }
    drop(own);
    assert_eq!(destination.received().len(), 3);
}
