//! Mailboxes by domain and local part.

use crate::path::{Mailbox, is_same_domain};

/// A set of mailboxes: those in some domains, or with some local parts. ASCII case does not matter, not
/// even in local parts: nobody has two mailboxes that differ only by case.
///
/// # Example
///
/// ```
/// use koukan_core::filter::MailboxList;
///
/// let list = MailboxList::default()
///     .with_domains(["example.com"])
///     .with_prefixes(["bob"])
///     .with_delimiter('+');
/// assert!(list.contains(&"bob+lists@Example.COM".parse()?));
/// assert!(!list.contains(&"bobby@example.com".parse()?));
/// # Ok::<(), koukan_core::path::InvalidMailbox>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct MailboxList {
    domains: Vec<Box<str>>,
    prefixes: Vec<Box<str>>,
    delimiter: Option<char>,
}

impl MailboxList {
    /// Restricts the list to mailboxes in these domains.
    #[must_use]
    pub fn with_domains<D: Into<Box<str>>>(mut self, domains: impl IntoIterator<Item = D>) -> Self {
        self.domains = domains.into_iter().map(Into::into).collect();
        self
    }

    /// Restricts the list to mailboxes with these local parts.
    #[must_use]
    pub fn with_prefixes<P: Into<Box<str>>>(
        mut self,
        prefixes: impl IntoIterator<Item = P>,
    ) -> Self {
        self.prefixes = prefixes.into_iter().map(Into::into).collect();
        self
    }

    /// Ignores what follows the first `delimiter` in a local part.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: char) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// Whether a mailbox is in the list.
    pub fn contains(&self, mailbox: &Mailbox) -> bool {
        let domain = mailbox.domain_text();
        let mut domains = self.domains.iter();
        if !self.domains.is_empty() && !domains.any(|own| is_same_domain(own, domain)) {
            return false;
        }
        if self.prefixes.is_empty() {
            return true;
        }
        let local = mailbox.unquoted_local_part();
        let end = self.delimiter.and_then(|delimiter| local.find(delimiter));
        let name = &local[..end.unwrap_or(local.len())];
        self.prefixes
            .iter()
            .any(|prefix| prefix.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_any_domain_where_none_is_named() {
        let all = MailboxList::default();
        let postmasters = all.clone().with_prefixes(["postmaster"]);
        for (list, mailbox, is_in) in [
            (&all, "bob@example.com", true),
            (&postmasters, "Postmaster@example.com", true),
            (&postmasters, "\"postmaster\"@example.net", true),
            (&postmasters, "bob@example.com", false),
        ] {
            assert_eq!(list.contains(&mailbox.parse().unwrap()), is_in, "{mailbox}");
        }
    }
}
