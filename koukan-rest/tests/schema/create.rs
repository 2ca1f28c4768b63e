//! Creates.

use koukan_core::{
    context::Sender,
    path::ForwardPath,
    resource::{BodySource, Draft, Location, SmtpMeta},
    signals::HostPort,
};
use koukan_rest::schema::{create_from_json, create_to_json};
use serde_json::{Value, json};

fn read(value: &Value) -> (Sender, Draft) {
    create_from_json(value, "submission").unwrap()
}

fn draft(value: Value) -> Draft {
    read(&value).1
}

fn full() -> Value {
    json!({
        "sender": {"name": "submission", "tag": "bulk"},
        "remote_host": ["2001:db8::1", 49152],
        "local_host": ["192.0.2.1", 587],
        "smtp_meta": {"ehlo_host": "[192.0.2.7]", "esmtp": true, "tls": true, "auth": false},
        "mail_from": {"m": "alice@example.com", "e": [{"k": "SIZE", "p": "1000"}, {"k": "SMTPUTF8"}]},
        "rcpt_to": [{"m": "bob@example.com"}, {"m": "用户@例え.jp", "e": [{"k": "NOTIFY", "p": "NEVER"}]}],
        "body": {"inline": "Subject: hi\r\n\r\nhello"},
        "retry": {},
        "notification": {},
        "filter_output": {"spf": {"result": "pass"}},
    })
}

#[test]
fn it_is_sent_at_a_time_or_at_seconds_since_1970() {
    let at: jiff::Timestamp = "2030-03-17T17:46:40Z".parse().unwrap();
    for value in [
        json!("2030-03-17T17:46:40Z"),
        json!("2030-03-17T18:46:40+01:00"),
        json!(1_900_000_000),
    ] {
        let draft = draft(json!({"send_at": value}));
        assert_eq!(draft.send_at, Some(at), "{value}");
    }
}

#[test]
fn every_field_is_read() {
    let (sender, draft) = read(&full());
    assert_eq!(&*sender.name, "submission");
    assert_eq!(sender.tag.as_deref(), Some("bulk"));
    let host = |host: &str, port| HostPort {
        host: host.into(),
        port,
    };
    assert_eq!(draft.remote_host, Some(host("2001:db8::1", 49152)));
    assert_eq!(draft.local_host, Some(host("192.0.2.1", 587)));
    let meta = SmtpMeta {
        ehlo_host: Some("[192.0.2.7]".into()),
        is_esmtp: true,
        has_tls: true,
        is_authenticated: false,
    };
    assert_eq!(draft.smtp_meta, Some(meta));
    let mail = draft.mail_from.unwrap();
    assert_eq!(mail.reverse_path.as_str(), "alice@example.com");
    assert_eq!(mail.parameters.size(), Some(1000));
    assert!(mail.parameters.is_smtputf8());
    assert_eq!(draft.rcpt_to.len(), 2);
    assert_eq!(draft.rcpt_to[1].forward_path.as_str(), "用户@例え.jp");
    let notify = draft.rcpt_to[1].parameters.get("notify").unwrap();
    assert_eq!(notify.value(), Some("NEVER"));
    let message = "Subject: hi\r\n\r\nhello".into();
    assert_eq!(draft.body, Some(BodySource::Inline(message)));
    assert_eq!((draft.retry, draft.notification), (Some(true), Some(true)));
    assert_eq!(draft.filter_output["spf"], json!({"result": "pass"}));
}

#[test]
fn every_field_is_written_as_it_was_read() {
    let (sender, draft) = read(&full());
    assert_eq!(create_to_json(&sender, &draft), full());
}

#[test]
fn nothing_is_required() {
    let (sender, draft) = read(&json!({}));
    assert_eq!((&*sender.name, sender.tag), ("submission", None));
    assert!(draft.is_empty());
}

#[test]
fn the_sender_is_written_even_of_an_empty_draft() {
    let (sender, draft) = read(&json!({}));
    let written = json!({"sender": {"name": "submission"}});
    assert_eq!(create_to_json(&sender, &draft), written);
}

#[test]
fn a_single_recipient_is_a_list_of_one() {
    let single = draft(json!({"rcpt_to": {"m": "bob@example.com"}}));
    let list = draft(json!({"rcpt_to": [{"m": "bob@example.com"}]}));
    assert_eq!(single, list);
}

#[test]
fn parameters_go_by_long_names_too() {
    let long = json!({"m": "", "e": [{"keyword": "SIZE", "value": "1"}]});
    let short = json!({"m": "", "e": [{"k": "SIZE", "p": "1"}]});
    let [long, short] = [long, short].map(|mail| draft(json!({"mail_from": mail})));
    assert_eq!(long, short);
}

#[test]
fn the_null_reverse_path_is_empty() {
    let draft = draft(json!({"mail_from": {"m": ""}}));
    assert!(draft.mail_from.unwrap().reverse_path.is_null());
}

#[test]
fn the_postmaster_needs_no_domain() {
    let draft = draft(json!({"rcpt_to": [{"m": "Postmaster"}]}));
    assert_eq!(draft.rcpt_to[0].forward_path, ForwardPath::Postmaster);
}

#[test]
fn a_message_is_shared_or_built() {
    let shared = draft(json!({"body": {"reuse_uri": "/transactions/T/body"}}));
    let uri = Location::new("/transactions/T/body");
    assert_eq!(shared.body, Some(BodySource::Reuse(uri)));
    let spec = json!({"headers": [["subject", "hello"]]});
    let built = draft(json!({"body": {"message_builder": spec}}));
    assert_eq!(built.body, Some(BodySource::MessageBuilder(spec)));
}

#[test]
fn facts_that_are_left_out_are_false() {
    let draft = draft(json!({"smtp_meta": {}}));
    assert_eq!(draft.smtp_meta, Some(SmtpMeta::default()));
}

#[test]
fn any_object_enables() {
    let draft = draft(json!({"notification": {"host": "msa-output"}}));
    assert_eq!((draft.retry, draft.notification), (None, Some(true)));
}

#[test]
fn what_has_no_json_is_left_out() {
    let (sender, _) = read(&json!({}));
    let draft = Draft {
        body: Some(BodySource::Inline(b"\xff"[..].into())),
        retry: Some(false),
        notification: Some(false),
        ..Draft::default()
    };
    let written = json!({"sender": {"name": "submission"}});
    assert_eq!(create_to_json(&sender, &draft), written);
}

#[test]
fn facts_that_are_not_known_may_be_null() {
    let facts = |meta: Value| {
        let (_, draft) = create_from_json(&json!({"smtp_meta": meta}), "gateway").unwrap();
        draft.smtp_meta.unwrap()
    };
    let told = json!({"ehlo_host": "client.example", "esmtp": true, "tls": false, "auth": null});
    let meta = facts(told);
    assert_eq!(meta.ehlo_host.as_deref(), Some("client.example"));
    assert!(meta.is_esmtp && !meta.has_tls && !meta.is_authenticated);
    let nothing = json!({"ehlo_host": null, "esmtp": null, "tls": null, "auth": null});
    assert_eq!(facts(nothing), facts(json!({})));
}

#[test]
fn a_sender_may_be_its_tag_alone() {
    let (sender, _) = create_from_json(&json!({"sender": {"tag": "mx"}}), "gateway").unwrap();
    assert_eq!(sender.to_string(), "gateway/mx");
    let (sender, _) = create_from_json(&json!({"sender": {}}), "gateway").unwrap();
    assert_eq!(sender.to_string(), "gateway");
}
