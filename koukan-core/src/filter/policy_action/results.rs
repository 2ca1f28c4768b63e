//! The results of rules for a transaction.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::signals::{SetDurableError, Signals};

use super::{Moment, matchers::Earlier};

/// The prefix of the durable signal for a rule that has matched.
const RULE: &str = "policy.rule.";
/// The prefix of the durable signal for a tag that a rule has ended.
const TAG: &str = "policy.tag.";

/// The results of all rules in a chain so far; a signal of one transaction.
#[derive(Debug, Default)]
pub(super) struct Results(Mutex<Marks>);

#[derive(Debug, Default)]
struct Marks {
    /// Tags and rules that are finished for the whole transaction.
    tags: Vec<Arc<str>>,
    rules: Vec<Arc<str>>,
    /// Those that are finished for a recipient, given by position. Only the last recipient is kept,
    /// since they come one after the other.
    recipient: usize,
    tags_of_recipient: Vec<Arc<str>>,
    rules_of_recipient: Vec<Arc<str>>,
    /// Tags with a rule whose result is unknown, and the moment at which that was so.
    suspended: Vec<Suspended>,
}

#[derive(Debug)]
struct Suspended {
    tag: Arc<str>,
    rule: Arc<str>,
    moment: Moment,
}

/// Whether to evaluate a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Next,
    /// The result of an earlier rule with its tag is unknown.
    Suspended,
    /// It has matched, or a rule has ended its tag.
    Over,
}

/// The record of a rule that has matched, for everybody who handles the message from then on.
#[derive(Debug, Serialize, Deserialize)]
struct Matched<'a> {
    tag: &'a str,
    action: &'a str,
}

impl Results {
    /// The results of this transaction.
    pub(super) fn of(signals: &Signals) -> Arc<Self> {
        if let Some(results) = signals.find::<Arc<Self>>() {
            return Arc::clone(&results);
        }
        let results = Arc::<Self>::default();
        match signals.set(Arc::clone(&results)) {
            Ok(()) => results,
            // Another one was first.
            Err(_) => signals
                .find::<Arc<Self>>()
                .map_or(results, |first| Arc::clone(&first)),
        }
    }

    /// Whether to evaluate a rule.
    pub(super) fn standing(
        &self,
        tag: &str,
        rule: &str,
        moment: Moment,
        rcpt: Option<usize>,
    ) -> Standing {
        let mut marks = self.lock();
        let has = |all: &[Arc<str>], one: &str| all.iter().any(|known| **known == *one);
        if has(&marks.tags, tag) || has(&marks.rules, rule) {
            return Standing::Over;
        }
        if marks.is_suspended(moment, |known, _| known == tag) {
            return Standing::Suspended;
        }
        if let Some(position) = rcpt {
            let of = marks.of_recipient(position);
            if has(&of.tags_of_recipient, tag) || has(&of.rules_of_recipient, rule) {
                return Standing::Over;
            }
        }
        Standing::Next
    }

    /// Notes that a rule's result is unknown.
    pub(super) fn suspend(&self, tag: &Arc<str>, rule: &Arc<str>, moment: Moment) {
        let mut marks = self.lock();
        // Earlier recipients and moments do not matter any more.
        marks.suspended.retain(|of| of.moment == moment);
        marks.suspended.push(Suspended {
            tag: Arc::clone(tag),
            rule: Arc::clone(rule),
            moment,
        });
    }

    /// Whether the result of this rule, or of one with this tag, is unknown.
    pub(super) fn is_suspended(&self, earlier: &Earlier, moment: Moment) -> bool {
        self.lock().is_suspended(moment, |tag, rule| match earlier {
            Earlier::Rule(name) => **name == *rule,
            Earlier::Tag(name) => **name == *tag,
        })
    }

    /// Notes that a rule has matched; the tag is given if the action ends it.
    pub(super) fn note(&self, rule: &Arc<str>, tag: Option<&Arc<str>>, rcpt: Option<usize>) {
        let mut marks = self.lock();
        match rcpt {
            None => {
                marks.rules.push(Arc::clone(rule));
                marks.tags.extend(tag.cloned());
            }
            Some(position) => {
                let of = marks.of_recipient(position);
                of.rules_of_recipient.push(Arc::clone(rule));
                of.tags_of_recipient.extend(tag.cloned());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Marks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    fn is_suspended(&self, moment: Moment, is_it: impl Fn(&str, &str) -> bool) -> bool {
        let mut suspended = self.suspended.iter();
        suspended.any(|of| of.moment == moment && is_it(&of.tag, &of.rule))
    }

    fn of_recipient(&mut self, position: usize) -> &mut Self {
        if self.recipient != position {
            self.recipient = position;
            self.tags_of_recipient.clear();
            self.rules_of_recipient.clear();
        }
        self
    }
}

/// Writes a rule's result for everybody who handles the message from then on. An earlier record
/// stays: for a rule that is evaluated for each recipient or each attempt, the first time counts.
pub(super) fn tell(signals: &Signals, rule: &str, tag: &str, action: &str, ends_tag: bool) {
    let name = format!("{RULE}{rule}");
    if signals.has_durable(&name) {
        return;
    }
    let told = signals.set_durable_as(&name, &Matched { tag, action });
    let also = match ends_tag {
        true => signals.set_durable_as(&format!("{TAG}{tag}"), &true),
        false => Ok(()),
    };
    for result in [told, also] {
        if let Err(error @ SetDurableError::TooLarge { .. }) = result {
            tracing::warn!(rule, %error, "the result of a rule is known within this transaction only");
        }
    }
}

/// Whether a rule has matched, here or at an agent that the message came from.
pub(super) fn has_matched(signals: &Signals, earlier: &Earlier) -> bool {
    signals.has_durable(&signal(earlier))
}

/// The durable signal that records it.
pub(super) fn signal(earlier: &Earlier) -> String {
    match earlier {
        Earlier::Rule(name) => format!("{RULE}{name}"),
        Earlier::Tag(name) => format!("{TAG}{name}"),
    }
}
