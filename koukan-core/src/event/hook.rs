//! What becomes of calls of webhooks.

use jiff::Timestamp;

/// A webhook was called with events.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HookCalled<'a> {
    /// The name of the webhook in the configuration.
    pub hook: &'a str,
    /// How many events it was called with.
    pub events: usize,
    /// Why it has not taken them; `None` where it has.
    pub error: Option<&'a str>,
    /// How often it has failed to take them, with this time.
    pub failures: u32,
}

/// Events were removed before a webhook had taken them.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HookLost<'a> {
    /// The name of the webhook in the configuration.
    pub hook: &'a str,
}

/// A webhook has taken nothing for so long that it is not called any longer, until somebody says so.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HookGivenUp<'a> {
    /// The name of the webhook in the configuration.
    pub hook: &'a str,
    /// Since when it has taken nothing.
    pub since: Timestamp,
}

/// A webhook is called again that was given up.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HookResumed<'a> {
    /// The name of the webhook in the configuration.
    pub hook: &'a str,
}

/// A webhook is left to another process, of those that work on one store: how it stands is that one's to tell.
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
    /// A call with so many events, that was taken.
    pub fn new(hook: &'a str, events: usize) -> Self {
        Self {
            hook,
            events,
            error: None,
            failures: 0,
        }
    }

    /// The same, that was taken after so many failures.
    #[must_use]
    pub fn after(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// The same, that was not taken, for the time of that number.
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
