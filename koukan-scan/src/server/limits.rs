use std::time::Duration;

/// How many messages a server is shown, and how long each step may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Time for connecting.
    pub connect: Duration,
    /// Time for each write.
    pub write: Duration,
    /// Time to wait for a turn, while all turns are taken.
    pub turn: Duration,
    /// Time for everything else: connecting and the answer.
    pub whole: Duration,
    /// How much of [`Limits::whole`] is left when a second connection asks whether the server is
    /// there at all.
    pub ping: Duration,
    /// How long one address may be silent before the next one is asked as well.
    pub next: Duration,
    /// Messages that are shown at the same time, at each address. Clones of one [`Server`](super::Server) share these turns; two
    /// servers with the same address do not.
    pub at_a_time: usize,
    /// Failures, with no success between them, after which the server is down. Messages that it does not answer
    /// in time, though it answers a PING, count separately: it is down after such messages of [`Limits::at_a_time`] different
    /// clients in a row, and not before there are as many as this; two at least. After as many such messages in a row that one
    /// client brought, only that client's messages are not shown, while it stays up for others.
    pub failures: u32,
    /// How long it stays down. After that one message tries it.
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
    /// How long after the beginning the server is asked whether it is there: not before half of the
    /// whole time.
    pub(super) fn until_ping(&self) -> Duration {
        self.whole.saturating_sub(self.ping.min(self.whole / 2))
    }

    /// From how many clients late messages in a row bring the server down. Fewer may be the fault of the messages.
    pub(super) fn late(&self) -> usize {
        let failures = usize::try_from(self.failures).unwrap_or(usize::MAX);
        self.at_a_time.max(failures).max(2)
    }
}
