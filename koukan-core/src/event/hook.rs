//! Calls of webhooks.

use jiff::Timestamp;

/// A webhook was called with events.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HookCalled<'a> {
    /// The name of the webhook in the configuration.
    pub hook: &'a str,
    /// The number of events in the call.
    pub events: usize,
    /// Why the webhook did not accept them; `None` where it did.
    pub error: Option<&'a str>,
    /// How often in a row it has failed, this time included.
    pub failures: u32,
}

/// Events were removed before a webhook had taken them.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HookLost<'a> {
    /// The name of the webhook in the configuration.
    pub hook: &'a str,
}

/// A webhook refuses an event for good, and takes later ones: it is not sent that one any more.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HookLeftOut<'a> {
    /// The name of the webhook in the configuration.
    pub hook: &'a str,
    /// The number of the event.
    pub event: u64,
    /// What it was refused with.
    pub error: &'a str,
}

/// A webhook has accepted nothing for so long that it is disabled until somebody enables it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HookGivenUp<'a> {
    /// The name of the webhook in the configuration.
    pub hook: &'a str,
    /// Since when it has accepted nothing.
    pub since: Timestamp,
}

/// A webhook that was disabled is called again.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HookResumed<'a> {
    /// The name of the webhook in the configuration.
    pub hook: &'a str,
}

/// Another process that shares the store calls this webhook from now on, and reports its state.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HookLeft<'a> {
    /// The name of the webhook in the configuration.
    pub hook: &'a str,
}

impl<'a> HookLeft<'a> {
    /// A webhook is left to another process.
    pub fn new(hook: &'a str) -> Self {
        Self { hook }
    }
}

impl<'a> HookLeftOut<'a> {
    /// An event was left out.
    pub fn new(hook: &'a str, event: u64, error: &'a str) -> Self {
        Self { hook, event, error }
    }
}

impl<'a> HookGivenUp<'a> {
    /// A webhook was given up.
    pub fn new(hook: &'a str, since: Timestamp) -> Self {
        Self { hook, since }
    }
}

impl<'a> HookResumed<'a> {
    /// A webhook is called again.
    pub fn new(hook: &'a str) -> Self {
        Self { hook }
    }
}

impl<'a> HookCalled<'a> {
    /// A call with this many events, which was accepted.
    pub fn new(hook: &'a str, events: usize) -> Self {
        Self {
            hook,
            events,
            error: None,
            failures: 0,
        }
    }

    /// The same call, accepted after this many failures.
    #[must_use]
    pub fn after(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// The same call, not accepted; the `failures`-th failure in a row.
    #[must_use]
    pub fn failed(mut self, error: &'a str, failures: u32) -> Self {
        self.error = Some(error);
        self.failures = failures;
        self
    }
}

impl<'a> HookLost<'a> {
    /// Events were lost for a webhook.
    pub fn new(hook: &'a str) -> Self {
        Self { hook }
    }
}
