//! The format of notifications, checked here and by Python's `email` package.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod python;

use jiff::Timestamp;
use koukan_core::{
    message::dsn::{Action, Report, Reported, Template},
    path::{Parameter, ReversePath},
    reply::{FromUpstream, RemoteMta, Reply, ReplyCode},
    test_util::rcpt,
    transaction::{Mail, Rcpt},
};

/// The content of a notification, and its author.
struct Case {
    from: &'static str,
    host: &'static str,
    to: Rcpt,
    reply: Reply,
    original: Vec<u8>,
}

fn case() -> Case {
    Case {
        from: "alice@example.com",
        host: "mx.example.com",
        to: rcpt("bob@example.net"),
        reply: said(Reply::no_such_user(), "mx.example.net"),
        original: b"Subject: hi\r\nFrom: a\r\n\r\nhello\r\n".to_vec(),
    }
}

fn said(reply: Reply, host: &str) -> Reply {
    reply.with_extension(RemoteMta {
        host: host.into(),
        address: "192.0.2.1:25".parse().unwrap(),
    })
}

fn with_orcpt(to: &str, orcpt: &str) -> Rcpt {
    let mut to = rcpt(to);
    let orcpt = Parameter::new("ORCPT", Some(orcpt)).unwrap();
    to.parameters.push(orcpt).unwrap();
    to
}

impl Case {
    fn octets(&self) -> Vec<u8> {
        let mut mail = Mail::new(self.from.parse::<ReversePath>().unwrap());
        let envid = Parameter::new("ENVID", Some("QQ+2B314")).unwrap();
        mail.parameters.push(envid).unwrap();
        let notice = Report {
            reporting_mta: self.host,
            unique: "abc123",
            id: "01j9xyz",
            now: Timestamp::UNIX_EPOCH,
            arrived: Timestamp::UNIX_EPOCH,
            mail: &mail,
            to: &self.from.parse().unwrap(),
            recipients: &[Reported {
                rcpt: &self.to,
                action: Action::Failed,
                reply: &self.reply,
                last_attempt: Some(Timestamp::UNIX_EPOCH),
            }],
            original: &self.original,
            is_whole: true,
            template: &Template::default(),
        };
        let octets = notice.build().to_vec();
        assert_eq!(notice.is_international(), !octets.is_ascii());
        for line in octets.split(|octet| *octet == b'\n') {
            assert!(line.len() <= 999, "{} octets", line.len());
        }
        let text = String::from_utf8(octets.clone()).unwrap();
        assert!(!text.replace("\r\n", "").contains(['\r', '\n', '\0']));
        octets
    }

    fn text(&self) -> String {
        String::from_utf8(self.octets()).unwrap()
    }
}

const DESCRIBE: &str = r#"
def describe(message):
    text, status, headers = message.iter_parts()
    if status.is_multipart():
        blocks = [[list(field) for field in block.items()] for block in status.get_payload()]
    else:
        blocks = status.get_payload(decode=True).decode()
    return {
        "type": message.get_content_type(),
        "report": message.get_param("report-type"),
        "to": [a.addr_spec for a in message["to"].addresses],
        "text": text.get_content(),
        "types": [part.get_content_type() for part in (text, status, headers)],
        "encodings": [part["content-transfer-encoding"] for part in (text, status, headers)],
        "status": [[[n, str(v)] for n, v in b] for b in blocks] if isinstance(blocks, list) else blocks,
        "headers": base64.b64encode(headers.get_payload(decode=True) or b"").decode(),
        "defects": [repr(d) for part in message.walk() for d in part.defects],
    }
"#;

#[test]
fn python_finds_the_parts_and_their_content() {
    let umlaut = || {
        said(
            Reply::no_such_user().with_text("wer heißt hier Bøb?"),
            "mx.example.net",
        )
    };
    let long = "x".repeat(5000);
    let cases = [
        (case(), "Subject: hi\r\nFrom: a\r\n"),
        (
            Case {
                to: rcpt("bøb@example.net"),
                reply: umlaut(),
                original: "Subject: grüße\r\n\r\nhello".into(),
                ..case()
            },
            "Subject: grüße\r\n",
        ),
        (
            Case {
                reply: said(
                    Reply::no_such_user().with_text(long.clone()),
                    "mx.example.net",
                ),
                original: format!("Subject: {long}\r\n\r\nhello").into_bytes(),
                ..case()
            },
            &format!("Subject: {long}\r\n"),
        ),
        (
            Case {
                original: long.into_bytes(),
                ..case()
            },
            "",
        ),
        (
            Case {
                original: b"no header\r\nat all: here\r\n".to_vec(),
                ..case()
            },
            "",
        ),
        (
            Case {
                original: b"A: b\nC: d\rE: f\0\n\nsecret: text\n".to_vec(),
                ..case()
            },
            "A: b\r\nC: d E: f \r\n",
        ),
    ];
    let (cases, headers): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let described = python::describe(DESCRIBE, cases.iter().map(Case::octets));
    for ((case, headers), found) in cases.iter().zip(headers).zip(described) {
        assert_eq!(found["defects"], serde_json::json!([]), "{found}");
        assert_eq!(found["type"], "multipart/report");
        assert_eq!(found["report"], "delivery-status");
        assert_eq!(found["to"][0], "alice@example.com");
        assert_eq!(
            found["types"],
            serde_json::json!([
                "text/plain",
                "message/delivery-status",
                "text/rfc822-headers"
            ])
        );
        let got = python::octets(&found["headers"]);
        assert_eq!(String::from_utf8(got).unwrap(), headers);
        let text = found["text"].as_str().unwrap();
        assert!(text.contains(case.to.forward_path.as_str()), "{text}");
        let words: String = case.reply.text().split_whitespace().collect();
        let all: String = text.split_whitespace().collect();
        assert!(all.contains(&words), "{text}");
        let status = found["status"].to_string();
        for field in [
            r#"["Reporting-MTA","dns; mx.example.com"]"#,
            r#"["Original-Envelope-Id","QQ+314"]"#,
            r#"["Action","failed"]"#,
            r#"["Status","5.1.1"]"#,
            r#"["Remote-MTA","dns; mx.example.net"]"#,
            r#"["Last-Attempt-Date","Thu, 1 Jan 1970 00:00:00 +0000"]"#,
        ] {
            assert!(status.contains(field), "{field}: {status}");
        }
    }
}

