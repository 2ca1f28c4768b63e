//! Closes connections that nobody used for too long.

use std::sync::Weak;

use futures_util::future::join_all;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep_until},
};

use crate::client::connection::Connection;

use super::idle::Idle;

/// Sleeps from one expiry to the next, until nothing is idle any more or the pool is gone.
pub(super) async fn reap<Io>(idle: Weak<Idle<Io>>)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    while let Some(next) = reap_once(&idle) {
        sleep_until(next).await;
    }
}

fn reap_once<Io>(idle: &Weak<Idle<Io>>) -> Option<Instant>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (expired, next) = idle.upgrade()?.expire(Instant::now());
    if !expired.is_empty() {
        tokio::spawn(join_all(expired.into_iter().map(Connection::quit)));
    }
    next
}
