//! The clauses of the field.

use std::net::IpAddr;

use jiff::{Timestamp, fmt::rfc2822, tz::TimeZone};

use crate::{
    context::{ClientName, Context, Tls},
    path::{Domain, ForwardPath, address_literal},
    signals::TraceId,
};

use super::field::Field;

/// How much of a client's name is put into a comment, in octets.
const MAX_COMMENT: usize = 64;

/// What is known of a message when it arrives.
pub(super) struct Facts<'a> {
    pub(super) host_name: &'a str,
    pub(super) context: &'a Context,
    /// The confirmed name of the client's address, if there is one.
    pub(super) confirmed: Option<&'a str>,
    pub(super) id: TraceId,
    pub(super) is_smtputf8: bool,
    /// The only recipient.
    pub(super) recipient: Option<&'a ForwardPath>,
    pub(super) now: Timestamp,
}

impl Facts<'_> {
    /// The whole field, with its line ends.
    pub(super) fn field(&self) -> String {
        let mut field = Field::new("Received");
        self.from(&mut field);
        field.clause(&["by ", self.host_name]);
        if let Some(name) = &self.context.client_name {
            field.clause(&["with ", self.with(name)]);
        }
        let mut id = String::from("id ");
        self.id.push_to(&mut id);
        field.clause(&[&id]);
        if let Some(recipient) = self.recipient() {
            field.clause(&["for <", recipient, ">"]);
        }
        if let Some(tls) = self.context.tls.as_ref() {
            field.clause(&[&cipher(tls)]);
        }
        field.semicolon();
        field.clause(&[&date(self.now)]);
        field.end()
    }

    fn from(&self, field: &mut Field) {
        let name = self.context.client_name.as_ref().map(|name| &*name.name);
        let address = self.context.remote_host.map(|peer| literal(peer.ip()));
        match (name, address) {
            (None, None) => {}
            (None, Some(address)) => {
                let confirmed = self.confirmed();
                field.clause(&["from ", &address, " (", &confirmed, &address, ")"]);
            }
            (Some(name), None) if Self::is_domain(name) => {
                field.clause(&["from ", name]);
            }
            (Some(name), Some(address)) if Self::is_domain(name) => {
                let confirmed = self.confirmed();
                field.clause(&["from ", name, " (", &confirmed, &address, ")"]);
            }
            (Some(name), None) => {
                field.clause(&["from unknown (HELO ", &harmless(name), ")"]);
            }
            (Some(name), Some(address)) => {
                field.clause(&["from ", &address, " (HELO ", &harmless(name), ")"]);
            }
        }
    }

    /// The text before the address: RFC 5321 section 4.4, TCP-info.
    fn confirmed(&self) -> String {
        let name = self.confirmed.filter(|name| Self::is_domain(name));
        name.map_or_else(String::new, |name| format!("{name} "))
    }

    fn is_domain(name: &str) -> bool {
        // In UTF-8 it would make an ASCII message need SMTPUTF8. A literal may contain parentheses, which not every
        // reader can tell from those of a comment.
        Domain::check(name).is_ok() && name.chars().all(is_harmless)
    }

    /// The transmission type: RFC 3848 and RFC 6531 section 4.3.
    fn with(&self, name: &ClientName) -> &'static str {
        let is_secured = self.context.tls.is_some();
        let is_authenticated = self.context.identity.is_some();
        if !name.is_extended {
            return "SMTP";
        }
        if self.context.is_lmtp {
            return match (self.is_smtputf8, is_secured, is_authenticated) {
                (false, false, false) => "LMTP",
                (false, false, true) => "LMTPA",
                (false, true, false) => "LMTPS",
                (false, true, true) => "LMTPSA",
                (true, false, false) => "UTF8LMTP",
                (true, false, true) => "UTF8LMTPA",
                (true, true, false) => "UTF8LMTPS",
                (true, true, true) => "UTF8LMTPSA",
            };
        }
        match (self.is_smtputf8, is_secured, is_authenticated) {
            (false, false, false) => "ESMTP",
            (false, false, true) => "ESMTPA",
            (false, true, false) => "ESMTPS",
            (false, true, true) => "ESMTPSA",
            (true, false, false) => "UTF8SMTP",
            (true, false, true) => "UTF8SMTPA",
            (true, true, false) => "UTF8SMTPS",
            (true, true, true) => "UTF8SMTPSA",
        }
    }

    fn recipient(&self) -> Option<&str> {
        let mailbox = self.recipient?.mailbox()?;
        (self.is_smtputf8 || mailbox.is_ascii()).then(|| mailbox.as_str())
    }
}