#[test]
fn a_reverse_path_in_utf8_gets_the_types_of_rfc_6533() {
    let case = Case {
        from: "ålice@example.com",
        to: with_orcpt("bøb@example.net", r"utf-8;b\x{F8}b@example.org"),
        original: "Subject: grüße\r\n\r\n".into(),
        ..case()
    };
    let text = case.text();
    for line in [
        "To: <ålice@example.com>",
        "Content-Transfer-Encoding: 8bit",
        "Content-Type: message/global-delivery-status",
        "Content-Type: message/global-headers",
        "Original-Recipient: utf-8; bøb@example.org",
        "Final-Recipient: utf-8; bøb@example.net",
        "Subject: grüße",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line}:\n{text}");
    }
    let latin = Case {
        original: b"Subject: gr\xfc\xdfe\r\n\r\n".to_vec(),
        ..case
    };
    assert!(latin.text().contains("Subject: gr=FC=DFe\r\n"));
}

#[test]
fn addresses_in_utf8_are_written_in_ascii_for_others() {
    let case = Case {
        to: with_orcpt("bøb@example.net", "utf-8;bøb+x@example.org"),
        reply: said(
            Reply::no_such_user().with_text("kein Bøb"),
            "mx.example.net",
        ),
        original: b"Subject: gr\xfc\xdfe\r\n\r\n".to_vec(),
        ..case()
    };
    let text = case.text();
    for line in [
        "Content-Type: message/delivery-status",
        "Content-Transfer-Encoding: 7bit",
        r"Original-Recipient: utf-8; b\x{F8}b\x{2B}x@example.org",
        r"Final-Recipient: utf-8; b\x{F8}b@example.net",
        r"Diagnostic-Code: smtp; 550 5.1.1 kein B\x{F8}b",
        "Content-Type: text/rfc822-headers",
        "Content-Transfer-Encoding: quoted-printable",
        "Subject: gr=FC=DFe",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line}:\n{text}");
    }
}

#[test]
fn hosts_that_are_addresses_are_literals() {
    for (host, literal) in [
        ("127.0.0.1", "dns; [127.0.0.1]"),
        ("2001:db8::1", "dns; [IPv6:2001:db8::1]"),
        ("mx.example.net", "dns; mx.example.net"),
    ] {
        let reply = said(Reply::no_such_user(), host);
        let text = Case { reply, ..case() }.text();
        assert!(
            text.contains(&format!("Remote-MTA: {literal}\r\n")),
            "{text}"
        );
    }
}

#[test]
fn the_path_of_a_unix_socket_is_nobodys_business() {
    let socket = "unix:/run/dovecot/lmtp";
    let case = Case {
        reply: Reply::no_such_user().with_extension(RemoteMta {
            host: socket.into(),
            address: socket.parse().unwrap(),
        }),
        ..case()
    };
    let text = case.text();
    assert!(text.contains("Diagnostic-Code: smtp; 550 5.1.1"), "{text}");
    for private in ["Remote-MTA", "dovecot"] {
        assert!(!text.contains(private), "{text}");
    }
}

#[test]
fn only_what_another_host_said_is_its_word() {
    let own = Reply::connection_lost();
    let unnamed = Reply::mailbox_busy().with_extension(FromUpstream);
    let named = said(Reply::mailbox_busy(), "mx.example.net");
    for (reply, has_diagnostic, has_remote) in [
        (own, false, false),
        (unnamed, true, false),
        (named, true, true),
    ] {
        let text = Case { reply, ..case() }.text();
        assert_eq!(
            text.contains("\r\nDiagnostic-Code: smtp; "),
            has_diagnostic,
            "{text}"
        );
        assert_eq!(text.contains("\r\nRemote-MTA: "), has_remote, "{text}");
        assert_eq!(text.contains("mx.example.net said"), has_remote, "{text}");
        assert!(text.contains("\r\nStatus: 4."), "{text}");
    }
}

#[test]
fn replies_of_many_lines_and_without_enhanced_code_are_told() {
    let reply = Reply::no_such_user().with_text("no such user\nask / somebody else");
    let reply = said(reply, "mx.example.net");
    let text = Case { reply, ..case() }.text();
    let line = "Diagnostic-Code: smtp; 550 5.1.1 no such user ask / somebody else\r\n";
    assert!(text.contains(line), "{text}");
    let reply = Reply::new(ReplyCode::new(552).unwrap(), None, "full");
    let text = Case { reply, ..case() }.text();
    assert!(text.contains("Status: 5.0.0\r\n"), "{text}");
}

#[test]
fn what_another_host_said_cannot_turn_the_text_around_it() {
    let reply = Reply::no_such_user().with_text("a\u{202e}b\u{2028}c\u{2067}d");
    let text = Case {
        reply: said(reply, "mx.example.net"),
        ..case()
    }
    .text();
    assert!(
        text.contains(r"said: 550 5.1.1 a\x{202E}b c\x{2067}d"),
        "{text}"
    );
    assert!(
        text.contains(r"smtp; 550 5.1.1 a\x{202E}b c\x{2067}d"),
        "{text}"
    );
}
