//! A set of mailboxes and domains, for example from a file: [`MailboxSet`].

use std::{collections::HashSet, str::FromStr};

use crate::path::{Domain, Mailbox, domain_key};

/// A set of mailboxes and of whole domains. ASCII case does not matter, not even in local parts: nobody has
/// two mailboxes that differ only by case.
///
/// *Shape* as text: a mailbox or a domain on each line. Empty lines, and lines that begin with `#`, are
/// ignored.
///
/// # Example
///
/// ```
/// use koukan_core::filter::MailboxSet;
///
/// let set: MailboxSet = "# ours\nexample.com\nbob@example.org\n".parse()?;
/// assert!(set.contains(&"anybody@Example.COM".parse()?, None));
/// assert!(set.contains(&"Bob+lists@example.org".parse()?, Some('+')));
/// assert!(!set.contains(&"eve@example.org".parse()?, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailboxSet {
    /// In lower case.
    domains: HashSet<Box<str>>,
    /// Without quotes, in lower case.
    mailboxes: HashSet<Box<str>>,
}

/// A line of a list is not a valid entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
#[non_exhaustive]
pub struct InvalidEntry {
    /// The line, from 1 on.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl MailboxSet {
    /// Whether a mailbox is in the set. What follows the first `delimiter` in its local part is ignored.
    pub fn contains(&self, mailbox: &Mailbox, delimiter: Option<char>) -> bool {
        let domain = domain_key(mailbox.domain_text());
        if self.domains.contains(&*domain) {
            return true;
        }
        if self.mailboxes.is_empty() {
            return false;
        }
        let local = mailbox.unquoted_local_part();
        let is_known = |local: &str| self.mailboxes.contains(&*name(local, &domain));
        let end = delimiter.and_then(|delimiter| local.find(delimiter));
        is_known(&local) || end.is_some_and(|end| is_known(&local[..end]))
    }

    /// Adds all mailboxes of a domain.
    pub fn insert_domain(&mut self, domain: &str) {
        self.domains.insert(domain_key(domain).into());
    }

    /// Adds a mailbox.
    pub fn insert(&mut self, mailbox: &Mailbox) {
        let domain = domain_key(mailbox.domain_text());
        let name = name(&mailbox.unquoted_local_part(), &domain);
        self.mailboxes.insert(name.into());
    }

    /// Adds the entries of another set.
    pub fn extend(&mut self, other: &Self) {
        self.domains.extend(other.domains.iter().cloned());
        self.mailboxes.extend(other.mailboxes.iter().cloned());
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.domains.len() + self.mailboxes.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn name(local: &str, domain: &str) -> String {
    let mut name = local.to_ascii_lowercase();
    name.push('@');
    name.push_str(domain);
    name
}

impl FromStr for MailboxSet {
    type Err = InvalidEntry;

    fn from_str(text: &str) -> Result<Self, InvalidEntry> {
        let mut set = Self::default();
        for (line, entry) in entries(text) {
            let wrong = |message: String| InvalidEntry { line, message };
            if entry.contains('@') {
                let mailbox = entry.parse().map_err(|_| match entry.strip_prefix('@') {
                    Some(domain) => wrong(format!("write `{domain}`, without the `@`")),
                    None => wrong(format!("`{entry}` is no address, as in `bob@example.com`")),
                })?;
                set.insert(&mailbox);
                continue;
            }
            if entry.contains('*') {
                let text = format!("`{entry}` is no domain: there are no wildcards");
                return Err(wrong(text));
            }
            if Domain::check(entry).is_err() {
                let text = format!(
                    "`{entry}` is neither a domain, as in `example.com`, nor an address, as in \
                     `bob@example.com`"
                );
                return Err(wrong(text));
            }
            set.insert_domain(entry);
        }
        Ok(set)
    }
}

/// The entries of a list in text form, without comments, each with its line number from 1 on.
pub(crate) fn entries(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    let lines = lines.map(|(index, line)| (index + 1, line.trim()));
    lines.filter(|(_, entry)| !entry.is_empty() && !entry.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\u{23} ours\r\nExample.com\r\n\r\n  bob@example.org \n\"a b\"@x.example\n\
                        \u{fc}@example.net\nb\u{fc}cher.example\n";

    #[test]
    fn mailboxes_and_domains() {
        let set: MailboxSet = LIST.parse().unwrap();
        assert_eq!(set.len(), 5);
        for (mailbox, delimiter, is_in) in [
            ("any@EXAMPLE.com", None, true),
            ("any@sub.example.com", None, false),
            ("any@example.com.evil", None, false),
            ("\"x@example.com\"@evil", None, false),
            ("BOB@Example.Org", None, true),
            ("\"bob\"@example.org", None, true),
            ("bob+x@example.org", None, false),
            ("bob+x+y@example.org", Some('+'), true),
            ("+bob@example.org", Some('+'), false),
            ("bobby@example.org", Some('+'), false),
            ("\"A B\"@x.example", None, true),
            ("\u{fc}@example.net", None, true),
            ("\u{fc}+x@example.net", Some('+'), true),
            ("u@example.net", None, false),
            ("any@B\u{dc}CHER.example", None, true),
            ("any@xn--bcher-kva.example", None, true),
            ("any@bucher.example", None, false),
        ] {
            let mailbox: Mailbox = mailbox.parse().unwrap();
            assert_eq!(set.contains(&mailbox, delimiter), is_in, "{mailbox}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        for (text, told) in [
            ("a.example\n\nb c\n", "line 3: `b c` is neither"),
            ("@a.example", "line 1: write `a.example`"),
            ("a..b@a.example", "line 1: `a..b@a.example` is no address"),
            ("*.example", "line 1: `*.example` is no domain"),
        ] {
            let error = text.parse::<MailboxSet>().unwrap_err();
            assert!(error.to_string().starts_with(told), "{error}");
        }
    }
}
