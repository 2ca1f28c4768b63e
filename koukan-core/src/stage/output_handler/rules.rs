//! Retry policies for single domains.

use std::{collections::HashMap, fmt, sync::Arc};

use super::RetryPolicy;
use crate::path::domain_key;

/// The retry policy for mail to a domain, where it differs from the chain's.
///
/// It is asked at each attempt, so a change applies to queued mail. Implemented for functions of
/// this form.
pub trait RetryRules: Send + Sync + 'static {
    /// The policy for this domain, in a chain with the policy `general`.
    fn retry(&self, domain: &str, general: RetryPolicy) -> RetryPolicy;
}

impl<F> RetryRules for F
where
    F: Fn(&str, RetryPolicy) -> RetryPolicy + Send + Sync + 'static,
{
    fn retry(&self, domain: &str, general: RetryPolicy) -> RetryPolicy {
        self(domain, general)
    }
}

/// Rules, if there are any.
pub(super) type SharedRules = Option<Arc<dyn RetryRules>>;

/// Makes a policy out of that of the chain.
type Rule = Box<dyn Fn(RetryPolicy) -> RetryPolicy + Send + Sync>;

/// [`RetryRules`] by domain, in any case. A rule for the domain itself precedes those for its parent
/// domains (`.example.com`), of which the longest counts.
#[derive(Default)]
pub struct DomainRules(HashMap<Box<str>, Rule>);

impl DomainRules {
    /// Adds a rule that derives the policy for a domain from the chain's, replacing an earlier one for the
    /// same name. A name with a leading dot stands for all domains below it, and not for itself.
    #[must_use]
    pub fn with(
        mut self,
        name: &str,
        rule: impl Fn(RetryPolicy) -> RetryPolicy + Send + Sync + 'static,
    ) -> Self {
        let name = domain_key(name).into();
        self.0.insert(name, Box::new(rule));
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, domain: &str) -> Option<&Rule> {
        let domain = domain_key(domain);
        let dots = domain.match_indices('.').map(|(at, _)| at);
        // A name is there before the dot.
        let above = dots.filter(|at| *at > 0).map(|at| &domain[at..]);
        let own = Some(&*domain).filter(|own| !own.starts_with('.'));
        own.into_iter()
            .chain(above)
            .find_map(|name| self.0.get(name))
    }
}

impl RetryRules for DomainRules {
    fn retry(&self, domain: &str, general: RetryPolicy) -> RetryPolicy {
        self.find(domain).map_or(general, |rule| rule(general))
    }
}

impl fmt::Debug for DomainRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(number: u32) -> impl Fn(RetryPolicy) -> RetryPolicy + Send + Sync + 'static {
        move |general| RetryPolicy {
            max_attempts: Some(number),
            ..general
        }
    }

    #[test]
    fn the_domain_itself_counts_before_those_above_and_of_these_the_longest() {
        assert!(DomainRules::default().is_empty());
        // In whatever order.
        let rules = DomainRules::default()
            .with(".com", named(1))
            .with("Example.COM", named(9))
            .with(".example.com", named(2))
            .with(".b.Example.com", named(3))
            .with("a.b.example.com", named(4))
            .with("example.com", named(5));
        let general = RetryPolicy::default();
        for (domain, expected) in [
            ("example.com", Some(5)),
            ("EXAMPLE.com", Some(5)),
            ("a.b.example.com", Some(4)),
            ("c.B.example.COM", Some(3)),
            ("x.a.b.example.com", Some(3)),
            ("b.example.com", Some(2)),
            ("x.example.com", Some(2)),
            ("anexample.com", Some(1)),
            (".example.com", Some(1)),
            ("com", None),
            (".com", None),
            ("example.org", None),
            ("[192.0.2.1]", None),
            ("", None),
        ] {
            let found = rules.retry(domain, general);
            assert_eq!(found.max_attempts, expected, "{domain}");
            assert_eq!(found.deadline, general.deadline);
        }
    }
}
