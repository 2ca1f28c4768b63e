//! The notification.

use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    path::Mailbox,
    reply::{RemoteMta, Reply},
    transaction::{Mail, Rcpt},
};

use super::fields::{Lines, date};

/// A notification that a message was not delivered to some recipients.
///
/// *Shape* of what [`FailureNotice::build`] makes: an RFC 5322 message with CRLF line ends, a
/// multipart/report of a text for people, a delivery-status for programs, and the header of the
/// original message. With `Auto-Submitted: auto-replied` (RFC 3834); to be sent with the null
/// reverse-path. Where an address is not ASCII, the types of RFC 6533 are used.
#[derive(Debug, Clone)]
pub struct FailureNotice<'a> {
    /// The name of the agent that reports.
    pub reporting_mta: &'a str,
    /// A text that no other notification has: letters and digits.
    pub unique: &'a str,
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
    /// The header of the original message, without the empty line; may be cut off or empty.
    pub original_header: &'a [u8],
}

/// A recipient that failed.
#[derive(Debug, Clone)]
pub struct FailedRecipient<'a> {
    /// The original RCPT command.
    pub rcpt: &'a Rcpt,
    /// The reply that decided. A transient one says that time or attempts ran out.
    pub reply: &'a Reply,
    /// The host that gave the reply, where one was reached.
    pub remote: Option<&'a RemoteMta>,
    /// When the last attempt ended, if there was one.
    pub last_attempt: Option<Timestamp>,
}

impl FailureNotice<'_> {
    /// Writes the notification.
    pub fn build(&self) -> Bytes {
        let boundary = format!("=_{}", self.unique);
        let is_ascii = self.is_ascii();
        let mut lines = Lines::default();
        self.header(&mut lines, &boundary);
        part(&mut lines, &boundary, "text/plain; charset=utf-8");
        self.text(&mut lines);
        part(
            &mut lines,
            &boundary,
            match is_ascii {
                true => "message/delivery-status",
                false => "message/global-delivery-status",
            },
        );
        self.status(&mut lines);
        part(
            &mut lines,
            &boundary,
            match is_ascii {
                true => "text/rfc822-headers",
                false => "message/global-headers",
            },
        );
        let mut message = lines.into_string().into_bytes();
        message.extend_from_slice(self.original_header);
        if !message.ends_with(b"\r\n") {
            message.extend_from_slice(b"\r\n");
        }
        message.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        message.into()
    }

    fn is_ascii(&self) -> bool {
        let recipients = self
            .failed
            .iter()
            .map(|failed| failed.rcpt.forward_path.as_str());
        self.to.is_ascii() && recipients.into_iter().all(str::is_ascii)
    }

    fn header(&self, lines: &mut Lines, boundary: &str) {
        let host = self.reporting_mta;
        let from = format!("Mail Delivery System <MAILER-DAEMON@{host}>");
        let content_type =
            format!("multipart/report; report-type=delivery-status; boundary=\"{boundary}\"");
        lines
            .field("From", &from)
            .field("To", &format!("<{}>", self.to))
            .field("Subject", "Undelivered mail returned to sender")
            .field("Date", &date(self.now))
            .field("Message-ID", &format!("<{}@{host}>", self.unique))
            .field("Auto-Submitted", "auto-replied")
            .field("MIME-Version", "1.0")
            .field("Content-Type", &content_type)
            .blank();
    }

    fn text(&self, lines: &mut Lines) {
        let host = self.reporting_mta;
        lines.paragraph(&format!(
            "This is the mail system at {host}. Your message could not be delivered to the \
             recipients below, and will not be tried again."
        ));
        for failed in self.failed {
            let to = &failed.rcpt.forward_path;
            let why = match (failed.reply.is_transient(), failed.remote) {
                (true, Some(remote)) => {
                    format!("delivery was given up; {} said last:", remote.host)
                }
                (true, None) => "delivery was given up; the last attempt ended with:".into(),
                (false, Some(remote)) => format!("{} said:", remote.host),
                (false, None) => "it was refused with:".into(),
            };
            lines.paragraph(&format!("<{to}>: {why} {}", failed.reply));
        }
    }

    fn status(&self, lines: &mut Lines) {
        if let Some(id) = self.mail.parameters.get("ENVID").and_then(|id| id.value()) {
            lines.field("Original-Envelope-Id", &decode_xtext(id));
        }
        lines
            .field("Reporting-MTA", &format!("dns; {}", self.reporting_mta))
            .field("Arrival-Date", &date(self.arrived));
        for failed in self.failed {
            lines.blank();
            failed.fields(lines);
        }
    }
}

