//! Which addresses each identity may use.

use std::{collections::HashMap, str::FromStr};

use crate::{
    filter::{InvalidEntry, MailboxSet, mailbox_set::entries},
    path::Mailbox,
};

/// The addresses that identities may use.
///
/// *Shape* as text: on each line an identity, and after it its addresses and domains, separated by blanks or commas;
/// `*` stands for all. Empty lines, and lines that begin with `#`, are ignored. An identity with several lines has the
/// addresses of all of them.
///
/// # Example
///
/// ```
/// use koukan_core::filter::send_as::Permissions;
///
/// let permissions: Permissions = "alice alice@example.com\nnewsletter *\n".parse()?;
/// let bob = "bob@example.com".parse().unwrap();
/// assert!(!permissions.allow("alice", &bob, None));
/// assert!(permissions.allow("newsletter", &bob, None));
/// # Ok::<(), koukan_core::filter::InvalidEntry>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions(HashMap<Box<str>, Allowed>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    All,
    Some(MailboxSet),
}

impl Permissions {
    /// Whether an identity may use an address. What follows the first `delimiter` in its local part is
    /// ignored.
    pub fn allow(&self, identity: &str, mailbox: &Mailbox, delimiter: Option<char>) -> bool {
        match self.0.get(identity) {
            Some(Allowed::All) => true,
            Some(Allowed::Some(set)) => set.contains(mailbox, delimiter),
            None => false,
        }
    }

    /// Whether there is an entry for the identity.
    pub fn knows(&self, identity: &str) -> bool {
        self.0.contains_key(identity)
    }

    /// Permits all addresses to an identity.
    pub fn insert_all(&mut self, identity: &str) {
        self.0.insert(identity.into(), Allowed::All);
    }

    /// Permits these addresses to an identity, in addition.
    pub fn insert(&mut self, identity: &str, addresses: &MailboxSet) {
        let allowed = self.0.entry(identity.into());
        match allowed.or_insert_with(|| Allowed::Some(MailboxSet::default())) {
            Allowed::All => {}
            Allowed::Some(set) => set.extend(addresses),
        }
    }
}

impl FromStr for Permissions {
    type Err = InvalidEntry;

    fn from_str(text: &str) -> Result<Self, InvalidEntry> {
        let mut all = Self::default();
        for (line, entry) in entries(text) {
            let mut words = entry
                .split([' ', '\t', ','])
                .filter(|word| !word.is_empty());
            let Some(identity) = words.next() else {
                continue;
            };
            let words: Vec<_> = words.collect();
            if words.is_empty() {
                let message =
                    format!("`{identity}` may use nothing: add an address, a domain or `*`");
                return Err(InvalidEntry { line, message });
            }
            if words.contains(&"*") {
                all.insert_all(identity);
                continue;
            }
            let addresses: Result<MailboxSet, _> = words.join("\n").parse();
            let wrong = |error: InvalidEntry| InvalidEntry { line, ..error };
            all.insert(identity, &addresses.map_err(wrong)?);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_has_the_addresses_of_all_its_lines() {
        let text = "# users\nalice alice@x.example, team.example\n\nbob\tbob@x.example\n\
                    alice alice@y.example\nboss@x.example *\n";
        let permissions: Permissions = text.parse().unwrap();
        for (identity, mailbox, is_allowed) in [
            ("alice", "alice@x.example", true),
            ("alice", "Alice@Y.example", true),
            ("alice", "all@team.example", true),
            ("alice", "bob@x.example", false),
            ("alice", "alice+x@x.example", true),
            ("bob", "bob@x.example", true),
            ("bob", "alice@x.example", false),
            ("Bob", "bob@x.example", false),
            ("boss@x.example", "bob@x.example", true),
            ("eve", "bob@x.example", false),
            ("", "bob@x.example", false),
        ] {
            let mailbox = mailbox.parse().unwrap();
            let found = permissions.allow(identity, &mailbox, Some('+'));
            assert_eq!(found, is_allowed, "{identity} {mailbox}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        for (text, told) in [
            ("a a@x.example\nb\n", "line 2: `b` may use nothing"),
            ("\na a@x.example a@@x\n", "line 2: `a@@x` is no address"),
            ("a *.example", "line 1: `*.example` is no domain"),
        ] {
            let error = text.parse::<Permissions>().unwrap_err();
            assert!(error.to_string().starts_with(told), "{error}");
        }
    }
}
