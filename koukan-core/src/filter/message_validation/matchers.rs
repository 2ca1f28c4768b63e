//! Matchers for rules about the result.

use std::borrow::Cow;

use crate::{
    filter::policy_action::{Facts, Matcher, Moment, Verdict, matchers::Pattern},
    message::validation::{File, Level, ValidationReport},
    signals::DurableSignal,
};

/// Matches messages that are less well formed than this level. The result is known at the end of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorseThan(pub Level);

/// Matches messages with a file of one of some types, or with one of some names, or larger than a size. It also matches
/// where there may be files that are not listed ([`ValidationReport::has_more_files`]). The result is known at the end
/// of the message.
#[derive(Debug, Clone, Default)]
pub struct HasFile {
    types: Vec<Pattern>,
    names: Vec<Pattern>,
    larger_than: Option<u64>,
}

impl HasFile {
    /// Matches files of one of these types, for example `application/*`.
    #[must_use]
    pub fn with_types(mut self, types: impl IntoIterator<Item = Pattern>) -> Self {
        self.types.extend(types);
        self
    }

    /// Matches files with one of these names, for example `*.exe`. Blanks and dots at the end of a name
    /// are ignored.
    #[must_use]
    pub fn with_names(mut self, names: impl IntoIterator<Item = Pattern>) -> Self {
        self.names.extend(names);
        self
    }

    /// Matches files of more than `octets` octets.
    #[must_use]
    pub fn with_larger_than(mut self, octets: u64) -> Self {
        self.larger_than = Some(octets);
        self
    }

    fn is_it(&self, file: &File) -> bool {
        let name = file.name.as_deref().unwrap_or_default();
        let name = name.trim_end_matches([' ', '.']);
        self.types
            .iter()
            .any(|like| like.matches(&file.content_type))
            || self.names.iter().any(|like| like.matches(name))
            || self.larger_than.is_some_and(|octets| file.octets > octets)
    }
}

impl Matcher for WorseThan {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        of_report(facts, |report| report.level < self.0)
    }

    fn signal(&self) -> Option<Cow<'_, str>> {
        Some(ValidationReport::NAME.into())
    }
}

impl Matcher for HasFile {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        of_report(facts, |report| {
            report.has_more_files || report.files.iter().any(|file| self.is_it(file))
        })
    }

    fn signal(&self) -> Option<Cow<'_, str>> {
        Some(ValidationReport::NAME.into())
    }
}

fn of_report(facts: &Facts<'_>, is_so: impl Fn(&ValidationReport) -> bool) -> Verdict {
    match facts.signals.find_durable::<ValidationReport>() {
        Ok(Some(report)) => is_so(&report).into(),
        // Written by another version.
        Err(_) => Verdict::NoMatch,
        Ok(None) if facts.moment == Moment::End => Verdict::NoMatch,
        Ok(None) => Verdict::NotYetKnown,
    }
}
