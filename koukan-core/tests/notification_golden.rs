//! A notification of each kind, in each form, compared with a file of `tests/notifications` and read by
//! independent parsers.
//!
//! With `UPDATE_GOLDEN=1` the files are rewritten.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod python;

use std::{env, fs, path::PathBuf};

use jiff::Timestamp;
use koukan_core::{
    message::dsn::{Action, Report, Reported, Template},
    path::{Parameter, ReversePath},
    reply::{RemoteMta, Reply},
    test_util::rcpt,
    transaction::Mail,
};
use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use serde_json::json;

/// A file and its expected content.
struct Golden {
    name: String,
    octets: Vec<u8>,
    /// Whether the whole message is returned.
    is_full: bool,
    is_utf8: bool,
    /// One for each recipient.
    actions: Vec<&'static str>,
}

const GERMAN: &str = include_str!("notifications/german.txt");

/// The original message, in the form its sender used.
fn original(is_utf8: bool) -> String {
    let name = if is_utf8 {
        "Ålice <ålice"
    } else {
        "Alice <alice"
    };
    format!(
        "From: {name}@example.com>\r\nTo: <bob@example.net>\r\nSubject: lunch\r\nMessage-ID: \
         <1@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: {}\r\n\r\nAt noon?\r\n",
        if is_utf8 { "8bit" } else { "7bit" }
    )
}

/// The actions, and the reply that decided each.
fn told() -> [(Action, Reply); 5] {
    let host = |reply: Reply| {
        reply.with_extension(RemoteMta {
            host: "mx.example.net".into(),
            address: "192.0.2.1:25".parse().unwrap(),
        })
    };
    let until = Timestamp::from_second(1_800_432_000).unwrap();
    [
        (Action::Failed, host(Reply::no_such_user())),
        (Action::Delayed(until), host(Reply::mailbox_busy())),
        (Action::Delivered, Reply::message_accepted()),
        (Action::Relayed, host(Reply::message_accepted())),
        (Action::Expanded, Reply::message_accepted()),
    ]
}

fn golden(
    name: &str,
    told: &(Action, Reply),
    is_utf8: bool,
    ret: &str,
    template: &Template,
) -> Golden {
    let to = match is_utf8 {
        false => "bob@example.net",
        true => "bøb@example.net",
    };
    golden_of(name, &[(to, told)], is_utf8, ret, template)
}

/// A notification about several recipients.
fn golden_of(
    name: &str,
    told: &[(&str, &(Action, Reply))],
    is_utf8: bool,
    ret: &str,
    template: &Template,
) -> Golden {
    let from = match is_utf8 {
        false => "alice@example.com",
        true => "ålice@example.com",
    };
    let mut mail = Mail::new(from.parse::<ReversePath>().unwrap());
    for (keyword, value) in [("RET", ret), ("ENVID", "lunch+2B1")] {
        let parameter = Parameter::new(keyword, Some(value)).unwrap();
        mail.parameters.push(parameter).unwrap();
    }
    let arrived = Timestamp::from_second(1_800_000_000).unwrap();
    let now = Timestamp::from_second(1_800_000_060).unwrap();
    let to: Vec<_> = told.iter().map(|(to, _)| rcpt(to)).collect();
    let recipients = to.iter().zip(told);
    let recipients = recipients.map(|(rcpt, (_, (action, reply)))| Reported {
        rcpt,
        action: *action,
        reply,
        last_attempt: Some(now),
    });
    let recipients: Vec<_> = recipients.collect();
    let octets = Report {
        reporting_mta: "mx.example.com",
        unique: "01k0000000000000000000000",
        id: "01k0000000000000000000001",
        now,
        arrived,
        mail: &mail,
        to: &from.parse().unwrap(),
        recipients: &recipients,
        original: original(is_utf8).as_bytes(),
        is_whole: true,
        template,
    }
    .build()
    .to_vec();
    Golden {
        name: format!("{name}.eml"),
        octets,
        is_full: ret == "FULL" && recipients.iter().any(|it| it.action == Action::Failed),
        is_utf8,
        actions: recipients.iter().map(|it| it.action.as_str()).collect(),
    }
}

fn all() -> Vec<Golden> {
    let told = told();
    let mut all = Vec::new();
    let english = Template::default();
    for it in &told {
        for (form, is_utf8) in [("7bit", false), ("utf8", true)] {
            for (content, ret) in [("headers", "HDRS"), ("full", "FULL")] {
                let name = format!("{}_{form}_{content}", it.0.as_str());
                all.push(golden(&name, it, is_utf8, ret, &english));
            }
        }
    }
    // Recipients that fail together are reported together, along with successes.
    let several = [
        ("bob@example.net", &told[0]),
        ("carol@example.org", &told[3]),
        ("dan@example.org", &(Action::Failed, Reply::mailbox_busy())),
    ];
    all.push(golden_of(
        "failed_several",
        &several,
        false,
        "HDRS",
        &english,
    ));
    let german: Template = GERMAN.parse().unwrap();
    let both = format!("language: en\n{GERMAN}").parse().unwrap();
    all.push(golden("german_7bit", &told[0], false, "HDRS", &german));
    all.push(golden("german_utf8", &told[1], true, "HDRS", &german));
    all.push(golden("two_languages", &told[0], false, "HDRS", &both));
    all
}

