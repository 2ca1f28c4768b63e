//! Combinations of matchers.

use std::sync::Arc;

use super::{Facts, Matcher, Verdict};

/// The condition of a rule; by default empty, so that the rule always matches.
///
/// The result is known as early as possible: for [`Expression::any`] one part that matches is enough,
/// for [`Expression::all`] one part that does not match.
#[derive(Debug, Clone)]
pub struct Expression(Term);

/// A callback for a matcher's result, with its name, if it has one.
pub(super) type Told<'a> = dyn FnMut(Option<&str>, &dyn Matcher, Verdict) + 'a;

#[derive(Debug, Clone)]
enum Term {
    Matcher(Arc<dyn Matcher>, Option<Arc<str>>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
}

impl Expression {
    /// An expression of one matcher.
    pub fn new(matcher: impl Matcher) -> Self {
        Self::shared(Arc::new(matcher))
    }

    /// As [`Expression::new`], for a matcher that is shared.
    pub fn shared(matcher: Arc<dyn Matcher>) -> Self {
        Self(Term::Matcher(matcher, None))
    }

    /// As [`Expression::shared`], for a matcher that is reported under this name.
    pub fn named(name: impl Into<Arc<str>>, matcher: Arc<dyn Matcher>) -> Self {
        Self(Term::Matcher(matcher, Some(name.into())))
    }

    /// Matches if all parts match, also if there are none.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self(Term::All(parts.into_iter().collect()))
    }

    /// Matches if at least one part matches; does not match if there are none.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self(Term::Any(parts.into_iter().collect()))
    }

    /// Matches if this one does not.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(Term::Not(Box::new(self)))
    }

    /// The result.
    pub fn matches(&self, facts: &Facts<'_>) -> Verdict {
        self.ask(facts, &mut |_, _, _| {})
    }

    /// As [`Expression::matches`]. `told` gets the result of each matcher that is asked, with its
    /// name.
    pub(super) fn ask(&self, facts: &Facts<'_>, told: &mut Told<'_>) -> Verdict {
        match &self.0 {
            Term::Matcher(matcher, name) => {
                let verdict = matcher.matches(facts);
                told(name.as_deref(), &**matcher, verdict);
                verdict
            }
            Term::All(parts) => first(parts, Verdict::NoMatch, facts, told),
            Term::Any(parts) => first(parts, Verdict::Match, facts, told),
            Term::Not(part) => !part.ask(facts, told),
        }
    }

    /// Whether it can be evaluated only for single recipients.
    pub fn is_about_recipient(&self) -> bool {
        self.has(&|matcher| matcher.is_about_recipient())
    }

    /// Whether it needs the number of recipients.
    pub fn counts_recipients(&self) -> bool {
        self.has(&|matcher| matcher.counts_recipients())
    }

    /// Whether it needs the header section of the message.
    pub fn reads_header(&self) -> bool {
        self.has(&|matcher| matcher.reads_header())
    }

    /// Whether its result may change later in the transaction.
    pub fn changes(&self) -> bool {
        self.has(&|matcher| matcher.changes())
    }

    fn has(&self, is_it: &dyn Fn(&dyn Matcher) -> bool) -> bool {
        match &self.0 {
            Term::Matcher(matcher, _) => is_it(&**matcher),
            Term::All(parts) | Term::Any(parts) => parts.iter().any(|part| part.has(is_it)),
            Term::Not(part) => part.has(is_it),
        }
    }
}

impl Default for Expression {
    fn default() -> Self {
        Self::all([])
    }
}

/// The combined result of the parts, where `deciding` decides.
fn first(
    parts: &[Expression],
    deciding: Verdict,
    facts: &Facts<'_>,
    told: &mut Told<'_>,
) -> Verdict {
    let mut all = !deciding;
    for part in parts {
        match part.ask(facts, told) {
            verdict if verdict == deciding => return deciding,
            Verdict::NotYetKnown => all = Verdict::NotYetKnown,
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        filter::policy_action::{Moment, results::Results},
        signals::Signals,
        test_util::{context, mail},
    };

    #[derive(Debug)]
    struct Says(Verdict);

    impl Matcher for Says {
        fn matches(&self, _: &Facts<'_>) -> Verdict {
            self.0
        }
    }

    #[test]
    fn what_is_not_known_yet_decides_nothing() {
        use Verdict::{Match as Y, NoMatch as N, NotYetKnown as U};
        let (context, signals, mail, results) = (
            context(),
            Signals::default(),
            mail("a@x"),
            Results::default(),
        );
        let facts = Facts {
            context: &context,
            signals: &signals,
            mail: &mail,
            rcpt: None,
            accepted: 0,
            header: None,
            moment: Moment::Mail,
            results: &results,
        };
        for (parts, all, any) in [
            (&[][..], Y, N),
            (&[Y], Y, Y),
            (&[N], N, N),
            (&[U], U, U),
            (&[Y, N], N, Y),
            (&[U, Y], U, Y),
            (&[Y, U], U, Y),
            (&[U, N], N, U),
            (&[N, U], N, U),
            (&[U, Y, N], N, Y),
        ] {
            let terms = || parts.iter().map(|verdict| Expression::new(Says(*verdict)));
            assert_eq!(
                Expression::all(terms()).matches(&facts),
                all,
                "all {parts:?}"
            );
            assert_eq!(
                Expression::any(terms()).matches(&facts),
                any,
                "any {parts:?}"
            );
            let not = Expression::any(terms()).negated();
            assert_eq!(not.matches(&facts), !any, "not any {parts:?}");
        }
        assert_eq!(Expression::default().matches(&facts), Y);
    }
}
