//! Recipients of one message that go to one host together.

mod host;

use std::time::Duration;

use koukan_core::{
    blob::BlobPool,
    reply::Reply,
    service::MailService,
    stage::{
        exploder::{Exploder, ReplyPolicy},
        sharing::Sharing,
    },
    test_util::at_rest,
    transaction::Driver,
    transaction::Transaction,
};
use koukan_smtp::client::{HostLimit, PoolSettings};
use tokio::time::{Instant, sleep, timeout};
use tower::{ServiceExt, service_fn};

use self::host::{Host, front};
use super::{
    net::Net,
    sending::{add, context, hello, mail, rcpt, start},
};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// Has so many recipients accepted, one by one.
async fn envelope(front: &impl MailService, count: usize) -> Driver {
    let (mut driver, _mail) = Driver::start(front.clone(), context(), mail(""));
    for n in 0..count {
        let reply = add(&mut driver, &format!("r{n}")).await;
        assert!(reply.is_positive(), "{n}: {reply}");
    }
    driver
}

async fn message(driver: &mut Driver) -> Reply {
    driver.send(MESSAGE.into()).await.unwrap();
    driver.finish().await
}

#[tokio::test(start_paused = true)]
async fn recipients_are_written_together_on_one_connection() {
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: RCPT TO:<c@mx.example>
           C: RCPT TO:<d@mx.example>
           S: 250 sender
           S: 250 b
           S: 550 5.1.1 no c
           S: 250 d
           C: DATA
           S: 354 go
           READ 25
           S: 250 queued"]);
    let (mut driver, _mail) = start(&front(&net.endpoint()));
    let mut replies = Vec::new();
    for name in ["b", "c", "d"] {
        replies.push(driver.rcpt(rcpt(name)).await);
    }
    driver.send(MESSAGE.into()).await.unwrap();
    assert_eq!(driver.finish().await.to_string(), "250 queued");
    let mut told = Vec::new();
    for reply in replies {
        told.push(driver.wait(reply).await.to_string());
    }
    assert_eq!(told, ["250 b", "550 5.1.1 no c", "250 d"]);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn three_hundred_recipients_are_three_transactions() {
    let host = Host::default();
    let (front, endpoint) = host.front(100);
    let mut driver = envelope(&front, 300).await;
    let refused = add(&mut driver, "never").await;
    let deferred = add(&mut driver, "later").await;
    assert_eq!(refused, Reply::no_such_user());
    assert_eq!(deferred, Reply::mailbox_busy());
    assert!(message(&mut driver).await.is_positive());
    let counts: Vec<_> = host.messages().iter().map(Vec::len).collect();
    assert_eq!(counts.iter().sum::<usize>(), 300);
    assert!(counts.len() <= 4 && host.most() <= 4, "{counts:?}");
    endpoint.close().await;
}

#[tokio::test(start_paused = true)]
async fn messages_of_many_recipients_do_not_wait_for_each_other() {
    for connections in [1, 3] {
        let host = Host::default();
        let (front, _endpoint) = host.front(connections);
        let begun = Instant::now();
        let clients = (0..20).map(|_| {
            let front = front.clone();
            tokio::spawn(async move {
                let mut driver = envelope(&front, 10).await;
                message(&mut driver).await
            })
        });
        for client in clients.collect::<Vec<_>>() {
            assert!(client.await.unwrap().is_positive());
        }
        assert_eq!(host.messages().len(), 20);
        assert!(host.most() <= connections);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test(start_paused = true)]
async fn one_message_of_many_transactions_is_content_with_one_connection() {
    for recipients in [None, Some(40)] {
        let host = Host {
            recipients,
            ..Host::default()
        };
        let (front, _endpoint) = host.front(1);
        let mut driver = envelope(&front, 250).await;
        assert!(message(&mut driver).await.is_positive());
        let mut all = host.messages().concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 250);
        assert_eq!(host.messages().concat().len(), 250, "each has one copy");
        assert_eq!(host.most(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_takes_few_recipients_gets_the_rest_in_other_transactions() {
    let host = Host {
        recipients: Some(40),
        ..Host::default()
    };
    let (front, _endpoint) = host.front(100);
    let mut driver = envelope(&front, 100).await;
    assert!(message(&mut driver).await.is_positive());
    let mut counts: Vec<_> = host.messages().iter().map(Vec::len).collect();
    counts.sort_unstable();
    assert_eq!(counts, [20, 40, 40]);
}

#[tokio::test(start_paused = true)]
async fn a_host_gets_as_many_recipients_at_a_time_as_is_said_of_it() {
    for (own, general, expected) in [
        (Some(40), usize::MAX, vec![20, 40, 40]),
        (Some(40), 1, vec![20, 40, 40]),
        (None, 30, vec![10, 30, 30, 30]),
        (Some(100), 30, vec![100]),
        (Some(1), 30, vec![1; 100]),
    ] {
        let host = Host::default();
        let mut pool = PoolSettings::default();
        pool.max_recipients = general;
        let limit = HostLimit::default().with_max_recipients(own);
        pool.hosts.set(&"MX.example:25".parse().unwrap(), limit);
        let (front, _endpoint) = host.front_with(pool);
        let mut driver = envelope(&front, 100).await;
        assert!(message(&mut driver).await.is_positive());
        let mut counts: Vec<_> = host.messages().iter().map(Vec::len).collect();
        counts.sort_unstable();
        assert_eq!(counts, expected);
        let all: std::collections::HashSet<_> = host.messages().concat().into_iter().collect();
        assert_eq!(all.len(), 100, "each has one copy");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_greeting_is_waited_for_once() {
    let host = Host {
        greeting: Duration::from_secs(2),
        ..Host::default()
    };
    let (front, _endpoint) = host.front(100);
    let begun = Instant::now();
    let mut driver = envelope(&front, 20).await;
    assert!(message(&mut driver).await.is_positive());
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(host.messages().len(), 1);
    assert_eq!(host.counts.lock().unwrap().opened, 1);
}

#[tokio::test(start_paused = true)]
async fn silent_clients_give_their_connections_back() {
    let host = Host::default();
    let (front, _endpoint) = host.front(10);
    let mut silent = Vec::new();
    for _ in 0..10 {
        let mut driver = envelope(&front, 3).await;
        silent.push(tokio::spawn(async move {
            let _ = timeout(Duration::from_secs(60), driver.progress()).await;
            driver
        }));
    }
    sleep(Duration::from_secs(11)).await;
    let begun = Instant::now();
    let mut driver = envelope(&front, 1).await;
    assert!(message(&mut driver).await.is_positive());
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    // What they bring in the end is taken.
    for silent in silent {
        let mut driver = silent.await.unwrap();
        assert!(message(&mut driver).await.is_positive());
    }
    let messages = host.messages();
    assert_eq!(messages.len(), 11);
    assert_eq!(messages.concat().len(), 31);
    assert!(host.most() <= 10);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_given_back_is_reset_and_used() {
    let script = hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           C: RCPT TO:<r0@mx.example>
           S: 250 sender
           S: 250 r0
           C: RSET
           S: 250 reset
           C: MAIL FROM:<a@me.example>
           C: RCPT TO:<r0@mx.example>
           S: 250 sender
           S: 250 r0
           C: DATA
           S: 354 go
           READ 25
           S: 250 of another
           C: MAIL FROM:<a@me.example>
           C: RCPT TO:<r0@mx.example>
           C: DATA
           S: 250 sender
           S: 450 4.2.1 not now
           S: 554 5.5.1 nobody to receive it
           QUIET";
    let net = Net::new([script]);
    let mut pool = PoolSettings::default();
    pool.max_connections = 1;
    let endpoint = net.endpoint_with(|settings| settings.with_pool(pool));
    let front = front(&endpoint);
    let mut silent = envelope(&front, 1).await;
    let waiting = tokio::spawn(async move {
        let _ = timeout(Duration::from_secs(20), silent.progress()).await;
        silent
    });
    let mut other = envelope(&front, 1).await;
    assert_eq!(message(&mut other).await.to_string(), "250 of another");
    at_rest().await;
    let mut silent = waiting.await.unwrap();
    // Accepted at first, it is deferred when the message is there.
    assert_eq!(message(&mut silent).await.to_string(), "450 4.2.1 not now");
    sleep(Duration::from_secs(2)).await;
    net.done().await;
}

/// Two messages that each hold a connection and want another.
#[tokio::test(start_paused = true)]
async fn who_holds_a_connection_waits_only_a_second_for_another() {
    let host = Host::default();
    let (_, endpoint) = host.front(1);
    // The legs do not share: each has a layer of its own, and none gives way.
    let legs = service_fn(move |tx: Transaction| Sharing::new(endpoint.clone()).oneshot(tx));
    let front = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
    let (mut driver, _mail) = Driver::start(front, context(), mail(""));
    assert!(add(&mut driver, "b").await.is_positive());
    let begun = Instant::now();
    let reply = add(&mut driver, "c").await;
    assert!(reply.is_transient(), "{reply}");
    assert!(begun.elapsed() <= Duration::from_secs(1));
    assert!(message(&mut driver).await.is_positive());
}
