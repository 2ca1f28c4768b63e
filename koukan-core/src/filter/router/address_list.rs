//! Recipients by domain and local part.

use crate::{filter::MailboxList, path::ForwardPath};

use super::{Decision, Policy};

/// Knows the recipients in some domains, or some of their mailboxes.
///
/// The postmaster without a domain (RFC 5321 section 4.5.1) counts as one of them.
///
/// # Example
///
/// ```
/// use koukan_core::filter::router::{AddressList, Decision, Policy};
///
/// let list = AddressList::new(["example.com"], Decision::Accept)
///     .with_prefixes(["bob"])
///     .with_delimiter('+');
/// assert_eq!(list.decide(&"bob+lists@Example.COM".parse()?), Decision::Accept);
/// assert_eq!(list.decide(&"bobby@example.com".parse()?), Decision::Pass);
/// # Ok::<(), koukan_core::path::InvalidMailbox>(())
/// ```
#[derive(Debug, Clone)]
pub struct AddressList {
    mailboxes: MailboxList,
    decision: Decision,
}

impl AddressList {
    /// Knows every recipient in these domains, with this decision. ASCII case does not matter.
    pub fn new<D: Into<Box<str>>>(
        domains: impl IntoIterator<Item = D>,
        decision: Decision,
    ) -> Self {
        Self {
            mailboxes: MailboxList::default().with_domains(domains),
            decision,
        }
    }

    /// Restricts it to mailboxes with these local parts, in any ASCII case.
    #[must_use]
    pub fn with_prefixes<P: Into<Box<str>>>(
        mut self,
        prefixes: impl IntoIterator<Item = P>,
    ) -> Self {
        self.mailboxes = self.mailboxes.with_prefixes(prefixes);
        self
    }

    /// Ignores what follows the first `delimiter` in a local part.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: char) -> Self {
        self.mailboxes = self.mailboxes.with_delimiter(delimiter);
        self
    }
}

impl Policy for AddressList {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        if recipient
            .mailbox()
            .is_none_or(|mailbox| self.mailboxes.contains(mailbox))
        {
            self.decision.clone()
        } else {
            Decision::Pass
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_prefixes_and_the_delimiter() {
        let domains = AddressList::new(["example.com", "example.net"], Decision::Accept);
        let bob = domains.clone().with_prefixes(["bob"]);
        let tagged = bob.clone().with_delimiter('+');
        for (list, recipient, is_known) in [
            (&domains, "any@example.com", true),
            (&domains, "any@EXAMPLE.net", true),
            (&domains, "any@sub.example.com", false),
            (&domains, "postmaster", true),
            (&bob, "bob@example.com", true),
            (&bob, "Bob@example.com", true),
            (&bob, "\"bob\"@example.com", true),
            (&bob, "bob+x@example.com", false),
            (&bob, "alice@example.com", false),
            (&tagged, "bob+x+y@example.com", true),
            (&tagged, "bobby@example.com", false),
            (&tagged, "+bob@example.com", false),
        ] {
            let decision = list.decide(&recipient.parse().unwrap());
            assert_eq!(decision == Decision::Accept, is_known, "{recipient}");
        }
    }
}
