use std::borrow::Cow;

use crate::{
    filter::policy_action::{Facts, Matcher, Moment, Verdict},
    signals::DurableSignal,
};

use super::Dnsbl;

/// Matches clients or domains that are listed; optionally by one of these lists, and with at least this score.
#[derive(Debug, Clone, Default)]
pub struct ListedMatcher {
    lists: Vec<Box<str>>,
    min_score: Option<i64>,
}

impl ListedMatcher {
    /// Requires one of the lists with these names.
    #[must_use]
    pub fn with_lists(mut self, names: impl IntoIterator<Item = Box<str>>) -> Self {
        self.lists.extend(names);
        self
    }

    /// Requires a score of at least `score`.
    #[must_use]
    pub fn with_min_score(mut self, score: i64) -> Self {
        self.min_score = Some(score);
        self
    }

    fn is_it(&self, found: &Dnsbl) -> bool {
        let is_named = |name: &str| found.lists.iter().any(|it| &*it.list == name);
        let is_listed = match self.lists.is_empty() {
            true => !found.lists.is_empty(),
            false => self.lists.iter().any(|name| is_named(name)),
        };
        is_listed && self.min_score.is_none_or(|min| found.score >= min)
    }
}

impl Matcher for ListedMatcher {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        match facts.signals.find_durable::<Dnsbl>() {
            Ok(Some(found)) => self.is_it(&found).into(),
            // Written by another version.
            Err(_) => Verdict::NoMatch,
            Ok(None) if facts.moment == Moment::End => Verdict::NoMatch,
            Ok(None) => Verdict::NotYetKnown,
        }
    }

    fn signal(&self) -> Option<Cow<'_, str>> {
        Some(Dnsbl::NAME.into())
    }
}
