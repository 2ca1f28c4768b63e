//! What messages are counted by.

use std::borrow::Cow;

use crate::{
    context::Context,
    path::{Mailbox, domain_key},
    shares::Client,
    transaction::{Mail, Rcpt},
};

/// Which messages or recipients are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RateKey {
    /// Messages with the same reverse-path, ignoring ASCII case. The null reverse-path has no key.
    MailFrom,
    /// Messages with reverse-paths in one domain.
    MailFromDomain,
    /// Messages of one authenticated client.
    Identity,
    /// Messages from one client address; for IPv6, from its /64 network.
    NetworkAddress,
    /// Messages of one sender with its tag.
    Sender,
    /// Messages for one recipient.
    RcptTo,
    /// Messages for recipients in one domain.
    RcptDomain,
}

impl RateKey {
    /// Whether it is known only for single recipients.
    pub(in crate::filter) fn is_about_recipient(self) -> bool {
        matches!(self, Self::RcptTo | Self::RcptDomain)
    }

    /// The key's value; `None` where there is none.
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
    text.make_ascii_lowercase();
    text.push_str(&domain_key(mailbox.domain_text()));
    text.into()
}

fn domain<'a>(mailbox: &Mailbox) -> Cow<'a, str> {
    domain_key(mailbox.domain_text()).into()
}

/// The combined value of all these keys; `None` where one is missing.
pub(in crate::filter) fn together(
    keys: &[RateKey],
    context: &Context,
    mail: &Mail,
    rcpt: Option<&Rcpt>,
) -> Option<Box<str>> {
    let mut key = String::new();
    for part in keys {
        key.push_str(&part.of(context, mail, rcpt)?);
        // A separator that occurs in none of them.
        key.push('\0');
    }
    Some(key.into())
}
