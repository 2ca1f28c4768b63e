use std::time::Duration;

/// How much is asked of a server, and for how long it is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// For how long a connection is waited for.
    pub connect: Duration,
    /// For how long a write is waited for, each.
    pub write: Duration,
    /// For how long a turn is waited for, while others are looked at.
    pub turn: Duration,
    /// For how long all else is waited for: the connection, and the answer.
    pub whole: Duration,
    /// How much of that is left when it is asked, on another connection, whether it is there at all.
    pub ping: Duration,
    /// For how long one address is waited for before the next is asked as well.
    pub next: Duration,
    /// Messages that it looks at at a time, at each of its addresses.
    pub at_a_time: usize,
    /// Failures without a success between them after which nobody waits for it.
    pub failures: u32,
    /// For how long then; after that one message tries it.
    pub pause: Duration,
}

impl Default for Limits {
    /// 5 s, 10 s, 10 s, 60 s, 5 s, 5 s, 10 messages, 3 failures, 30 s.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            write: Duration::from_secs(10),
            turn: Duration::from_secs(10),
            whole: Duration::from_secs(60),
            ping: Duration::from_secs(5),
            next: Duration::from_secs(5),
            at_a_time: 10,
            failures: 3,
            pause: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// After which of the whole time a server is asked whether it is there: not before half of it.
    pub(super) fn until_ping(&self) -> Duration {
        self.whole.saturating_sub(self.ping.min(self.whole / 2))
    }
}
