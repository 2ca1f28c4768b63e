//! Tries a host that may be down.

use std::{pin::pin, time::Duration};

use koukan_core::signals::HostPort;
use tokio::time::{Instant, timeout_at};

use crate::client::{ClientError, Wire};

use super::{idle::Idle, standing::Leave};

/// How long to wait for the result of another's trial of a host at most.
const TRIED_MAX: Duration = Duration::from_secs(1);

/// The right to connect to a host that may be down; if it is down, only one caller has this right.
pub(super) struct Probe<'a, Io: Wire> {
    /// Where to give it back, if that is necessary.
    of: Option<(&'a Idle<Io>, &'a HostPort)>,
}

impl<'a, Io: Wire> Probe<'a, Io> {
    /// The right to connect to the host, unless it is to be left alone.
    /// While another caller tries the host, this waits a moment for the result: a caller that is
    /// told that the host is down may come back much later, although it is up again.
    ///
    /// # Errors
    ///
    /// [`ClientError::Down`].
    pub(super) async fn of(idle: &'a Idle<Io>, host: &'a HostPort) -> Result<Self, ClientError> {
        let until = Instant::now() + TRIED_MAX;
        loop {
            let mut tried = pin!(idle.tried.notified());
            let (leave, is_tried) = idle.standings(|standings| {
                let now = Instant::now();
                let leave = standings.ask(host, now);
                let is_down = matches!(leave, Leave::Down { .. });
                let is_tried = is_down && standings.is_tried(host, now);
                if is_tried {
                    // Notifications from here on are not missed.
                    tried.as_mut().enable();
                }
                (leave, is_tried)
            });
            if is_tried && timeout_at(until, tried).await.is_ok() {
                continue;
            }
            let of = (leave == Leave::Probe).then_some((idle, host));
            up(leave)?;
            return Ok(Self { of });
        }
    }

    /// Whether the host was down, and others wait for the result.
    pub(super) fn is_for_all(&self) -> bool {
        self.of.is_some()
    }
}

impl<Io: Wire> Drop for Probe<'_, Io> {
    fn drop(&mut self) {
        if let Some((idle, host)) = self.of {
            idle.standings(|standings| standings.not_tried(host));
            idle.tried.notify_waiters();
        }
    }
}

/// Fails if the host is down.
pub(super) fn up(leave: Leave) -> Result<(), ClientError> {
    match leave {
        Leave::Free | Leave::Probe => Ok(()),
        Leave::Down {
            since,
            failures,
            until,
        } => Err(ClientError::Down {
            since,
            failures,
            until,
        }),
    }
}
