//! The connections to a host that are kept and lent out.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use koukan_core::signals::HostPort;

use koukan_smtp::client::PoolSettings;
use shuttle::future::yield_now;

use crate::client::pool::{Lease, Parting, Pool};

use super::{executor::beside_executor, spawn};

/// Connections that are open, and the most there were at a time.
#[derive(Debug, Default)]
struct Counts {
    open: AtomicU32,
    most: AtomicU32,
    opened: AtomicU32,
}

/// An open connection.
struct Open(Arc<Counts>);

impl Open {
    fn new(counts: &Arc<Counts>) -> Self {
        let open = counts.open.fetch_add(1, Ordering::Relaxed) + 1;
        counts.most.fetch_max(open, Ordering::Relaxed);
        counts.opened.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counts))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

fn host() -> HostPort {
    HostPort {
        host: "mx.example".into(),
        port: 25,
    }
}

fn limited(max_connections: usize) -> Pool<Open> {
    let mut settings = PoolSettings::default();
    settings.max_connections = max_connections;
    Pool::new(settings)
}

/// A connection, a kept one if there is one.
async fn checkout(pool: &Pool<Open>, counts: &Arc<Counts>) -> Lease<Open> {
    let lease = pool.checkout(&host(), || Open::new(counts)).await;
    lease.expect("its turn comes in time")
}

fn uses(max_connections: usize, partings: [Parting; 3]) -> (Pool<Open>, Arc<Counts>) {
    let (pool, counts) = (limited(max_connections), Arc::default());
    let threads = partings.map(|parting| {
        let (pool, counts) = (pool.clone(), Arc::clone(&counts));
        spawn(async move {
            let lease = checkout(&pool, &counts).await;
            // Others come while it is used.
            yield_now().await;
            lease.part(parting);
        })
    });
    for thread in threads {
        thread.join();
    }
    (pool, counts)
}

/// Three who may have one connection among them get it one after the other.
pub fn a_connection_is_passed_on() {
    beside_executor(
        || uses(1, [Parting::Keep; 3]),
        async |(pool, counts)| {
            assert_eq!(counts.opened.load(Ordering::Relaxed), 1);
            assert_eq!(pool.kept(&host()), 1);
        },
    );
}

/// There are never more than the limit, also where hosts are forgotten and known again, and every
/// permit comes back.
pub fn the_limit_holds_whatever_becomes_of_connections() {
    beside_executor(
        || uses(1, [Parting::Close; 3]),
        async |(pool, counts)| {
            assert_eq!(counts.most.load(Ordering::Relaxed), 1);
            drop(checkout(&pool, &counts).await);
        },
    );
}

/// A transaction that is given up keeps its permit until the server has answered, and no longer.
pub fn a_reset_gives_the_permit_back() {
    let reset = Parting::Reset { owed: 1 };
    beside_executor(
        || uses(1, [reset, Parting::Keep, reset]),
        async |(pool, counts)| {
            assert_eq!(counts.most.load(Ordering::Relaxed), 1);
            drop(checkout(&pool, &counts).await);
        },
    );
}

/// Once the pool is closed nothing is kept, however the two come.
pub fn nothing_is_kept_after_the_close() {
    let play = || {
        let (pool, counts) = (limited(2), Arc::default());
        let users = [Parting::Keep, Parting::Reset { owed: 0 }].map(|parting| {
            let (pool, counts) = (pool.clone(), Arc::clone(&counts));
            spawn(async move { checkout(&pool, &counts).await.part(parting) })
        });
        let close = spawn({
            let pool = pool.clone();
            async move { pool.close().await }
        });
        for user in users {
            user.join();
        }
        close.join();
        (pool, counts)
    };
    beside_executor(play, async |(pool, counts)| {
        // What was given up late is still being left.
        pool.close().await;
        assert_eq!(counts.open.load(Ordering::Relaxed), 0);
        assert_eq!(pool.kept(&host()), 0);
    });
}
