//! Notifications of every kind, and the returned message, read by Python's `email` package.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod python;

use jiff::Timestamp;
use koukan_core::{
    message::dsn::{Action, Report, Reported, Template},
    path::{Parameter, ReversePath},
    reply::{RemoteMta, Reply},
    test_util::rcpt,
    transaction::Mail,
};

fn said(reply: Reply, host: &str) -> Reply {
    reply.with_extension(RemoteMta {
        host: host.into(),
        address: "192.0.2.1:25".parse().unwrap(),
    })
}

fn with_ret(mut mail: Mail, ret: &str) -> Mail {
    let ret = Parameter::new("RET", Some(ret)).unwrap();
    mail.parameters.push(ret).unwrap();
    mail
}

/// A report of all kinds at once.
fn of_all_kinds(original: &[u8], is_whole: bool, ret: &str) -> Vec<u8> {
    let mail = Mail::new("alice@example.com".parse::<ReversePath>().unwrap());
    let mail = with_ret(mail, ret);
    let until = Timestamp::from_second(86400).unwrap();
    let busy = said(Reply::mailbox_busy(), "mx.example.net");
    let own = Reply::loops_back();
    let ok = Reply::message_accepted();
    let to = ["b", "c", "d", "e", "f"].map(|name| rcpt(&format!("{name}@example.net")));
    let told = [
        (Action::Delivered, &ok),
        (Action::Relayed, &ok),
        (Action::Expanded, &ok),
        (Action::Delayed(until), &busy),
        (Action::Failed, &own),
    ];
    let recipients: Vec<_> = to
        .iter()
        .zip(told)
        .map(|(rcpt, (action, reply))| Reported {
            rcpt,
            action,
            reply,
            last_attempt: None,
        })
        .collect();
    let report = Report {
        reporting_mta: "mx.example.com",
        unique: "abc123",
        id: "01j9xyz",
        now: Timestamp::UNIX_EPOCH,
        arrived: Timestamp::UNIX_EPOCH,
        mail: &mail,
        to: &"alice@example.com".parse().unwrap(),
        recipients: &recipients,
        original,
        is_whole,
        template: &Template::default(),
    };
    report.build().to_vec()
}

const KINDS: &str = r#"
def describe(message):
    text, status, returned = message.iter_parts()
    blocks = [{n: str(v) for n, v in block.items()} for block in status.get_payload()]
    return {
        "subject": message["subject"],
        "text": text.get_content(),
        "actions": [block.get("Action") for block in blocks],
        "until": [block["Will-Retry-Until"] for block in blocks if "Will-Retry-Until" in block],
        "statuses": [block.get("Status") for block in blocks],
        "returned": returned.get_content_type(),
        "encodings": [p["content-transfer-encoding"] for p in (message, returned)],
        # Its charset may be one that is not known.
        "body": returned.get_payload(0).get_payload(decode=True).decode() if returned.is_multipart() else None,
        "defects": [repr(d) for part in message.walk() for d in part.defects],
    }
"#;

#[test]
fn every_kind_is_told_and_the_message_comes_back_as_asked() {
    let plain = b"Subject: hi\r\n\r\nhello\r\n";
    let umlaut = "Subject: hi\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
                  Content-Transfer-Encoding: 8bit\r\n\r\ngrüße\r\n";
    let without_mime = "Subject: hi\r\n\r\ngrüße\r\n";
    let cases = [
        (&plain[..], true, "FULL", Some("hello\r\n")),
        // A host without 8BITMIME would refuse it as it was.
        (umlaut.as_bytes(), true, "FULL", Some("grüße\r\n")),
        (without_mime.as_bytes(), true, "FULL", Some("grüße\r\n")),
        (plain, false, "FULL", None),
        (plain, true, "HDRS", None),
        (b"A: b\n\nhello\n", true, "FULL", None),
    ];
    let built = cases.map(|(original, is_whole, ret, ..)| of_all_kinds(original, is_whole, ret));
    let described = python::describe(KINDS, built.iter().cloned());
    for ((case, octets), found) in cases.iter().zip(&built).zip(described) {
        let (.., body) = case;
        assert_eq!(found["defects"], serde_json::json!([]), "{found}");
        assert_eq!(found["subject"], "Undelivered mail returned to sender");
        assert_eq!(
            found["actions"],
            serde_json::json!([
                null,
                "delivered",
                "relayed",
                "expanded",
                "delayed",
                "failed"
            ])
        );
        assert_eq!(found["statuses"][4], "4.2.1");
        assert_eq!(
            found["until"],
            serde_json::json!(["Fri, 2 Jan 1970 00:00:00 +0000"])
        );
        let returned = match body {
            Some(_) => "message/rfc822",
            None => "text/rfc822-headers",
        };
        assert_eq!(found["returned"], returned, "{found}");
        assert_eq!(found["encodings"], serde_json::json!(["7bit", "7bit"]));
        assert_eq!(found["body"], serde_json::json!(body));
        assert!(octets.is_ascii());
        let text = found["text"].as_str().unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let order = [
            "could not be delivered to the recipients below",
            "<f@example.net>: this mail system does not deliver it: 554 5.4.6",
            "could not be delivered as yet",
            "<e@example.net>: mx.example.net said last: 450 4.2",
            "handed on",
            "<c@example.net>: it was accepted with: 250",
            "was delivered to",
            "<b@example.net>: it was accepted with: 250",
            "sent on to all that",
            "<d@example.net>: it was accepted with: 250",
        ];
        let places: Vec<_> = order.iter().map(|words| text.find(words)).collect();
        assert!(places.iter().all(Option::is_some), "{places:?} {text}");
        assert!(places.is_sorted(), "{places:?} {text}");
    }
}
