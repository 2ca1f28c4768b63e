//! How an endpoint is configured.

use std::{fmt, sync::Arc, time::Duration};

use crate::context::Sender;

/// The settings of a [`RestEndpoint`](super::RestEndpoint).
#[derive(Clone)]
pub struct RestEndpointSettings {
    pub(super) sender: Option<Arc<Sender>>,
    pub(super) timeouts: RestEndpointTimeouts,
    pub(super) refresh_interval: Duration,
    pub(super) wait: Duration,
    pub(super) is_incremental: bool,
    pub(super) has_session_facts: bool,
    pub(super) awaits_destination: bool,
    pub(super) inline_max: usize,
    pub(super) has_filter_output: bool,
}

/// How long upstream may take for each reply before the transaction is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestEndpointTimeouts {
    /// For the create and the reply to MAIL together, at each host.
    pub start: Duration,
    /// For the reply to each RCPT.
    pub rcpt: Duration,
    /// For taking the next octets of the message, and for the final reply after the last.
    pub data: Duration,
}

impl Default for RestEndpointTimeouts {
    /// The least that an SMTP client waits: RFC 5321 section 4.5.3.2.
    fn default() -> Self {
        Self {
            start: Duration::from_secs(5 * 60),
            rcpt: Duration::from_secs(5 * 60),
            data: Duration::from_secs(10 * 60),
        }
    }
}

impl RestEndpointTimeouts {
    /// With another [`RestEndpointTimeouts::start`].
    #[must_use]
    pub fn with_start(mut self, start: Duration) -> Self {
        self.start = start;
        self
    }

    /// With another [`RestEndpointTimeouts::rcpt`].
    #[must_use]
    pub fn with_rcpt(mut self, rcpt: Duration) -> Self {
        self.rcpt = rcpt;
        self
    }

    /// With another [`RestEndpointTimeouts::data`].
    #[must_use]
    pub fn with_data(mut self, data: Duration) -> Self {
        self.data = data;
        self
    }
}

impl Default for RestEndpointSettings {
    /// An incremental resource that is told only the envelope and the message.
    fn default() -> Self {
        Self {
            sender: None,
            timeouts: RestEndpointTimeouts::default(),
            refresh_interval: Duration::from_secs(30),
            wait: Duration::from_secs(30),
            is_incremental: true,
            has_session_facts: false,
            awaits_destination: false,
            inline_max: 64 << 10,
            has_filter_output: false,
        }
    }
}

impl RestEndpointSettings {
    /// Creates transactions on behalf of this sender instead of the context's.
    #[must_use]
    pub fn with_sender(mut self, sender: Sender) -> Self {
        self.sender = Some(Arc::new(sender));
        self
    }

    /// Sets the timeouts.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: RestEndpointTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets how often an incremental resource is told that the client is still there. Default: 30
    /// seconds.
    #[must_use]
    pub fn with_refresh_interval(mut self, interval: Duration) -> Self {
        self.refresh_interval = interval;
        self
    }

    /// Sets how long each read may hang. Default: 30 seconds.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Sets whether the resource takes a transaction step by step, as gateways and routers for
    /// gateways do (the default). An ordinary resource takes it as a whole.
    #[must_use]
    pub fn with_incremental(mut self, is_incremental: bool) -> Self {
        self.is_incremental = is_incremental;
        self
    }

    /// Sets whether upstream is told the facts of the SMTP session (addresses, EHLO name, TLS,
    /// authentication). By default it is not.
    #[must_use]
    pub fn with_session_facts(mut self, has_session_facts: bool) -> Self {
        self.has_session_facts = has_session_facts;
        self
    }

    /// Sets whether the endpoint waits for the signal [`Destination`](crate::signals::Destination)
    /// until there is a recipient, for routing filters that need one. By default it uses the signal
    /// only if it is set when the call begins.
    #[must_use]
    pub fn with_destination_awaited(mut self, awaits_destination: bool) -> Self {
        self.awaits_destination = awaits_destination;
        self
    }

    /// Sets how many octets of a message may go with the create of an ordinary resource. Default:
    /// 64 KiB.
    #[must_use]
    pub fn with_inline_max(mut self, octets: usize) -> Self {
        self.inline_max = octets;
        self
    }

    /// Sets whether upstream is told the durable signals of the message and its id (`filter_output`):
    /// signals known at the create go with it, later ones with the next recipient or before the
    /// message. By default it is not told, since not every program accepts them.
    #[must_use]
    pub fn with_filter_output(mut self, has_filter_output: bool) -> Self {
        self.has_filter_output = has_filter_output;
        self
    }
}

impl fmt::Debug for RestEndpointSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestEndpointSettings")
            .field("sender", &self.sender)
            .field("timeouts", &self.timeouts)
            .field("refresh_interval", &self.refresh_interval)
            .field("is_incremental", &self.is_incremental)
            .finish_non_exhaustive()
    }
}
