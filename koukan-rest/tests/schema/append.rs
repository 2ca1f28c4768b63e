//! Additions to a transaction.

use koukan_core::{
    resource::{Draft, SmtpMeta},
    signals::HostPort,
};
use koukan_rest::schema::{append_from_json, append_to_json};
use serde_json::json;

#[test]
fn an_empty_object_is_a_heartbeat() {
    let (draft, offset) = append_from_json(&json!({})).unwrap();
    assert!(draft.is_empty());
    assert_eq!(offset, None);
    assert_eq!(append_to_json(&draft, offset), json!({}));
}

#[test]
fn every_field_goes_both_ways() {
    let value = json!({
        "mail_from": {"m": "alice@example.com"},
        "rcpt_to": [{"m": "bob@example.com"}],
        "rcpt_to_list_offset": 3,
        "body": {"reuse_uri": "/transactions/T/body"},
        "retry": {},
        "notification": {},
        "filter_output": {"spf": {}},
    });
    let (draft, offset) = append_from_json(&value).unwrap();
    assert_eq!(offset, Some(3));
    assert_eq!(append_to_json(&draft, offset), value);
}

#[test]
fn facts_of_the_session_are_not_written() {
    let host = HostPort {
        host: "192.0.2.1".into(),
        port: 25,
    };
    let draft = Draft {
        remote_host: Some(host.clone()),
        local_host: Some(host),
        smtp_meta: Some(SmtpMeta::default()),
        ..Draft::default()
    };
    assert_eq!(append_to_json(&draft, None), json!({}));
}
