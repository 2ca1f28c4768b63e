//! What rules ask of findings: [`FoundMatcher`].

use std::borrow::Cow;

use koukan_core::filter::policy_action::{Facts, Matcher, Moment, Verdict, matchers::Pattern};

use crate::{Finding, ScanResult, Scanner};
use koukan_core::signals::DurableSignal;

/// A scanner has said that of the message; where several things are asked, all of them. It is known at the
/// message's end.
#[derive(Debug, Clone)]
pub struct FoundMatcher {
    signal: &'static str,
    results: Vec<ScanResult>,
    actions: Vec<String>,
    symbols: Vec<Pattern>,
    min_score: Option<f64>,
}

impl FoundMatcher {
    /// That scanner has said anything.
    pub fn of<S: Scanner>(_: &S) -> Self {
        Self {
            signal: S::Signal::NAME,
            results: Vec::new(),
            actions: Vec::new(),
            symbols: Vec::new(),
            min_score: None,
        }
    }

    /// The result is one of these.
    #[must_use]
    pub fn with_results(mut self, results: impl IntoIterator<Item = ScanResult>) -> Self {
        self.results.extend(results);
        self
    }

    /// The action is one of these.
    #[must_use]
    pub fn with_actions(mut self, actions: impl IntoIterator<Item = String>) -> Self {
        self.actions.extend(actions);
        self
    }

    /// One of the symbols is like one of these.
    #[must_use]
    pub fn with_symbols(mut self, symbols: impl IntoIterator<Item = Pattern>) -> Self {
        self.symbols.extend(symbols);
        self
    }

    /// The score is that at least.
    #[must_use]
    pub fn with_min_score(mut self, score: f64) -> Self {
        self.min_score = Some(score);
        self
    }

    fn is_it(&self, found: &Finding) -> bool {
        let is_result = self.results.is_empty() || self.results.contains(&found.result);
        let action = found.action.as_ref();
        let is_action =
            self.actions.is_empty() || action.is_some_and(|action| self.actions.contains(action));
        let is_like = |symbol: &String| self.symbols.iter().any(|like| like.matches(symbol));
        let is_symbol = self.symbols.is_empty() || found.symbols.iter().any(is_like);
        let is_score = self
            .min_score
            .is_none_or(|min| found.score.is_some_and(|score| score >= min));
        is_result && is_action && is_symbol && is_score
    }
}

impl Matcher for FoundMatcher {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        let Some(signal) = facts.signals.durable_json(self.signal) else {
            return match facts.moment {
                Moment::End => Verdict::NoMatch,
                _ => Verdict::NotYetKnown,
            };
        };
        // What another version has written is nothing that was asked for.
        let found = serde_json::from_value(signal).ok();
        found.is_some_and(|found| self.is_it(&found)).into()
    }

    fn signal(&self) -> Option<Cow<'_, str>> {
        Some(self.signal.into())
    }
}
