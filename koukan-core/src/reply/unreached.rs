//! Hosts that could not be reached.

use std::sync::Arc;

use tokio::time::Instant;

use crate::host_port::HostPort;

/// Says that none of a destination's hosts was reached, so other mail for it would fail as well: an
/// extension of [`Reply`](super::Reply) that endpoints attach to their own replies.
///
/// Mail queued for such a destination waits until one of the hosts is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// The hosts.
    pub hosts: Arc<[HostPort]>,
    /// When it makes sense to try one of them again.
    pub until: Instant,
    /// Whether one of them was tried now; otherwise the failure was known before, or there was no
    /// room to try.
    pub is_tried: bool,
}

impl Unreached {
    /// Combines two of them.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let new = other.hosts.iter().filter(|host| !self.hosts.contains(host));
        Self {
            hosts: self.hosts.iter().chain(new).cloned().collect(),
            until: self.until.min(other.until),
            is_tried: self.is_tried || other.is_tried,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_host_that_is_tried_first_counts() {
        let host = |name: &str| HostPort {
            host: name.into(),
            port: 25,
        };
        let now = Instant::now();
        let one = Unreached {
            hosts: [host("a")].into(),
            until: now + Duration::from_secs(2),
            is_tried: false,
        };
        let other = Unreached {
            hosts: [host("b"), host("a")].into(),
            until: now + Duration::from_secs(1),
            is_tried: true,
        };
        let both = one.and(&other);
        assert_eq!(both.hosts[..], [host("a"), host("b")]);
        assert_eq!((both.until, both.is_tried), (other.until, true));
    }
}
