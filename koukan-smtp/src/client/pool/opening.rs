//! Opening a connection, whose outcome counts also where nobody waits for it any more.

use std::time::Duration;

use koukan_core::signals::HostPort;
use tokio::time::Instant;

use super::{Pool, standing::Failed};

/// How long a host may take to answer, so that who does not wait on has found nothing out.
const LONG: Duration = Duration::from_secs(10);

/// A connection is being opened to a host.
///
/// Who waits for it may leave before the host has answered, or has not in the time that it has: the
/// clients of an agent that stores nothing wait for less than that. Dropped before its end, it
/// says that the host has not answered, unless it has had little time for it.
pub(super) struct Opening<'a> {
    pool: &'a Pool,
    host: &'a HostPort,
    begun: Option<Instant>,
}

impl<'a> Opening<'a> {
    pub(super) fn begin(pool: &'a Pool, host: &'a HostPort) -> Self {
        let begun = Some(Instant::now());
        Self { pool, host, begun }
    }

    /// It is known what came of it.
    pub(super) fn end(mut self) {
        self.begun = None;
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if let Some(begun) = self.begun
            && is_long(begun.elapsed())
        {
            let unit = self.pool.random.unit();
            let idle = &self.pool.idle;
            idle.failed(self.host, Failed::ToGreet, begun, unit);
        }
    }
}

/// Whether so long a silence says something of a host.
pub(super) fn is_long(silence: Duration) -> bool {
    silence >= LONG
}
