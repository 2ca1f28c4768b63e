//! Attempts from the queue leave room to those for which clients wait.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use koukan_core::{
    signals::{Queued, Signals},
    transaction::Driver,
};
use koukan_smtp::client::SmtpEndpoint;
use rstest::rstest;
use tokio::time::{Instant, sleep};

use super::{
    room::{At, Host, are_taken, send_many},
    sending::{context, mail, rcpt},
};

const SECOND: Duration = Duration::from_secs(1);

/// Makes so many attempts from the queue at the same time; the final replies.
async fn drain(endpoint: &SmtpEndpoint, count: usize) -> Vec<String> {
    let attempt = async |_| {
        let signals = Signals::default();
        signals.set(Queued).unwrap();
        let started = Driver::start_with(endpoint.clone(), context(), mail(""), signals);
        let (mut driver, mut pending) = started;
        let mut rcpt = driver.rcpt(rcpt("b")).await;
        driver.whole_body(Bytes::from_static(b"hi\r\n").into());
        let last = driver.finish().await;
        driver.wait(&mut pending).await;
        driver.wait(&mut rcpt).await;
        last.to_string()
    };
    join_all((0..count).map(attempt)).await
}

/// Sends messages of clients, one after the other.
async fn live(endpoint: &SmtpEndpoint) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..5 {
        sleep(SECOND).await;
        let begun = Instant::now();
        assert!(are_taken(&send_many(endpoint, 1).await));
        took.push(begun.elapsed());
    }
    took
}

async fn both<T>(queued: impl Future<Output = Vec<String>>, live: impl Future<Output = T>) -> T {
    let (queued, live) = tokio::join!(queued, live);
    assert!(are_taken(&queued), "{queued:?}");
    live
}

/// The host takes half a second for each, and has room for all connections that there may be, or for
/// few.
#[rstest]
#[case::a_large_one(1000, 5000)]
#[case::one_that_has_room_for_few(3, 100)]
#[tokio::test(start_paused = true)]
async fn a_client_is_served_at_once_by_a_host_for_which_much_is_queued(
    #[case] room: usize,
    #[case] queued: usize,
) {
    let host = Host::new(room, At::Greeting);
    let endpoint = host.endpoint(&["mx.example:25"]);
    let took = both(drain(&endpoint, queued), live(&endpoint)).await;
    assert!(took.iter().all(|took| *took < SECOND), "{took:?}");
}

/// What nobody else uses is left unused, but for a host that has room for one.
#[rstest]
#[case::one(1, 1)]
#[case::two(2, 1)]
#[case::sixteen(16, 14)]
#[tokio::test(start_paused = true)]
async fn an_eighth_of_the_connections_is_left(#[case] connections: usize, #[case] queued: usize) {
    let host = Host::new(1000, At::Greeting);
    let endpoint = host.endpoint_with(&["mx.example:25"], |pool| {
        pool.max_connections = connections;
    });
    assert!(are_taken(&drain(&endpoint, 40).await));
    assert_eq!(host.most(), queued);
    assert!(are_taken(&send_many(&endpoint, 40).await));
    assert_eq!(
        host.most(),
        if connections == queued {
            0
        } else {
            connections
        }
    );
}
