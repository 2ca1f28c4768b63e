//! Closes connections that were idle for too long.

use std::sync::Weak;

use tokio::time::{Instant, sleep_until};

use crate::client::Wire;

use super::idle::Idle;

/// Sleeps from one expiry to the next, until there are no idle connections or the pool is gone.
pub(super) async fn reap<Io: Wire>(idle: Weak<Idle<Io>>) {
    while let Some(next) = reap_once(&idle) {
        sleep_until(next).await;
    }
}

fn reap_once<Io: Wire>(idle: &Weak<Idle<Io>>) -> Option<Instant> {
    let idle = idle.upgrade()?;
    let (expired, next) = idle.expire(Instant::now());
    for connection in expired {
        idle.spawn(connection.quit());
    }
    next
}
