//! A matcher for rules over findings: [`FoundMatcher`].

use std::borrow::Cow;

use koukan_core::filter::policy_action::{Facts, Matcher, Moment, Verdict, matchers::Pattern};

use crate::{Finding, ScanResult, Scanner};
use koukan_core::signals::DurableSignal;

/// Matches what a scanner has found. Where several conditions are given, all of them must hold. The result
/// is known at the end of the message.
#[derive(Debug, Clone)]
pub struct FoundMatcher {
    signal: &'static str,
    results: Vec<ScanResult>,
    actions: Vec<String>,
    symbols: Vec<Pattern>,
    min_score: Option<f64>,
}

impl FoundMatcher {
    /// Matches any finding of this scanner.
    pub fn of<S: Scanner>(_: &S) -> Self {
        Self {
            signal: S::Signal::NAME,
            results: Vec::new(),
            actions: Vec::new(),
            symbols: Vec::new(),
            min_score: None,
        }
    }

    /// Requires one of these results.
    #[must_use]
    pub fn with_results(mut self, results: impl IntoIterator<Item = ScanResult>) -> Self {
        self.results.extend(results);
        self
    }

    /// Requires one of these actions.
    #[must_use]
    pub fn with_actions(mut self, actions: impl IntoIterator<Item = String>) -> Self {
        self.actions.extend(actions);
        self
    }

    /// Requires that one of the symbols matches one of these patterns.
    #[must_use]
    pub fn with_symbols(mut self, symbols: impl IntoIterator<Item = Pattern>) -> Self {
        self.symbols.extend(symbols);
        self
    }

    /// Requires a score of at least `score`.
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
        // A signal that another version wrote, and that cannot be read here, matches nothing.
        let found = serde_json::from_value(signal).ok();
        found.is_some_and(|found| self.is_it(&found)).into()
    }

    fn signal(&self) -> Option<Cow<'_, str>> {
        Some(self.signal.into())
    }
}
