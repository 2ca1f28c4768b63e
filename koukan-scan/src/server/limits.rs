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
    /// Messages that it looks at at a time.
    pub at_a_time: usize,
    /// Failures without a success between them after which nobody waits for it.
    pub failures: u32,
    /// For how long then; after that one message tries it.
    pub pause: Duration,
}

impl Default for Limits {
    /// 5 s, 10 s, 10 s, 60 s, 10 messages, 3 failures, 30 s.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            write: Duration::from_secs(10),
            turn: Duration::from_secs(10),
            whole: Duration::from_secs(60),
            at_a_time: 10,
            failures: 3,
            pause: Duration::from_secs(30),
        }
    }
}
