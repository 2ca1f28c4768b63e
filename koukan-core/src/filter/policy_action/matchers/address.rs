//! Matches addresses against lists.

use crate::{
    filter::{
        MailboxList, MailboxSet, Replaceable,
        policy_action::{Facts, Matcher, Verdict},
    },
    path::Mailbox,
};

use super::WhichAddress;

/// Matches if an address is in a list. The null reverse-path, and the postmaster without a domain, are in no
/// list.
#[derive(Debug, Clone)]
pub struct AddressMatcher {
    which: WhichAddress,
    list: List,
}

#[derive(Debug, Clone)]
enum List {
    Fixed(MailboxList),
    Replaceable(Replaceable<MailboxSet>, Option<char>),
}

impl AddressMatcher {
    /// Matches if this address is in the list.
    pub fn new(which: WhichAddress, list: MailboxList) -> Self {
        Self {
            which,
            list: List::Fixed(list),
        }
    }

    /// Matches if this address is in the current value of the set. What follows the first `delimiter` in a
    /// local part is ignored.
    pub fn in_set(
        which: WhichAddress,
        set: Replaceable<MailboxSet>,
        delimiter: Option<char>,
    ) -> Self {
        Self {
            which,
            list: List::Replaceable(set, delimiter),
        }
    }
}

impl List {
    fn contains(&self, mailbox: &Mailbox) -> bool {
        match self {
            Self::Fixed(list) => list.contains(mailbox),
            Self::Replaceable(set, delimiter) => set.current().contains(mailbox, *delimiter),
        }
    }
}

impl Matcher for AddressMatcher {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        let is_in = |mailbox: &Mailbox| self.list.contains(mailbox);
        self.which.matches(facts, is_in)
    }

    fn is_about_recipient(&self) -> bool {
        self.which.is_about_recipient()
    }

    fn reads_header(&self) -> bool {
        self.which.is_in_header()
    }
}