/// The registered clause, with the version in a comment.
fn cipher(tls: &Tls) -> String {
    let name = harmless(&tls.cipher);
    // Some libraries mark the suites of TLS 1.3 in their names.
    let name = match name.strip_prefix("TLS13_") {
        Some(suite) => format!("TLS_{suite}"),
        None => name,
    };
    format!("tls {name} ({})", harmless(&tls.version))
}

fn literal(address: IpAddr) -> String {
    address_literal(address.to_canonical())
}

fn is_harmless(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._:[]".contains(c)
}

/// The text without octets that mean something in a header field.
fn harmless(text: &str) -> String {
    let harmless = text.chars().map(|c| if is_harmless(c) { c } else { '?' });
    harmless.take(MAX_COMMENT).collect()
}

fn date(now: Timestamp) -> String {
    rfc2822::to_string(&now.to_zoned(TimeZone::UTC))
        .expect("every year of the clock has four digits")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::{context::Sender, signals::Signals};

    use super::*;

    fn context(name: Option<&str>, is_extended: bool) -> Context {
        let mut context = Context::new(Sender::new("test"));
        context.remote_host = Some("192.0.2.1:1234".parse().unwrap());
        context.client_name = name.map(|name| ClientName {
            name: name.into(),
            is_extended,
        });
        context
    }

    fn field(context: &Context, recipient: Option<&str>, is_smtputf8: bool) -> String {
        let recipient = recipient.map(|path| path.parse().unwrap());
        let facts = Facts {
            host_name: "mx.example.com",
            context,
            confirmed: None,
            id: TraceId::of(&Signals::default()),
            is_smtputf8,
            recipient: recipient.as_ref(),
            now: "2026-01-02T03:04:05Z".parse().unwrap(),
        };
        let text = facts.field();
        let id = facts.id.to_string();
        text.replace(&id, "ID").replace("\r\n ", "\n")
    }

    #[test]
    fn says_all_that_is_known() {
        let mut context = context(Some("client.example"), true);
        context.tls = Some(Tls {
            version: "TLSv1.3".into(),
            cipher: "TLS13_AES_256_GCM_SHA384".into(),
            client: None,
        });
        assert_eq!(
            field(&context, Some("bob@example.com"), false),
            "Received: from client.example ([192.0.2.1]) by mx.example.com with ESMTPS\n\
             id ID for <bob@example.com>\n\
             tls TLS_AES_256_GCM_SHA384 (TLSv1.3); Fri, 2 Jan 2026 03:04:05 +0000\r\n"
        );
    }

    #[test]
    fn says_nothing_of_what_is_not_known() {
        let mut context = context(None, false);
        context.remote_host = None;
        let text = field(&context, None, false);
        assert_eq!(
            text,
            "Received: by mx.example.com id ID;\nFri, 2 Jan 2026 03:04:05 +0000\r\n"
        );
    }

    #[rstest]
    #[case(Some("a.example"), "192.0.2.1:1", "from a.example ([192.0.2.1]) ")]
    #[case(Some("[192.0.2.9]"), "192.0.2.1:1", "from [192.0.2.9] ([192.0.2.1]) ")]
    #[case(
        Some("a.example"),
        "[2001:db8::1]:1",
        "from a.example ([IPv6:2001:db8::1]) "
    )]
    #[case(
        Some("a.example"),
        "[::ffff:192.0.2.1]:1",
        "from a.example ([192.0.2.1]) "
    )]
    #[case(None, "192.0.2.1:1", "from [192.0.2.1] ([192.0.2.1]) ")]
    #[case(Some("my pc"), "192.0.2.1:1", "from [192.0.2.1] (HELO my?pc) ")]
    #[case(
        Some("x)\r\nBcc: y"),
        "192.0.2.1:1",
        "from [192.0.2.1] (HELO x???Bcc:?y) "
    )]
    #[case(
        Some("bücher.example"),
        "192.0.2.1:1",
        "from [192.0.2.1] (HELO b?cher.example) "
    )]
    #[case(Some(""), "192.0.2.1:1", "from [192.0.2.1] (HELO ) ")]
    #[case(Some("[x:(]"), "192.0.2.1:1", "from [192.0.2.1] (HELO [x:?]) ")]
    #[case(
        Some("[x:;<a@b>]"),
        "192.0.2.1:1",
        "from [192.0.2.1] (HELO [x:??a?b?]) "
    )]
    #[case(Some("[x-y:1.2]"), "192.0.2.1:1", "from [x-y:1.2] ([192.0.2.1]) ")]
    fn names_the_client(#[case] name: Option<&str>, #[case] peer: &str, #[case] from: &str) {
        let mut context = context(name, true);
        context.remote_host = Some(peer.parse().unwrap());
        for is_smtputf8 in [false, true] {
            let text = field(&context, None, is_smtputf8).replace('\n', " ");
            assert!(text.starts_with(&format!("Received: {from}by ")), "{text}");
        }
    }

    #[rstest]
    #[case(
        Some("a.example"),
        Some("b.example"),
        "from a.example (b.example [192.0.2.1]) "
    )]
    #[case(Some("a.example"), Some("b c"), "from a.example ([192.0.2.1]) ")]
    #[case(Some("a.example"), Some("[x:)]"), "from a.example ([192.0.2.1]) ")]
    #[case(None, Some("b.example"), "from [192.0.2.1] (b.example [192.0.2.1]) ")]
    #[case(Some("my pc"), Some("b.example"), "from [192.0.2.1] (HELO my?pc) ")]
    fn names_what_is_confirmed(
        #[case] name: Option<&str>,
        #[case] confirmed: Option<&str>,
        #[case] from: &str,
    ) {
        let facts = Facts {
            host_name: "mx.example.com",
            context: &context(name, true),
            confirmed,
            id: TraceId::of(&Signals::default()),
            is_smtputf8: false,
            recipient: None,
            now: "2026-01-02T03:04:05Z".parse().unwrap(),
        };
        let text = facts.field().replace("\r\n", "");
        assert!(text.starts_with(&format!("Received: {from}by ")), "{text}");
    }

    #[rstest]
    #[case(false, false, true, true, "SMTP")]
    #[case(true, false, false, false, "ESMTP")]
    #[case(true, false, false, true, "ESMTPA")]
    #[case(true, false, true, false, "ESMTPS")]
    #[case(true, false, true, true, "ESMTPSA")]
    #[case(true, true, false, false, "UTF8SMTP")]
    #[case(true, true, true, true, "UTF8SMTPSA")]
    fn names_the_transmission_type(
        #[case] is_extended: bool,
        #[case] is_smtputf8: bool,
        #[case] is_secured: bool,
        #[case] is_authenticated: bool,
        #[case] with: &str,
    ) {
        let mut context = context(Some("a.example"), is_extended);
        context.tls = is_secured.then(|| Tls {
            version: "TLSv1.3".into(),
            cipher: "X".into(),
            client: None,
        });
        context.identity = is_authenticated.then(|| "alice".into());
        let text = field(&context, None, is_smtputf8).replace('\n', " ");
        assert!(text.contains(&format!(" with {with} id ")), "{text}");
    }

    #[rstest]
    #[case(false, false, false, "LMTP")]
    #[case(false, true, true, "LMTPSA")]
    #[case(true, false, true, "UTF8LMTPA")]
    #[case(true, true, false, "UTF8LMTPS")]
    fn lmtp_has_names_of_its_own(
        #[case] is_smtputf8: bool,
        #[case] is_secured: bool,
        #[case] is_authenticated: bool,
        #[case] with: &str,
    ) {
        let mut context = context(Some("a.example"), true);
        context.is_lmtp = true;
        context.tls = is_secured.then(|| Tls {
            version: "TLSv1.3".into(),
            cipher: "X".into(),
            client: None,
        });
        context.identity = is_authenticated.then(|| "alice".into());
        let text = field(&context, None, is_smtputf8).replace('\n', " ");
        assert!(text.contains(&format!(" with {with} id ")), "{text}");
    }

    #[rstest]
    #[case("bob@example.com", false, Some("<bob@example.com>"))]
    #[case("\"a b\"@example.com", false, Some("<\"a b\"@example.com>"))]
    #[case("postmaster", false, None)]
    #[case("用户@example.com", false, None)]
    #[case("用户@example.com", true, Some("<用户@example.com>"))]
    fn names_a_recipient_that_may_be_named(
        #[case] recipient: &str,
        #[case] is_smtputf8: bool,
        #[case] named: Option<&str>,
    ) {
        let context = context(Some("a.example"), true);
        let text = field(&context, Some(recipient), is_smtputf8).replace('\n', " ");
        match named {
            Some(named) => assert!(text.contains(&format!(" for {named};")), "{text}"),
            None => assert!(!text.contains(" for "), "{text}"),
        }
    }

    #[test]
    fn keeps_lines_short_where_it_can() {
        let label = "a".repeat(60);
        let name = format!("{label}.{label}.example");
        let mut context = context(Some(&name), true);
        context.remote_host = Some("[2001:db8:1:2:3:4:5:6]:1".parse().unwrap());
        let recipient = format!("{label}@{label}.example");
        let text = field(&context, Some(&recipient), false);
        for line in text.lines() {
            assert!(line.len() < 78 || line.contains(&label), "{line}");
            assert!(line.len() < 200, "{line}");
        }
    }
}
