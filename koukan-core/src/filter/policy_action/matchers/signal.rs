//! Matches the signals of filters.

use std::borrow::Cow;

use serde_json::Value;

use crate::filter::policy_action::{Facts, Matcher, Moment, Verdict};

/// Matches if a durable signal is set and has one of some values. Until it is set, the result is
/// unknown; at the end of the message it is "no match".
#[derive(Debug, Clone)]
pub struct SignalMatcher {
    name: Box<str>,
    pointer: Box<str>,
    values: Vec<Value>,
}

impl SignalMatcher {
    /// Matches if the signal with this name is set.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            pointer: "".into(),
            values: Vec::new(),
        }
    }

    /// Looks at the part of the signal at this JSON pointer (RFC 6901), for example `/result`.
    #[must_use]
    pub fn with_pointer(mut self, pointer: impl Into<Box<str>>) -> Self {
        self.pointer = pointer.into();
        self
    }

    /// Matches one of these values; without any, every value.
    #[must_use]
    pub fn with_values(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values = values.into_iter().collect();
        self
    }
}

impl Matcher for SignalMatcher {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        let Some(signal) = facts.signals.durable_json(&self.name) else {
            return match facts.moment {
                Moment::End => Verdict::NoMatch,
                _ => Verdict::NotYetKnown,
            };
        };
        let part = signal.pointer(&self.pointer);
        let is_one = |part: &Value| self.values.is_empty() || self.values.contains(part);
        part.is_some_and(is_one).into()
    }

    fn signal(&self) -> Option<Cow<'_, str>> {
        Some((&*self.name).into())
    }
}
