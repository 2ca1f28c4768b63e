//! The notification.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    envelope::{Mail, dsn::Return},
    message::builder::{mailbox_field, text_field},
    path::Mailbox,
};

use super::{
    excerpt,
    fields::{Lines, date},
    form::{Form, decode_xtext},
    part::{Encoding, Part},
    reported::{Action, Reported},
    template::{Language, Template},
    words,
};

/// A notification about a message, for some of its recipients.
///
/// *Shape* of the result of [`Report::build`]: an RFC 5322 message with CRLF line ends and lines of at
/// most 998 octets. It is a multipart/report with a text for people, a delivery-status for programs,
/// and the original message or its header. It has `Auto-Submitted: auto-replied` (RFC 3834), and must
/// be sent with the null reverse-path.
///
/// The whole message is returned where the sender has asked for it (RET=FULL, RFC 3461 section 4.3), a
/// recipient has failed, and the message can be included: unchanged, or, where it has octets above 127, with its
/// parts [encoded](crate::message::downgrade).
///
/// It is completely ASCII, whatever the recipients, the replies and the original contain, so
/// that every host can accept it. Only where the reverse-path or the name of the agent is outside of ASCII,
/// the types of RFC 6533 are used, and the notification needs 8BITMIME and SMTPUTF8
/// ([`Report::is_international`]).
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// The name of the agent that reports.
    pub reporting_mta: &'a str,
    /// A text that no other notification has, of letters and digits.
    pub unique: &'a str,
    /// The id of the original message in our logs.
    pub id: &'a str,
    /// When the notification is written.
    pub now: Timestamp,
    /// When the original message was received.
    pub arrived: Timestamp,
    /// The original MAIL command.
    pub mail: &'a Mail,
    /// The recipient of the notification: the original reverse-path.
    pub to: &'a Mailbox,
    /// The recipients; at least one.
    pub recipients: &'a [Reported<'a>],
    /// The beginning of the original message, with as much of its header as is known.
    pub original: &'a [u8],
    /// Whether `original` is the whole message.
    pub is_whole: bool,
    /// The template for the text.
    pub template: &'a Template,
}

impl Report<'_> {
    /// Whether the notification has UTF-8 in its header, so that it must be sent with
    /// `BODY=8BITMIME` and `SMTPUTF8`.
    pub fn is_international(&self) -> bool {
        !self.to.is_ascii() || !self.reporting_mta.is_ascii()
    }

    /// The whole message, if it is returned.
    fn returned(&self) -> Option<Cow<'_, [u8]>> {
        let is_failed = |it: &Reported<'_>| it.action == Action::Failed;
        let is_wanted = self.is_whole
            && self.mail.to_return() == Some(Return::Full)
            && self.recipients.iter().any(is_failed)
            && excerpt::can_return(self.original, self.is_international());
        match is_wanted {
            false => None,
            true if self.is_international() => Some(self.original.into()),
            true => excerpt::in_ascii(self.original),
        }
    }

    /// Writes the notification.
    pub fn build(&self) -> Bytes {
        let is_8bit = self.is_international();
        let form = if is_8bit { Form::Utf8 } else { Form::Ascii };
        let boundary = format!("=_{}", self.unique);
        let languages = self.template.languages_for(self.to);
        let text = words::text(self, &languages);
        let tags: Vec<_> = languages.iter().map(|language| language.tag()).collect();
        let status = self.status(form);
        let headers = excerpt::header(self.original);
        let returned = match self.returned() {
            Some(message) => Part::message(message, &headers),
            None => Part::headers(&headers, is_8bit),
        };
        let parts = [
            Part::text(&text, tags.join(", "), is_8bit),
            Part::status(&status, is_8bit),
            returned,
        ];
        let mut lines = Lines::new(form);
        self.header(&mut lines, &languages, &boundary);
        let mut message = lines.into_string().into_bytes();
        for part in &parts {
            message.extend_from_slice(begin(&boundary, part).as_bytes());
            message.extend_from_slice(&part.content);
        }
        message.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        message.into()
    }

    fn header(&self, lines: &mut Lines, languages: &[&Language], boundary: &str) {
        let host = self.reporting_mta;
        let daemon = format!("MAILER-DAEMON@{host}");
        let from = mailbox_field("from", &words::from(self, languages), &daemon);
        let subject = text_field("subject", &words::subject(self, languages));
        let content_type =
            format!("multipart/report; report-type=delivery-status; boundary=\"{boundary}\"");
        let encoding = match self.is_international() {
            false => Encoding::SevenBit,
            true => Encoding::EightBit,
        };
        lines
            .whole(&from)
            .address("To", &format!("<{}>", self.to))
            .whole(&subject)
            .field("Date", &date(self.now))
            .field("Message-ID", &format!("<{}@{host}>", self.unique))
            .field("Auto-Submitted", "auto-replied")
            .field("MIME-Version", "1.0")
            .field("Content-Type", &content_type)
            .field("Content-Transfer-Encoding", encoding.name())
            .blank();
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
        for recipient in self.recipients {
            lines.blank();
            recipient.fields(&mut lines, form);
        }
        lines.into_string()
    }
}

/// What stands before a part.
fn begin(boundary: &str, part: &Part<'_>) -> String {
    let mut lines = Lines::new(Form::Ascii);
    lines
        .blank()
        .line(&format!("--{boundary}"))
        .field("Content-Type", part.content_type);
    if let Some(language) = &part.language {
        lines.field("Content-Language", language);
    }
    lines
        .field("Content-Transfer-Encoding", part.encoding.name())
        .blank();
    lines.into_string()
}

#[cfg(test)]
mod tests {
    use crate::{
        envelope::Rcpt,
        path::{ForwardPath, ReversePath},
        reply::{FromUpstream, Reply},
    };

    use super::*;

    #[test]
    fn a_reply_is_told_with_the_code_that_was_said() {
        let reply = Reply::service_closing().relayed();
        let reply = reply.with_extension(FromUpstream);
        let rcpt = Rcpt::new("\"a  b\"@example.com".parse::<ForwardPath>().unwrap());
        let failed = Reported {
            rcpt: &rcpt,
            action: Action::Failed,
            reply: &reply,
            last_attempt: None,
        };
        let reverse_path = "\"s  t\"@example.org".parse::<ReversePath>().unwrap();
        let mail = Mail::new(reverse_path);
        let notice = Report {
            reporting_mta: "mx.example.com",
            unique: "1",
            id: "01j",
            now: Timestamp::UNIX_EPOCH,
            arrived: Timestamp::UNIX_EPOCH,
            mail: &mail,
            to: &"\"s  t\"@example.org".parse().unwrap(),
            recipients: &[failed],
            original: b"Subject: hi\r\n\r\n",
            is_whole: true,
            template: &Template::default(),
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
