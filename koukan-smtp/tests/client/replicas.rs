//! Connections of an agent that has other replicas.

use std::time::Duration;

use koukan_core::{rate::ReplicaCount, test_util::at_rest};
use tokio::time::{Instant, timeout};

use super::{
    exchanges::{PIPELINED, QUIT},
    net::Net,
    pool::{send_one, with_pool},
    sending::hello,
};

/// Of connections that are idle, and of those in use when they are not any more.
#[tokio::test(start_paused = true)]
async fn what_is_too_many_since_there_is_another_replica_is_closed() {
    for is_in_use in [false, true] {
        let net = Net::new([
            hello("PIPELINING") + PIPELINED + QUIT,
            // It comes to its end later.
            hello("PIPELINING") + "PAUSE 1\n" + PIPELINED + PIPELINED,
        ]);
        let replicas = ReplicaCount::default();
        let endpoint = with_pool(&net, |pool| {
            pool.max_connections = 2;
            pool.replicas = replicas.clone();
        });
        let third = async {
            replicas.set(2);
            send_one(&endpoint).await
        };
        let [first, second] = [send_one(&endpoint), send_one(&endpoint)];
        if is_in_use {
            tokio::join!(first, second, third);
        } else {
            tokio::join!(first, second);
            third.await;
        }
        // Before it would be closed for being idle.
        timeout(Duration::from_secs(1), net.done()).await.unwrap();
    }
}

/// Who waits for the share of a replica that is gone need not wait for anything else.
#[tokio::test(start_paused = true)]
async fn what_another_replica_had_is_at_once_for_those_who_wait() {
    let net = Net::new([
        hello("PIPELINING") + "PAUSE 20\n" + PIPELINED,
        hello("PIPELINING") + PIPELINED,
    ]);
    let replicas = ReplicaCount::default();
    replicas.set(2);
    let endpoint = with_pool(&net, |pool| {
        pool.max_connections = 2;
        pool.replicas = replicas.clone();
    });
    let second = async {
        at_rest().await;
        let sending = send_one(&endpoint);
        let gone = async {
            at_rest().await;
            assert_eq!(net.addresses().len(), 1);
            replicas.set(1);
            Instant::now()
        };
        let (reply, gone) = tokio::join!(sending, gone);
        assert_eq!((&*reply, gone.elapsed()), ("250 queued", Duration::ZERO));
    };
    tokio::join!(send_one(&endpoint), second);
    assert_eq!(net.addresses().len(), 2);
}
