//! By what it is counted.

use std::borrow::Cow;

use crate::{
    context::Context,
    path::Mailbox,
    shares::Client,
    transaction::{Mail, Rcpt},
};

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
    pub(in crate::filter) fn is_about_recipient(self) -> bool {
        matches!(self, Self::RcptTo | Self::RcptDomain)
    }

    /// What they have in common; `None` where there is no such thing.
    pub(in crate::filter) fn of<'a>(
        self,
        context: &'a Context,
        mail: &'a Mail,
        rcpt: Option<&'a Rcpt>,
    ) -> Option<Cow<'a, str>> {
        let from = || mail.reverse_path.mailbox();
        let to = || rcpt?.forward_path.mailbox();
        match self {
            Self::MailFrom => from().map(mailbox),
            Self::MailFromDomain => from().map(domain),
            Self::RcptTo => to().map(mailbox),
            Self::RcptDomain => to().map(domain),
            Self::Identity => context.identity.as_deref().map(Cow::Borrowed),
            Self::NetworkAddress => {
                let client = Client::at(context.remote_host?.ip());
                Some(client.to_string().into())
            }
            Self::Sender => Some(context.sender.to_string().into()),
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

/// What a message or a recipient has of all of these keys together; `None` where it lacks one.
pub(in crate::filter) fn together(
    keys: &[RateKey],
    context: &Context,
    mail: &Mail,
    rcpt: Option<&Rcpt>,
) -> Option<Box<str>> {
    let mut key = String::new();
    for part in keys {
        key.push_str(&part.of(context, mail, rcpt)?);
        // In none of them.
        key.push('\0');
    }
    Some(key.into())
}
