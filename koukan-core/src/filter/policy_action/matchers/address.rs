//! Whose address it is.

use crate::{
    filter::{
        MailboxList,
        policy_action::{Facts, Matcher, Verdict},
    },
    path::ForwardPath,
};

use super::WhichAddress;

/// An address of the envelope is among some mailboxes. The null reverse-path, and the postmaster without a
/// domain, are in no list.
#[derive(Debug, Clone)]
pub struct AddressMatcher {
    which: WhichAddress,
    list: MailboxList,
}

impl AddressMatcher {
    /// That address is in that list.
    pub fn new(which: WhichAddress, list: MailboxList) -> Self {
        Self { which, list }
    }
}

impl Matcher for AddressMatcher {
    fn matches(&self, facts: &Facts<'_>) -> Verdict {
        let mailbox = match self.which {
            WhichAddress::MailFrom => facts.mail.reverse_path.mailbox(),
            WhichAddress::RcptTo => facts.rcpt.and_then(|rcpt| match &rcpt.forward_path {
                ForwardPath::Mailbox(mailbox) => Some(mailbox),
                ForwardPath::Postmaster => None,
            }),
        };
        mailbox
            .is_some_and(|mailbox| self.list.contains(mailbox))
            .into()
    }

    fn is_about_recipient(&self) -> bool {
        self.which == WhichAddress::RcptTo
    }
}
