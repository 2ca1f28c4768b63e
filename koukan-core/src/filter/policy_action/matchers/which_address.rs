//! The addresses that matchers can look at.

use crate::{
    filter::policy_action::{Facts, Moment, Verdict},
    path::Mailbox,
};

/// Which address of a message or its envelope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhichAddress {
    /// The reverse-path.
    #[default]
    MailFrom,
    /// The forward-path of a recipient.
    RcptTo,
    /// Every address of the `From` field. If there is not exactly one such field, or something in it is not an
    /// address, nothing matches ([`senders`](crate::message::header_section::HeaderSection::senders)).
    HeaderFrom,
    /// At least one address of a `From` field, however many fields there are.
    AnyHeaderFrom,
}

impl WhichAddress {
    /// Whether the condition holds for this address. It holds neither for the null reverse-path, nor for
    /// the postmaster without a domain.
    pub(super) fn matches(self, facts: &Facts<'_>, is_so: impl Fn(&Mailbox) -> bool) -> Verdict {
        let header = || match facts.header {
            Some(header) => Ok(header),
            None if facts.moment == Moment::End => Err(Verdict::NoMatch),
            None => Err(Verdict::NotYetKnown),
        };
        let mailbox = match self {
            Self::MailFrom => facts.mail.reverse_path.mailbox(),
            Self::RcptTo => facts.rcpt.and_then(|rcpt| rcpt.forward_path.mailbox()),
            Self::HeaderFrom => {
                return match header() {
                    Ok(header) => {
                        let senders = header.senders();
                        senders.is_some_and(|all| all.iter().all(is_so)).into()
                    }
                    Err(verdict) => verdict,
                };
            }
            Self::AnyHeaderFrom => {
                return match header() {
                    Ok(header) => {
                        let fields = header.all("from");
                        let mut all = fields.flat_map(|field| field.mailboxes()).flatten();
                        all.any(|mailbox| is_so(&mailbox)).into()
                    }
                    Err(verdict) => verdict,
                };
            }
        };
        mailbox.is_some_and(is_so).into()
    }

    pub(super) fn is_about_recipient(self) -> bool {
        self == Self::RcptTo
    }

    pub(super) fn is_in_header(self) -> bool {
        matches!(self, Self::HeaderFrom | Self::AnyHeaderFrom)
    }
}
