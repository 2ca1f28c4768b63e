//! The report about one recipient.

use jiff::Timestamp;

use crate::{
    envelope::Rcpt,
    reply::{RemoteMta, Reply},
};

use super::{
    fields::{Lines, date},
    form::{Form, host},
};

/// What has happened to a message, for a recipient.
///
/// *Source*: RFC 3464 section 2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// It was not delivered, and is not tried again.
    Failed,
    /// It was not delivered yet, and is tried again until this time.
    Delayed(Timestamp),
    /// It was passed to a server that sends no notifications.
    Relayed,
    /// It was delivered to the recipient's mailbox.
    Delivered,
    /// It was passed on to the recipients that this address stands for.
    Expanded,
}

/// A recipient in a notification.
///
/// Only replies of other hosts are reported as Diagnostic-Code, with the host of the reply's
/// [`RemoteMta`]: see [`Reply::is_from_upstream`].
#[derive(Debug, Clone)]
pub struct Reported<'a> {
    /// The original RCPT command.
    pub rcpt: &'a Rcpt,
    /// What has become of the message.
    pub action: Action,
    /// The reply that decided. If a recipient has failed with a transient reply, the time or the
    /// attempts ran out.
    pub reply: &'a Reply,
    /// When the last attempt ended, if there was one.
    pub last_attempt: Option<Timestamp>,
}

impl Action {
    /// As the field Action names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed(_) => "delayed",
            Self::Relayed => "relayed",
            Self::Delivered => "delivered",
            Self::Expanded => "expanded",
        }
    }
}

impl Reported<'_> {
    /// The host that gave the reply, if one did and it is known. For a Unix socket this host is named, since
    /// the path is private.
    pub(super) fn remote(&self) -> Option<&RemoteMta> {
        let remote = self.reply.extensions().get::<RemoteMta>();
        remote.filter(|remote| remote.address.unix().is_none())
    }

    /// Its fields for programs.
    pub(super) fn fields(&self, lines: &mut Lines, form: Form) {
        let orcpt = self.rcpt.parameters.get("ORCPT");
        let original = orcpt.and_then(|orcpt| form.original_recipient(orcpt.value()?));
        if let Some(original) = original {
            lines.address("Original-Recipient", &original);
        }
        let to = self.rcpt.forward_path.as_str();
        lines
            .address("Final-Recipient", &form.address(to))
            .field("Action", self.action.as_str())
            .field("Status", &self.status());
        if let Some(remote) = self.remote() {
            lines.field("Remote-MTA", &format!("dns; {}", host(&remote.host)));
        }
        if self.reply.is_from_upstream() {
            lines.field(
                "Diagnostic-Code",
                &format!("smtp; {}", one_line(self.reply)),
            );
        }
        if let Some(time) = self.last_attempt {
            lines.field("Last-Attempt-Date", &date(time));
        }
        if let Action::Delayed(until) = self.action {
            lines.field("Will-Retry-Until", &date(until));
        }
    }

    fn status(&self) -> String {
        match self.reply.enhanced() {
            Some(enhanced) => enhanced.to_string(),
            None => format!("{}.0.0", self.reply.code().as_u16() / 100),
        }
    }
}

/// A reply on one line.
fn one_line(reply: &Reply) -> String {
    let text = reply.text().replace('\n', " ");
    reply.as_said().with_text(text).to_string()
}
