//! Opening a connection; its outcome counts even if nobody waits for it any more.

use std::time::Duration;

use koukan_core::signals::HostPort;
use tokio::time::Instant;

use super::{Pool, standing::Failed};

/// If a caller has waited this long for a host and then gives up, the host counts as silent.
const LONG: Duration = Duration::from_secs(10);

/// A connection that is being opened to a host.
///
/// The caller may leave before the host has answered: the clients of an agent without storage wait
/// for less than the host's timeout. If this is dropped before its end, it notes that the host has
/// not answered, unless the host had little time.
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

    /// The outcome is known.
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

/// Whether a silence of that length says something about a host.
pub(super) fn is_long(silence: Duration) -> bool {
    silence >= LONG
}
