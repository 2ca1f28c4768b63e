//! The notification.

use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    envelope::{Mail, Rcpt},
    path::Mailbox,
    reply::{RemoteMta, Reply},
};

use super::{
    excerpt,
    fields::{Lines, date},
    form::{Form, decode_xtext, host},
    part::{Encoding, Part},
};

/// A notification that a message was not delivered to some recipients.
///
/// *Shape* of what [`FailureNotice::build`] makes: an RFC 5322 message with CRLF line ends and lines
/// of at most 998 octets, a multipart/report of a text for people, a delivery-status for programs,
/// and the header of the original message. With `Auto-Submitted: auto-replied` (RFC 3834); to be
/// sent with the null reverse-path.
///
/// It is ASCII throughout, whatever the failed recipients, the replies and the original message
/// hold, so that every host can take it. Only where the reverse-path itself is not ASCII, or the
/// name of the agent, the types of RFC 6533 are used, and it needs 8BITMIME and SMTPUTF8
/// ([`FailureNotice::is_international`]).
#[derive(Debug, Clone)]
pub struct FailureNotice<'a> {
    /// The name of the agent that reports.
    pub reporting_mta: &'a str,
    /// A text that no other notification has: letters and digits.
    pub unique: &'a str,
    /// The id of the original message, by which logs here know it.
    pub id: &'a str,
    /// When the notification is written.
    pub now: Timestamp,
    /// When the original message was received.
    pub arrived: Timestamp,
    /// The original MAIL command.
    pub mail: &'a Mail,
    /// To whom the notification goes: the original reverse-path.
    pub to: &'a Mailbox,
    /// The recipients that failed; at least one.
    pub failed: &'a [FailedRecipient<'a>],
    /// The beginning of the original message, with its header as far as that is known; what
    /// follows the header is not returned.
    pub original: &'a [u8],
}

/// A recipient that failed.
///
/// Only what another host has said is told as a Diagnostic-Code, and as said by the host of the
/// reply's [`RemoteMta`]: see [`Reply::is_from_upstream`].
#[derive(Debug, Clone)]
pub struct FailedRecipient<'a> {
    /// The original RCPT command.
    pub rcpt: &'a Rcpt,
    /// The reply that decided. A transient one says that time or attempts ran out.
    pub reply: &'a Reply,
    /// When the last attempt ended, if there was one.
    pub last_attempt: Option<Timestamp>,
}

impl FailureNotice<'_> {
    /// Whether the notification holds UTF-8, so that it must be sent with `BODY=8BITMIME` and
    /// `SMTPUTF8`.
    pub fn is_international(&self) -> bool {
        !self.to.is_ascii() || !self.reporting_mta.is_ascii()
    }

    /// Writes the notification.
    pub fn build(&self) -> Bytes {
        let is_8bit = self.is_international();
        let form = if is_8bit { Form::Utf8 } else { Form::Ascii };
        let boundary = format!("=_{}", self.unique);
        let text = self.text();
        let status = self.status(form);
        let headers = excerpt::header(self.original);
        let parts = [
            Part::text(&text, is_8bit),
            Part::status(&status, is_8bit),
            Part::headers(&headers, is_8bit),
        ];
        let mut lines = Lines::new(form);
        self.header(&mut lines, &boundary);
        let mut message = lines.into_string().into_bytes();
        for part in &parts {
            message.extend_from_slice(begin(&boundary, part).as_bytes());
            message.extend_from_slice(&part.content);
        }
        message.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        message.into()
    }

    fn header(&self, lines: &mut Lines, boundary: &str) {
        let host = self.reporting_mta;
        let from = format!("Mail Delivery System <MAILER-DAEMON@{host}>");
        let content_type =
            format!("multipart/report; report-type=delivery-status; boundary=\"{boundary}\"");
        let encoding = match self.is_international() {
            false => Encoding::SevenBit,
            true => Encoding::EightBit,
        };
        lines
            .field("From", &from)
            .address("To", &format!("<{}>", self.to))
            .field("Subject", "Undelivered mail returned to sender")
            .field("Date", &date(self.now))
            .field("Message-ID", &format!("<{}@{host}>", self.unique))
            .field("Auto-Submitted", "auto-replied")
            .field("MIME-Version", "1.0")
            .field("Content-Type", &content_type)
            .field("Content-Transfer-Encoding", encoding.name())
            .blank();
    }

    fn text(&self) -> String {
        let host = self.reporting_mta;
        // Encoded as a whole.
        let mut lines = Lines::new(Form::Utf8);
        lines.paragraph(&format!(
            "This is the mail system at {host}. Your message could not be delivered to the \
             recipients below, and will not be tried again. Its id here is {}.",
            self.id
        ));
        for failed in self.failed {
            let to = &failed.rcpt.forward_path;
            let why = match (failed.reply.is_transient(), failed.remote()) {
                (true, Some(remote)) => {
                    format!("delivery was given up; {} said last:", remote.host)
                }
                (true, None) => "delivery was given up; the last attempt ended with:".into(),
                (false, Some(remote)) => format!("{} said:", remote.host),
                (false, None) => "it was refused with:".into(),
            };
            lines.paragraph(&format!("<{to}>: {why} {}", failed.reply.as_said()));
        }
        lines.into_string()
    }

    fn status(&self, form: Form) -> String {
        let mut lines = Lines::new(form);
        if let Some(id) = self.mail.parameters.get("ENVID").and_then(|id| id.value()) {
            lines.field("Original-Envelope-Id", &decode_xtext(id));
        }
        lines
            .field("Reporting-MTA", &format!("dns; {}", self.reporting_mta))
            .field("Arrival-Date", &date(self.arrived))
            .field("X-Koukan-Id", self.id);
        for failed in self.failed {
            lines.blank();
            failed.fields(&mut lines, form);
        }
        lines.into_string()
    }
}

