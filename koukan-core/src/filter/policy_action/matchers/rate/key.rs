//! By what it is counted.

use std::borrow::Cow;

use crate::{filter::policy_action::Facts, path::Mailbox, shares::Client};

/// Whose messages, or recipients, are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RateKey {
    /// Those of one reverse-path, without what differs by ASCII case alone. The null reverse-path is none.
    MailFrom,
    /// Those of reverse-paths in one domain.
    MailFromDomain,
    /// Those of one client that has authenticated itself.
    Identity,
    /// Those of one client's address; of IPv6, of its /64 network.
    NetworkAddress,
    /// Those that run on behalf of one sender, with its tag.
    Sender,
    /// Those for one recipient.
    RcptTo,
    /// Those for recipients in one domain.
    RcptDomain,
}

impl RateKey {
    /// Whether it can only be told of single recipients.
    pub(super) fn is_about_recipient(self) -> bool {
        matches!(self, Self::RcptTo | Self::RcptDomain)
    }

    /// What they have in common; `None` where there is no such thing.
    pub(super) fn of<'a>(self, facts: &Facts<'a>) -> Option<Cow<'a, str>> {
        let from = || facts.mail.reverse_path.mailbox();
        let to = || facts.rcpt?.forward_path.mailbox();
        match self {
            Self::MailFrom => from().map(mailbox),
            Self::MailFromDomain => from().map(domain),
            Self::RcptTo => to().map(mailbox),
            Self::RcptDomain => to().map(domain),
            Self::Identity => facts.context.identity.as_deref().map(Cow::Borrowed),
            Self::NetworkAddress => {
                let client = Client::at(facts.context.remote_host?.ip());
                Some(client.to_string().into())
            }
            Self::Sender => Some(facts.context.sender.to_string().into()),
        }
    }
}

fn mailbox<'a>(mailbox: &Mailbox) -> Cow<'a, str> {
    let mut text = mailbox.unquoted_local_part().into_owned();
    text.push('@');
    text.push_str(mailbox.domain_text());
    text.make_ascii_lowercase();
    text.into()
}

fn domain<'a>(mailbox: &Mailbox) -> Cow<'a, str> {
    mailbox.domain_text().to_ascii_lowercase().into()
}
