//! Trying a host that may be down.

use std::{pin::pin, time::Duration};

use koukan_core::signals::HostPort;
use tokio::time::{Instant, timeout_at};

use crate::client::{ClientError, Wire};

use super::{idle::Idle, standing::Leave};

/// How long it is waited for what comes of another's trying a host, at most.
const TRIED_MAX: Duration = Duration::from_secs(1);

/// The right to connect to a host that may be down; where it is, nobody else has it meanwhile.
pub(super) struct Probe<'a, Io: Wire> {
    /// Where it is to be given back.
    of: Option<(&'a Idle<Io>, &'a HostPort)>,
}

impl<'a, Io: Wire> Probe<'a, Io> {
    /// The right to connect to the host, where it is not to be left alone.
    ///
    /// While another tries it, what comes of that is waited for for a moment: whoever is told that the
    /// host is down may come back only much later, though it is there again.
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
                    // Heard from here on.
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

    /// Whether the host was down, and others wait for what comes of this.
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

/// Fails where the host is down.
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
