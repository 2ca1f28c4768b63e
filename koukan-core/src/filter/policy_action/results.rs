//! What rules have said of a transaction.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::signals::{SetDurableError, Signals};

use super::{Moment, matchers::Earlier};

/// Before the name of a rule that has matched, as the name of a durable signal.
const RULE: &str = "policy.rule.";
/// Before a tag of which a rule has matched that ends it, likewise.
const TAG: &str = "policy.tag.";

/// What all rules of a chain have said so far; a signal of one transaction.
#[derive(Debug, Default)]
pub(super) struct Results(Mutex<Marks>);

#[derive(Debug, Default)]
struct Marks {
    /// Tags and rules that are done with, for the whole transaction.
    tags: Vec<Arc<str>>,
    rules: Vec<Arc<str>>,
    /// Those that are done with for a recipient, by its position: for the last of them, since one comes
    /// after the other.
    recipient: usize,
    tags_of_recipient: Vec<Arc<str>>,
    rules_of_recipient: Vec<Arc<str>>,
    /// Tags of which a rule does not know yet, and when that was.
    suspended: Vec<Suspended>,
}

#[derive(Debug)]
struct Suspended {
    tag: Arc<str>,
    rule: Arc<str>,
    moment: Moment,
}

/// Whether a rule is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Next,
    /// One of its tag before it does not know yet.
    Suspended,
    /// It has matched, or one has that ends its tag.
    Over,
}

/// What a rule that has matched leaves behind, for all who work on the message from then on.
#[derive(Debug, Serialize, Deserialize)]
struct Matched<'a> {
    tag: &'a str,
    action: &'a str,
}

impl Results {
    /// Those of a transaction.
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

    /// Whether a rule is to be looked at.
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

    /// A rule does not know yet.
    pub(super) fn suspend(&self, tag: &Arc<str>, rule: &Arc<str>, moment: Moment) {
        let mut marks = self.lock();
        // Of recipients before, and of moments that are over, nobody asks any more.
        marks.suspended.retain(|of| of.moment == moment);
        marks.suspended.push(Suspended {
            tag: Arc::clone(tag),
            rule: Arc::clone(rule),
            moment,
        });
    }

    /// Whether that rule, or one of that tag, does not know yet.
    pub(super) fn is_suspended(&self, earlier: &Earlier, moment: Moment) -> bool {
        self.lock().is_suspended(moment, |tag, rule| match earlier {
            Earlier::Rule(name) => **name == *rule,
            Earlier::Tag(name) => **name == *tag,
        })
    }

    /// A rule has matched; the tag is given where it ends with that.
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

/// Writes what a rule has said, for all who work on the message from then on. What was written before
/// stays: of a rule that is looked at for each recipient, or at each attempt, the first time counts.
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
            tracing::warn!(rule, %error, "what a rule said goes no further than this transaction");
        }
    }
}

/// Whether a rule has matched, here or wherever the message has come from.
pub(super) fn has_matched(signals: &Signals, earlier: &Earlier) -> bool {
    signals.has_durable(&signal(earlier))
}

/// The durable signal that says so.
pub(super) fn signal(earlier: &Earlier) -> String {
    match earlier {
        Earlier::Rule(name) => format!("{RULE}{name}"),
        Earlier::Tag(name) => format!("{TAG}{name}"),
    }
}
