//! Specs that were accepted, completed and stored: they can be read back whatever the limits of
//! requests, and are rendered in lines that are not too long.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod message;

use jiff::Timestamp;
use koukan_core::{message::builder::Spec, path::ReversePath};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use self::message::{any_spec::any_spec, check_lines, render, spec};

/// The spec as it is stored.
fn completed(json: &Value) -> Spec {
    let mut spec = spec(json);
    let from: ReversePath = "alice@example.com".parse().unwrap();
    spec.originate(&from).unwrap();
    spec.complete(Timestamp::UNIX_EPOCH, "mx.example.com", "unique");
    spec.replace_reuse_uris(|_, _| Ok::<_, ()>("r".repeat(300).into()))
        .unwrap();
    spec
}

fn is_read_back(json: &Value) {
    let stored = completed(json);
    let json: Value = serde_json::from_str(&stored.to_json().to_string()).unwrap();
    assert_eq!(Spec::from_stored(&json).as_ref(), Ok(&stored));
}

fn part(content_type: &str, content: Value) -> Value {
    json!({"content_type": content_type, "content": content})
}

#[test]
fn what_is_as_large_as_it_may_be_is_read_back() {
    let two = json!([{"address": "a@b"}, {"address": "c@d"}]);
    let many = |count| vec![json!(["x-a", "b"]); count];
    let mut from_two = vec![json!(["from", two])];
    from_two.extend(many(999));
    // A name and four octets for each value.
    let full = json!(["x", "y".repeat((32 << 10) - 5)]);
    let short = "abcdefghijklmnopqrstuvwxyz".repeat(8);
    let parameters: String = short
        .char_indices()
        .map(|(at, name)| format!(";{name}{at}=@"))
        .collect();
    let parameters = &format!("text/plain{parameters}")[..1024 - 40];
    let parameters = &parameters[..parameters.rfind(';').unwrap()];
    let name = "n".repeat(255);
    for json in [
        json!({"headers": many(1000)}),
        json!({"headers": from_two}),
        json!({"headers": vec![full; 8]}),
        json!({"headers": [["resent-to", "a@b,".repeat(8000)], ["x-to", "a"]]}),
        json!({"text_body": [part(parameters, json!({"inline": "x"}))]}),
        json!({"text_body": [part("text/plain", json!({"inline": "\u{1}".repeat(1 << 20)}))]}),
        json!({"file_attachments": [part("a/b", json!({"create_id": name}))]}),
        json!({"file_attachments": [
            part("a/b", json!({"reuse_uri": "/transactions/T/blob/x"})),
            part("a/b", json!({"create_id": name, "reuse_uri": "/transactions/T/blob/y"})),
        ]}),
    ] {
        is_read_back(&json);
    }
}

#[test]
fn what_requests_may_not_have_is_still_refused() {
    let headers = vec![json!(["x-a", "b"]); 1001];
    assert!(Spec::from_json(&json!({"headers": headers})).is_err());
    let stored = Spec::from_stored(&json!({"headers": headers})).unwrap();
    assert_eq!(stored.headers().len(), 1001);
    for nonsense in [json!([]), json!({"headers": [["x"]]}), json!({"x": 1})] {
        assert!(Spec::from_stored(&nonsense).is_err());
    }
}

/// Names of fields with every grammar.
const NAMES: [&str; 14] = [
    "keywords",
    "list-unsubscribe",
    "x-forwarded-to",
    "newsgroups",
    "resent-to",
    "resent-date",
    "references",
    "supersedes",
    "content-location",
    "content-description",
    "dkim-signature",
    "authentication-results",
    "subject",
    "x-any",
];

#[test]
fn lists_without_blanks_are_folded() {
    let long = "x".repeat(800);
    let addresses: Vec<_> = (0..80).map(|n| format!("user{n}@example.com")).collect();
    let groups: Vec<_> = (0..96).map(|n| format!("group.x{n:03}")).collect();
    for (name, value) in [
        ("keywords", "abcdefgh,".repeat(300)),
        (
            "list-unsubscribe",
            format!("<mailto:{long}>,<https://{long}>"),
        ),
        ("x-forwarded-to", addresses.join(",")),
        ("newsgroups", groups.join(",")),
        ("dkim-signature", "a=bcdefgh;".repeat(300)),
        ("keywords", ",".repeat(3000)),
        ("keywords", ":".repeat(3000)),
        ("keywords", "\"a\"".repeat(1000)),
        ("list-post", "<a>".repeat(1000)),
        ("auto-submitted", "(a)".repeat(1000)),
        ("auto-submitted", "a(b)".repeat(1000)),
    ] {
        let message = render(&json!({"headers": [[name, value]]}), &Vec::new());
        check_lines(&message);
        let text = String::from_utf8(message.to_vec()).unwrap();
        let (header, _) = text.split_once("\r\nMIME-Version").unwrap();
        let (_, folded) = header.split_once(':').unwrap();
        let unfolded: String = folded.split_whitespace().collect();
        assert_eq!(unfolded, value.split_whitespace().collect::<String>());
    }
}

#[test]
fn a_list_has_short_lines_where_it_can() {
    let list = format!("{}end", "abcdefgh,".repeat(30));
    for name in ["keywords", "x-forwarded-to", "list-id"] {
        let message = render(&json!({"headers": [[name, list]]}), &Vec::new());
        let text = String::from_utf8(message.to_vec()).unwrap();
        assert!(text.lines().all(|line| line.len() <= 78), "{text}");
    }
    // A value that is short enough stays as it is.
    let message = render(&json!({"headers": [["keywords", "a,b;c"]]}), &Vec::new());
    assert!(message.starts_with(b"Keywords: a,b;c\r\n"));
}

fn any_tokens() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        select(vec![
            ",", ";", ":", " ", "a@b", "<a@b>", "(c)", "\"q\"", "\"", "(", "<", "\\", "ü", "="
        ])
        .prop_map(str::to_owned),
        "[a-z]{1,120}".boxed(),
        "[a-z]{850,920}".boxed(),
        "<[a-z:/]{1,890}>".boxed(),
        "\\([a-zé ]{1,300}\\)".boxed(),
        "(,[a-z]{1,9}){1,200}".boxed(),
    ];
    vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_taken_is_read_back((json, _) in any_spec(), name in select(NAMES.to_vec()), text in any_tokens()) {
        is_read_back(&json);
        let json = json!({"headers": [[name, text]]});
        if Spec::from_json(&json).is_ok() {
            is_read_back(&json);
        }
    }

    #[test]
    fn no_line_of_any_grammar_is_too_long(name in select(NAMES.to_vec()), text in any_tokens()) {
        let json = json!({"headers": [[name, text]]});
        if Spec::from_json(&json).is_ok() {
            check_lines(&render(&json, &Vec::new()));
        }
    }
}
