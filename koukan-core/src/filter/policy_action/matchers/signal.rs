//! What a filter has found out.

use std::borrow::Cow;

use serde_json::Value;

use crate::filter::policy_action::{Facts, Matcher, Moment, Verdict};

/// A durable signal is there, and what it says is one of some values. Until it is there that is not yet
/// known; at the end of the message it is not so.
#[derive(Debug, Clone)]
pub struct SignalMatcher {
    name: Box<str>,
    pointer: Box<str>,
    values: Vec<Value>,
}

impl SignalMatcher {
    /// The signal of that name is there.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self {
            name: name.into(),
            pointer: "".into(),
            values: Vec::new(),
        }
    }

    /// Looks at a part of it, to which a JSON pointer (RFC 6901) leads, as in `/result`.
    #[must_use]
    pub fn with_pointer(mut self, pointer: impl Into<Box<str>>) -> Self {
        self.pointer = pointer.into();
        self
    }

    /// It is one of these; without any it has only to be there, whatever it is.
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
