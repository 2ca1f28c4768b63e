//! Matchers put together.

use std::sync::Arc;

use super::{Facts, Matcher, Verdict};

/// What is to be so for a rule to match; by default nothing, so that it matches always.
///
/// It is known as early as it can be: one part of [`Expression::any`] that matches is enough, and one of
/// [`Expression::all`] that does not, whatever is still to be known of the others.
#[derive(Debug, Clone)]
pub struct Expression(Term);

/// Is told what a matcher says, and its name where it has one.
pub(super) type Told<'a> = dyn FnMut(Option<&str>, &dyn Matcher, Verdict) + 'a;

#[derive(Debug, Clone)]
enum Term {
    Matcher(Arc<dyn Matcher>, Option<Arc<str>>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
}

impl Expression {
    /// What that matcher says.
    pub fn new(matcher: impl Matcher) -> Self {
        Self::shared(Arc::new(matcher))
    }

    /// As [`Expression::new`], of a matcher that others have, too.
    pub fn shared(matcher: Arc<dyn Matcher>) -> Self {
        Self(Term::Matcher(matcher, None))
    }

    /// As [`Expression::shared`], of a matcher that is called so where it is told what it says.
    pub fn named(name: impl Into<Arc<str>>, matcher: Arc<dyn Matcher>) -> Self {
        Self(Term::Matcher(matcher, Some(name.into())))
    }

    /// All of these are so; where there are none, it is.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self(Term::All(parts.into_iter().collect()))
    }

    /// One of these is so, or several; where there are none, it is not.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self(Term::Any(parts.into_iter().collect()))
    }

    /// That is not so.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(Term::Not(Box::new(self)))
    }

    /// Whether it is so.
    pub fn matches(&self, facts: &Facts<'_>) -> Verdict {
        self.ask(facts, &mut |_, _, _| {})
    }

    /// As [`Expression::matches`]; `told` is what each matcher says that is asked, by its name.
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

    /// Whether it can only be asked of single recipients.
    pub fn is_about_recipient(&self) -> bool {
        self.has(&|matcher| matcher.is_about_recipient())
    }

    /// Whether it looks at how many recipients there were.
    pub fn counts_recipients(&self) -> bool {
        self.has(&|matcher| matcher.counts_recipients())
    }

    /// Whether it looks at the header section of the message.
    pub fn reads_header(&self) -> bool {
        self.has(&|matcher| matcher.reads_header())
    }

    /// Whether what it has said once may be otherwise later in the transaction.
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

/// What the parts say together, where one that says `deciding` decides.
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
