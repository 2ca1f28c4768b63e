//! The limits and times of a `RestHandler`.

use std::time::Duration;

/// Limits and times of a [`RestHandler`](super::RestHandler).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RestHandlerSettings {
    /// The domain for the Message-ID of messages without one.
    pub hostname: Box<str>,
    /// The maximum size of the message, and of each part, in octets.
    pub max_message_size: u64,
    /// The maximum number of recipients of one transaction.
    pub max_recipients: usize,
    /// The maximum number of transactions being made and of attempts that clients watch. Beyond it,
    /// transactions are left to the queue, or refused if there is none.
    pub max_in_flight: usize,
    /// The maximum number of transactions of one sender whose message is still to be uploaded.
    /// Transactions made step by step do not count.
    pub max_unfinished_uploads: usize,
    /// The longest time that a request waits for a change.
    pub max_wait: Duration,
    /// How long an incremental transaction lives without a change or heartbeat.
    pub downstream_timeout: Duration,
    /// How long the message of any other transaction may take to arrive.
    pub upload_timeout: Duration,
    /// How far in the future the time of sending may be.
    pub max_send_at: Duration,
}

impl Default for RestHandlerSettings {
    /// 50 MiB, 1000 recipients, 10,000 in flight, 1000 unfinished uploads; waits of 30 seconds, a downstream timeout of
    /// two minutes, a day for uploads, and 30 days until the time of sending.
    fn default() -> Self {
        Self {
            hostname: "localhost".into(),
            max_message_size: 50 << 20,
            max_recipients: 1000,
            max_in_flight: 10_000,
            max_unfinished_uploads: 1000,
            max_wait: Duration::from_secs(30),
            downstream_timeout: Duration::from_secs(120),
            upload_timeout: Duration::from_secs(24 * 3600),
            max_send_at: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

impl RestHandlerSettings {
    /// With another [`RestHandlerSettings::hostname`].
    #[must_use]
    pub fn with_hostname(mut self, hostname: Box<str>) -> Self {
        self.hostname = hostname;
        self
    }

    /// With another [`RestHandlerSettings::max_message_size`].
    #[must_use]
    pub fn with_max_message_size(mut self, max_message_size: u64) -> Self {
        self.max_message_size = max_message_size;
        self
    }

    /// With another [`RestHandlerSettings::max_recipients`].
    #[must_use]
    pub fn with_max_recipients(mut self, max_recipients: usize) -> Self {
        self.max_recipients = max_recipients;
        self
    }

    /// With another [`RestHandlerSettings::max_in_flight`].
    #[must_use]
    pub fn with_max_in_flight(mut self, max_in_flight: usize) -> Self {
        self.max_in_flight = max_in_flight;
        self
    }

    /// With another [`RestHandlerSettings::max_unfinished_uploads`].
    #[must_use]
    pub fn with_max_unfinished_uploads(mut self, max_unfinished_uploads: usize) -> Self {
        self.max_unfinished_uploads = max_unfinished_uploads;
        self
    }

    /// With another [`RestHandlerSettings::max_wait`].
    #[must_use]
    pub fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// With another [`RestHandlerSettings::downstream_timeout`].
    #[must_use]
    pub fn with_downstream_timeout(mut self, downstream_timeout: Duration) -> Self {
        self.downstream_timeout = downstream_timeout;
        self
    }

    /// With another [`RestHandlerSettings::upload_timeout`].
    #[must_use]
    pub fn with_upload_timeout(mut self, upload_timeout: Duration) -> Self {
        self.upload_timeout = upload_timeout;
        self
    }

    /// With another [`RestHandlerSettings::max_send_at`].
    #[must_use]
    pub fn with_max_send_at(mut self, max_send_at: Duration) -> Self {
        self.max_send_at = max_send_at;
        self
    }
}