impl FailedRecipient<'_> {
    /// The host that gave the reply, if one did and it is known.
    fn remote(&self) -> Option<&RemoteMta> {
        self.reply.extensions().get::<RemoteMta>()
    }

    fn fields(&self, lines: &mut Lines, form: Form) {
        let orcpt = self.rcpt.parameters.get("ORCPT");
        let original = orcpt.and_then(|orcpt| form.original_recipient(orcpt.value()?));
        if let Some(original) = original {
            lines.address("Original-Recipient", &original);
        }
        let to = self.rcpt.forward_path.as_str();
        lines
            .address("Final-Recipient", &form.address(to))
            .field("Action", "failed")
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

/// What stands before a part.
fn begin(boundary: &str, part: &Part<'_>) -> String {
    let Part {
        content_type,
        encoding,
        ..
    } = part;
    format!(
        "\r\n--{boundary}\r\nContent-Type: {content_type}\r\n\
         Content-Transfer-Encoding: {}\r\n\r\n",
        encoding.name()
    )
}

#[cfg(test)]
mod tests {
    use crate::{
        path::{ForwardPath, ReversePath},
        reply::FromUpstream,
    };

    use super::*;

    #[test]
    fn a_reply_is_told_with_the_code_that_was_said() {
        let reply = Reply::service_closing().relayed();
        let reply = reply.with_extension(FromUpstream);
        let rcpt = Rcpt::new("\"a  b\"@example.com".parse::<ForwardPath>().unwrap());
        let failed = FailedRecipient {
            rcpt: &rcpt,
            reply: &reply,
            last_attempt: None,
        };
        let reverse_path = "\"s  t\"@example.org".parse::<ReversePath>().unwrap();
        let mail = Mail::new(reverse_path);
        let notice = FailureNotice {
            reporting_mta: "mx.example.com",
            unique: "1",
            id: "01j",
            now: Timestamp::UNIX_EPOCH,
            arrived: Timestamp::UNIX_EPOCH,
            mail: &mail,
            to: &"\"s  t\"@example.org".parse().unwrap(),
            failed: &[failed],
            original: b"Subject: hi\r\n\r\n",
        };
        let built = notice.build();
        let text = std::str::from_utf8(&built).unwrap();
        for line in [
            "To: <\"s  t\"@example.org>\r\n",
            "Final-Recipient: rfc822; \"a  b\"@example.com\r\n",
            "Status: 4.3.2\r\n",
            "Diagnostic-Code: smtp; 421 4.3.2 service closing, try again later\r\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        assert!(!text.contains("450"), "{text}");
    }
}