#[test]
fn each_kind_is_as_its_file_has_it() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/notifications");
    let mut wrong = Vec::new();
    let all = all();
    for golden in &all {
        let file = folder.join(&golden.name);
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&file, &golden.octets).unwrap();
        }
        if fs::read(&file).unwrap_or_default() != golden.octets {
            wrong.push(&golden.name);
        }
    }
    assert!(
        wrong.is_empty(),
        "other than what is written: {wrong:?}; run with UPDATE_GOLDEN=1 and look at the difference"
    );
    let files = fs::read_dir(folder).unwrap();
    let files = files.filter(|file| {
        let path = file.as_ref().unwrap().path();
        path.extension().is_some_and(|extension| extension == "eml")
    });
    assert_eq!(files.count(), all.len(), "a file that no case has");
}

/// Python reports a defect for a value in UTF-8, since it does not decode octets of fields.
const DESCRIBE: &str = r#"
import re
def describe(message):
    text, status, returned = message.iter_parts()
    return {
        "subject": message["subject"],
        "from": message["from"].addresses[0].display_name,
        "languages": text["content-language"],
        "text": text.get_content(),
        "actions": re.findall(r"^Action: (.*?)\r?$", status.as_string(), re.M),
        "types": [part.get_content_type() for part in (status, returned)],
        "defects": [repr(d) for part in message.walk() for d in part.defects]
            + ([repr(d) for part in message.walk() for v in part.values()
                for d in getattr(v, "defects", [])] if message.as_bytes().isascii() else []),
    }
"#;

/// The media types of the second and the third part.
fn types(golden: &Golden) -> [&'static str; 2] {
    match (golden.is_utf8, golden.is_full) {
        (false, false) => ["message/delivery-status", "text/rfc822-headers"],
        (false, true) => ["message/delivery-status", "message/rfc822"],
        (true, false) => ["message/global-delivery-status", "message/global-headers"],
        (true, true) => ["message/global-delivery-status", "message/global"],
    }
}

#[test]
fn python_reads_each_without_defects() {
    let all = all();
    let described = python::describe(DESCRIBE, all.iter().map(|golden| &golden.octets));
    for (golden, found) in all.iter().zip(described) {
        let name = &golden.name;
        assert_eq!(found["defects"], json!([]), "{name}: {found}");
        assert_eq!(found["types"], json!(types(golden)), "{name}");
        assert_eq!(found["actions"], json!(golden.actions), "{name}");
        let is_german = name.starts_with("german");
        let (from, language) = match is_german {
            true => ("Zustelldienst für E-Mail", "de"),
            false if name.starts_with("two") => ("Mail Delivery System", "en, de"),
            false => ("Mail Delivery System", "en"),
        };
        assert_eq!(found["from"], from, "{name}");
        assert_eq!(found["languages"], language, "{name}");
        let text = found["text"].as_str().unwrap();
        assert_eq!(
            text.contains("Zustellung"),
            language.contains("de"),
            "{name}: {text}"
        );
        assert_eq!(
            text.contains("This is the mail"),
            language.contains("en"),
            "{name}: {text}"
        );
        let subject = found["subject"].as_str().unwrap();
        assert_eq!(
            subject.contains("Zustellung"),
            is_german,
            "{name}: {subject}"
        );
    }
}

#[test]
fn mail_parser_reads_each() {
    for golden in all() {
        let name = &golden.name;
        let message = MessageParser::default().parse(&golden.octets).unwrap();
        let root = message.content_type().unwrap();
        assert_eq!(root.ctype(), "multipart", "{name}");
        assert_eq!(
            root.attribute("report-type"),
            Some("delivery-status"),
            "{name}"
        );
        let PartType::Multipart(children) = &message.parts[0].body else {
            panic!("{name}: {message:?}");
        };
        assert_eq!(children.len(), 3, "{name}");
        assert!(
            message.parts.iter().all(|part| !part.is_encoding_problem),
            "{name}"
        );
        let of = |number: usize| &message.parts[children[number] as usize];
        let kinds = [1, 2].map(|number| {
            let kind = of(number).content_type().unwrap();
            format!("{}/{}", kind.ctype(), kind.subtype().unwrap())
        });
        assert_eq!(kinds, types(&golden), "{name}");
        let status = String::from_utf8(of(1).contents().to_vec()).unwrap();
        for action in &golden.actions {
            let field = format!("Action: {action}\r\n");
            assert!(status.contains(&field), "{name}: {status}");
        }
        let text = message.body_text(0).unwrap();
        assert!(text.contains("01k0000000000000000000001"), "{name}: {text}");
        if golden.is_full {
            let returned = of(2).message();
            assert_eq!(returned.and_then(Message::subject), Some("lunch"), "{name}");
        }
    }
}
