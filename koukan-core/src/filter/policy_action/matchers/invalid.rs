//! Matches addresses that nobody could answer.

use std::net::Ipv4Addr;

use crate::{
    filter::policy_action::{Facts, Matcher, Verdict},
    path::Mailbox,
};

use super::WhichAddress;

/// The longest local part, in octets: RFC 5321 section 4.5.3.1.1.
const LOCAL_PART_MAX: usize = 64;

/// Matches addresses that are well-formed but useless for other hosts: the domain is a single name without
/// a dot, or an IPv4 address without brackets, or the local part is longer than 64 octets. The null
/// reverse-path and the postmaster without a domain are valid.
///
/// *Source*: RFC 5321 sections 2.3.5 and 4.5.3.1.1.
#[derive(Debug, Clone, Copy)]
pub struct InvalidPath(WhichAddress);

impl InvalidPath {
    /// Matches if this address is invalid.
    pub fn new(which: WhichAddress) -> Self {
        Self(which)
    }
}

impl Matcher for InvalidPath {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        self.0.matches(facts, is_invalid)
    }

    fn is_about_recipient(&self) -> bool {
        self.0.is_about_recipient()
    }

    fn reads_header(&self) -> bool {
        self.0.is_in_header()
    }
}

fn is_invalid(mailbox: &Mailbox) -> bool {
    let domain = mailbox.domain_text();
    let is_literal = domain.starts_with('[');
    let is_name = domain.contains('.') && domain.parse::<Ipv4Addr>().is_err();
    !(is_literal || is_name) || mailbox.local_part().len() > LOCAL_PART_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_could_be_answered() {
        let long = format!("{}@example.com", "a".repeat(64));
        let too_long = format!("{}@example.com", "a".repeat(65));
        for (mailbox, is_so) in [
            ("bob@example.com", false),
            ("bob@[192.0.2.1]", false),
            ("bob@[IPv6:2001:db8::1]", false),
            ("bob@b\u{fc}cher.example", false),
            (&*long, false),
            (&*too_long, true),
            ("bob@localhost", true),
            ("bob@192.0.2.1", true),
        ] {
            assert_eq!(is_invalid(&mailbox.parse().unwrap()), is_so, "{mailbox}");
        }
    }
}
