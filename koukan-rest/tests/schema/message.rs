//! Messages in the flat form: the resulting messages, refusals, and the fields that refusals name.

use koukan_core::{
    message::builder::Spec,
    resource::{BodySource, Draft, RefusalKind},
};
use koukan_rest::schema::{BATCH_MAX, message_from_json, messages_from_json};
use rstest::rstest;
use serde_json::{Value, json};

fn read(value: &Value) -> Draft {
    message_from_json(value, "submission").unwrap().1
}

fn recipients(draft: &Draft) -> Vec<&str> {
    let rcpts = draft.rcpt_to.iter();
    rcpts.map(|rcpt| rcpt.forward_path.as_str()).collect()
}

/// The description of the message that is made.
fn description(draft: &Draft) -> &Value {
    let Some(BodySource::MessageBuilder(json)) = &draft.body else {
        panic!("it is described");
    };
    assert!(Spec::from_json(json).is_ok());
    json
}

/// A message in which these fields replace others.
fn with(fields: Value) -> Value {
    let mut message =
        json!({"from": "alice@example.com", "to": "bob@example.com", "text": "hello"});
    for (name, value) in fields.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

#[test]
fn all_that_can_be_said_is_in_the_message_and_in_its_envelope() {
    let message = json!({
        "sender": {"tag": "smtp-msa"},
        "from": {"address": "alice@example.com", "display_name": "Älice"},
        "to": [{"address": "bob@example.com", "display_name": "Bob"}, "carol@example.com"],
        "cc": "dave@example.com",
        "bcc": ["erin@example.com"],
        "reply_to": "support@example.com",
        "subject": "Grüße",
        "text": "hello\n",
        "html": "<img src=\"cid:cat\">",
        "attachments": [
            {"filename": "cat.png", "content_type": "image/png", "content_id": "cat", "base64": "AAEC/w=="},
            {"filename": "r.bin", "reuse_uri": "/transactions/T/blob/r"},
        ],
        "headers": {"X-Campaign": "spring", "In-Reply-To": "<a@b> <c@d>"},
        "send_at": "2030-01-31T12:00:00Z",
    });
    let (sender, draft) = message_from_json(&message, "submission").unwrap();
    assert_eq!(
        (&*sender.name, sender.tag.as_deref()),
        ("submission", Some("smtp-msa"))
    );
    assert_eq!(
        draft.mail_from.as_ref().unwrap().reverse_path.as_str(),
        "alice@example.com"
    );
    let all = [
        "bob@example.com",
        "carol@example.com",
        "dave@example.com",
        "erin@example.com",
    ];
    assert_eq!(recipients(&draft), all);
    assert_eq!(draft.send_at.unwrap().to_string(), "2030-01-31T12:00:00Z");
    let expected = json!({
        "headers": [
            ["from", [{"display_name": "Älice", "address": "alice@example.com"}]],
            ["to", [{"display_name": "Bob", "address": "bob@example.com"}, {"address": "carol@example.com"}]],
            ["cc", [{"address": "dave@example.com"}]],
            ["reply-to", [{"address": "support@example.com"}]],
            ["subject", "Grüße"],
            ["In-Reply-To", ["a@b", "c@d"]],
            ["X-Campaign", "spring"],
        ],
        "text_body": [
            {"content_type": "text/plain", "content": {"inline": "hello\n"}},
            {"content_type": "text/html", "content": {"inline": "<img src=\"cid:cat\">"}},
        ],
        "related_attachments": [{
            "content_type": "image/png", "filename": "cat.png", "content_id": "cat",
            "content": {"base64": "AAEC/w=="},
        }],
        "file_attachments": [{
            "content_type": "application/octet-stream", "filename": "r.bin",
            "content": {"reuse_uri": "/transactions/T/blob/r"},
        }],
    });
    assert_eq!(description(&draft), &expected);
    assert!(!description(&draft).to_string().contains("erin"));
}

#[test]
fn little_is_enough() {
    let draft = read(&json!({"from": "a@example.com", "bcc": "b@example.com", "html": "x"}));
    assert_eq!(recipients(&draft), ["b@example.com"]);
    assert_eq!(description(&draft)["headers"].as_array().unwrap().len(), 1);
    let utf8 = read(&with(json!({"to": "用户@例え.jp"})));
    assert_eq!(recipients(&utf8), ["用户@例え.jp"]);
    // Local parts are case-sensitive.
    let both = read(&with(json!({"to": ["bob@example.com", "Bob@example.com"]})));
    assert_eq!(both.rcpt_to.len(), 2);
    let file = json!({"attachments": [{"base64": ""}], "text": ""});
    assert!(read(&with(file)).body.is_some());
}

#[rstest]
#[case(json!({"from": null}), "from")]
#[case(json!({"from": ""}), "from")]
#[case(json!({"from": "alice"}), "from")]
#[case(json!({"from": ["alice@example.com"]}), "from")]
#[case(json!({"from": "Alice <alice@example.com>"}), "from")]
#[case(json!({"from": "a@example.com\r\nBcc: eve@example.com"}), "from")]
#[case(json!({"from": {"display_name": "Alice"}}), "from.address")]
#[case(json!({"from": {"address": "alice@example.com", "display_name": "A\r\nBcc: eve@example.com"}}), "from.display_name")]
#[case(json!({"from": {"address": "alice@example.com", "name": "Alice"}}), "from.name")]
#[case(json!({"to": []}), "to")]
#[case(json!({"to": {}}), "to.address")]
#[case(json!({"to": 1}), "to")]
#[case(json!({"to": ["bob@example.com", "bob"]}), "to[1]")]
#[case(json!({"to": ["bob@example.com", "bob@EXAMPLE.com"]}), "to[1]")]
#[case(json!({"to": "postmaster"}), "to")]
#[case(json!({"cc": "bob@example.com"}), "cc")]
#[case(json!({"bcc": ["c@example.com", {"address": "bob@example.com"}]}), "bcc[1]")]
#[case(json!({"reply_to": "x"}), "reply_to")]
#[case(json!({"subject": 1}), "subject")]
#[case(json!({"subject": "hi\r\nBcc: eve@example.com"}), "subject")]
#[case(json!({"subject": "hi\nthere"}), "subject")]
#[case(json!({"subject": "hi\u{0}"}), "subject")]
#[case(json!({"text": {"inline": "x"}}), "text")]
#[case(json!({"html": null}), "html")]
#[case(json!({"headers": []}), "headers")]
#[case(json!({"headers": {"X-Tag": 1}}), "headers.X-Tag")]
#[case(json!({"headers": {"X-Tag": "a\r\nBcc: eve@example.com"}}), "headers.X-Tag")]
#[case(json!({"headers": {"X Tag": "a"}}), "headers.X Tag")]
#[case(json!({"headers": {"X-Tag: a\r\nBcc": "eve@example.com"}}), "headers.X-Tag: a\r\nBcc")]
#[case(json!({"headers": {"Bcc": "eve@example.com"}}), "headers.Bcc")]
#[case(json!({"headers": {"Subject": "x"}}), "headers.Subject")]
#[case(json!({"headers": {"date": "x"}}), "headers.date")]
#[case(json!({"headers": {"Content-Type": "text/html"}}), "headers.Content-Type")]
#[case(json!({"headers": {"References": "<a@b> <>"}}), "headers.References")]
#[case(json!({"attachments": []}), "attachments")]
#[case(json!({"attachments": [{}]}), "attachments[0]")]
#[case(json!({"attachments": [{"base64": "AA==", "reuse_uri": "/x"}]}), "attachments[0]")]
#[case(json!({"attachments": [{"base64": "AA=="}, {"base64": "a b"}]}), "attachments[1].base64")]
#[case(json!({"attachments": [{"base64": "AA==", "content_type": "x"}]}), "attachments[0].content_type")]
#[case(json!({"attachments": [{"base64": "AA==", "filename": "a\r\nb"}]}), "attachments[0].filename")]
#[case(json!({"attachments": [{"base64": "AA==", "filename": ""}]}), "attachments[0].filename")]
#[case(json!({"attachments": [{"base64": "AA==", "content_id": "a b"}]}), "attachments[0].content_id")]
#[case(json!({"attachments": [{"base64": "AA==", "content": {}}]}), "attachments[0].content")]
#[case(json!({"send_at": "tomorrow"}), "send_at")]
#[case(json!({"sender": {"name": "other"}}), "sender.name")]
#[case(json!({"mail_from": {"m": ""}}), "mail_from")]
fn what_is_wrong_is_refused_by_its_field(#[case] fields: Value, #[case] field: &str) {
    let refusal = message_from_json(&with(fields), "submission").unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Malformed);
    assert_eq!(refusal.field.as_deref(), Some(field), "{refusal}");
    assert!(!refusal.detail.is_empty());
}