impl FailedRecipient<'_> {
    fn fields(&self, lines: &mut Lines) {
        let original = self
            .rcpt
            .parameters
            .get("ORCPT")
            .and_then(|orcpt| orcpt.value());
        if let Some((kind, address)) = original.and_then(|value| value.split_once(';')) {
            let address = decode_xtext(address);
            lines.field("Original-Recipient", &format!("{kind}; {address}"));
        }
        let to = self.rcpt.forward_path.as_str();
        let kind = if to.is_ascii() { "rfc822" } else { "utf-8" };
        lines
            .field("Final-Recipient", &format!("{kind}; {to}"))
            .field("Action", "failed")
            .field("Status", &self.status());
        if let Some(remote) = self.remote {
            lines.field("Remote-MTA", &format!("dns; {}", remote.host));
        }
        let diagnostic = self.reply.to_string().replace(" / ", " ");
        lines.field("Diagnostic-Code", &format!("smtp; {diagnostic}"));
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

fn part(lines: &mut Lines, boundary: &str, content_type: &str) {
    lines
        .blank()
        .line(&format!("--{boundary}"))
        .field("Content-Type", content_type)
        .blank();
}

/// Decodes xtext (RFC 3461 section 4); what is not xtext stays as it is.
fn decode_xtext(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let octet = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match octet {
            Some(octet) if *first == b'+' => {
                decoded.push(octet);
                rest = &tail[2..];
            }
            _ => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders};

    use super::*;
    use crate::path::{ForwardPath, Parameter, ReversePath};

    fn rcpt(to: &str) -> Rcpt {
        Rcpt::new(to.parse::<ForwardPath>().unwrap())
    }

    fn notice(to: &Rcpt, reply: &Reply, header: &[u8]) -> String {
        let sender = "alice@example.com";
        let remote = RemoteMta {
            host: "mx.example.net".into(),
            address: "192.0.2.1:25".parse().unwrap(),
        };
        let mail = Mail::new(sender.parse::<ReversePath>().unwrap());
        let notice = FailureNotice {
            reporting_mta: "mx.example.com",
            unique: "abc123",
            now: Timestamp::UNIX_EPOCH,
            arrived: Timestamp::UNIX_EPOCH,
            mail: &mail,
            to: &sender.parse().unwrap(),
            failed: &[FailedRecipient {
                rcpt: to,
                reply,
                remote: Some(&remote),
                last_attempt: Some(Timestamp::UNIX_EPOCH),
            }],
            original_header: header,
        };
        String::from_utf8(notice.build().to_vec()).unwrap()
    }

    #[test]
    fn a_parser_finds_the_three_parts_and_all_fields() {
        let reply = Reply::no_such_user().with_text("no such user\nask somebody else");
        let text = notice(
            &rcpt("bob@example.net"),
            &reply,
            b"Subject: hi\r\nFrom: a\r\n",
        );
        let message = MessageParser::default().parse(&text).unwrap();
        let content_type = message.content_type().unwrap();
        assert_eq!(content_type.ctype(), "multipart");
        assert_eq!(
            content_type.attribute("report-type"),
            Some("delivery-status")
        );
        assert_eq!(message.parts[0].sub_parts().unwrap().len(), 3);
        assert_eq!(
            message.to().unwrap().first().unwrap().address(),
            Some("alice@example.com")
        );
        for field in [
            "Auto-Submitted: auto-replied\r\n",
            "Reporting-MTA: dns; mx.example.com\r\n",
            "Final-Recipient: rfc822; bob@example.net\r\n",
            "Action: failed\r\n",
            "Status: 5.1.1\r\n",
            "Remote-MTA: dns; mx.example.net\r\n",
            "Diagnostic-Code: smtp; 550 5.1.1 no such user ask somebody else\r\n",
            "Last-Attempt-Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n",
            "Subject: hi\r\nFrom: a\r\n\r\n--=_abc123--\r\n",
        ] {
            assert!(text.contains(field), "{field}:\n{text}");
        }
        assert!(text.lines().all(|line| line.len() <= 78), "{text}");
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
    }

    #[test]
    fn addresses_in_utf8_change_the_types() {
        let text = notice(&rcpt("bøb@example.net"), &Reply::mailbox_busy(), b"");
        for field in [
            "message/global-delivery-status",
            "message/global-headers",
            "Final-Recipient: utf-8; bøb@example.net",
            "Status: 4.2.1",
        ] {
            assert!(text.contains(field), "{field}:\n{text}");
        }
    }

    #[test]
    fn the_original_recipient_is_decoded() {
        let mut to = rcpt("bob@example.net");
        let orcpt = Parameter::new("ORCPT", Some("rfc822;bob+2Bx@example.org")).unwrap();
        to.parameters.push(orcpt).unwrap();
        let text = notice(&to, &Reply::no_such_user(), b"");
        assert!(
            text.contains("Original-Recipient: rfc822; bob+x@example.org\r\n"),
            "{text}"
        );
    }

    #[test]
    fn a_reply_without_enhanced_code_has_a_status_of_its_class() {
        let code = crate::reply::ReplyCode::new(552).unwrap();
        let reply = Reply::new(code, None, "full");
        let text = notice(&rcpt("bob@example.net"), &reply, b"");
        assert!(text.contains("Status: 5.0.0\r\n"), "{text}");
    }
}