#[test]
fn what_is_missing_is_named() {
    for (message, field) in [
        (json!({"to": "bob@example.com", "text": "x"}), "from"),
        (json!({"from": "alice@example.com", "text": "x"}), "to"),
        (
            json!({"from": "alice@example.com", "to": "bob@example.com"}),
            "text",
        ),
    ] {
        let refusal = message_from_json(&message, "submission").unwrap_err();
        assert_eq!(refusal.field.as_deref(), Some(field), "{refusal}");
    }
    assert!(message_from_json(&json!([]), "submission").is_err());
}

#[test]
fn each_of_a_batch_is_read_by_itself() {
    let batch = json!({"messages": [with(json!({})), with(json!({"to": "x"})), 1]});
    let read = messages_from_json(&batch, "submission").unwrap();
    let fields: Vec<_> = read
        .iter()
        .map(|read| {
            read.as_ref()
                .map_err(|refusal| refusal.field.as_deref())
                .err()
        })
        .collect();
    assert_eq!(fields, [None, Some(Some("to")), Some(None)]);
    let many = vec![with(json!({})); BATCH_MAX + 1];
    for (batch, field) in [
        (json!({"messages": many}), Some("messages")),
        (json!({"messages": []}), Some("messages")),
        (json!({"messages": {}}), Some("messages")),
        (json!({"message": []}), Some("message")),
        (json!({}), Some("messages")),
        (json!([]), None),
    ] {
        let refusal = messages_from_json(&batch, "submission").unwrap_err();
        assert_eq!(refusal.field.as_deref(), field, "{refusal}");
    }
    let most = vec![with(json!({})); BATCH_MAX];
    assert_eq!(
        messages_from_json(&json!({"messages": most}), "s")
            .unwrap()
            .len(),
        BATCH_MAX
    );
}
