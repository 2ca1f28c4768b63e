//! Refusals, and the fields that they name.

use koukan_core::resource::{Refusal, RefusalKind};
use koukan_rest::schema::{append_from_json, create_from_json};
use rstest::rstest;
use serde_json::{Value, json};

fn create(value: Value) -> Refusal {
    create_from_json(&value, "submission").unwrap_err()
}

#[rstest]
#[case(json!({"sender": "submission"}), "sender")]
#[case(json!({"sender": {"name": "other"}}), "sender.name")]
#[case(json!({"sender": {"name": 1}}), "sender.name")]
#[case(json!({"sender": {"name": null}}), "sender.name")]
#[case(json!({"smtp_meta": null}), "smtp_meta")]
#[case(json!({"remote_host": null}), "remote_host")]
#[case(json!({"sender": {"name": "submission", "tag": null}}), "sender.tag")]
#[case(json!({"sender": {"name": "submission", "tag": ""}}), "sender.tag")]
#[case(json!({"sender": {"name": "submission", "x": 1}}), "sender.x")]
#[case(json!({"remote_host": "192.0.2.1:25"}), "remote_host")]
#[case(json!({"remote_host": []}), "remote_host")]
#[case(json!({"remote_host": ["192.0.2.1"]}), "remote_host")]
#[case(json!({"remote_host": ["192.0.2.1", 25, 26]}), "remote_host")]
#[case(json!({"remote_host": ["[::1]", 25]}), "remote_host[0]")]
#[case(json!({"remote_host": ["a b", 25]}), "remote_host[0]")]
#[case(json!({"remote_host": [1, 25]}), "remote_host[0]")]
#[case(json!({"local_host": ["192.0.2.1", 65536]}), "local_host[1]")]
#[case(json!({"local_host": ["192.0.2.1", "25"]}), "local_host[1]")]
#[case(json!({"local_host": ["192.0.2.1", -1]}), "local_host[1]")]
#[case(json!({"smtp_meta": []}), "smtp_meta")]
#[case(json!({"smtp_meta": {"ehlo_host": ""}}), "smtp_meta.ehlo_host")]
#[case(json!({"smtp_meta": {"ehlo_host": "a\r\nb"}}), "smtp_meta.ehlo_host")]
#[case(json!({"smtp_meta": {"esmtp": 1}}), "smtp_meta.esmtp")]
#[case(json!({"smtp_meta": {"auth": "yes"}}), "smtp_meta.auth")]
#[case(json!({"smtp_meta": {"x": 1}}), "smtp_meta.x")]
#[case(json!({"send_at": null}), "send_at")]
#[case(json!({"send_at": "tomorrow"}), "send_at")]
#[case(json!({"send_at": "2030-01-31"}), "send_at")]
#[case(json!({"send_at": 3600}), "send_at")]
#[case(json!({"send_at": 1900000000.5}), "send_at")]
#[case(json!({"send_at": 999999999999u64}), "send_at")]
#[case(json!({"mail_from": null}), "mail_from")]
#[case(json!({"mail_from": "alice@example.com"}), "mail_from")]
#[case(json!({"mail_from": {}}), "mail_from.m")]
#[case(json!({"mail_from": {"m": null}}), "mail_from.m")]
#[case(json!({"mail_from": {"m": "<alice@example.com>"}}), "mail_from.m")]
#[case(json!({"mail_from": {"m": "alice"}}), "mail_from.m")]
#[case(json!({"mail_from": {"m": "", "e": {}}}), "mail_from.e")]
#[case(json!({"mail_from": {"m": "", "e": []}}), "mail_from.e")]
#[case(json!({"mail_from": {"m": "", "e": [{}]}}), "mail_from.e[0].k")]
#[case(json!({"mail_from": {"m": "", "e": [{"k": "SIZE", "p": 1}]}}), "mail_from.e[0].p")]
#[case(json!({"mail_from": {"m": "", "e": [{"k": "A"}, {"k": "a"}]}}), "mail_from.e[1]")]
#[case(json!({"mail_from": {"m": "", "e": [{"k": "A B"}]}}), "mail_from.e[0]")]
#[case(json!({"mail_from": {"m": "", "e": [{"k": "A", "p": "b\r\n"}]}}), "mail_from.e[0]")]
#[case(json!({"mail_from": {"m": "", "e": [{"k": "A", "keyword": "A"}]}}), "mail_from.e[0].keyword")]
#[case(json!({"mail_from": {"m": "", "e": [{"k": "A", "x": 1}]}}), "mail_from.e[0].x")]
#[case(json!({"mail_from": {"m": "", "e": [{"k": "RET", "p": "ALL"}]}}), "mail_from.e")]
#[case(json!({"mail_from": {"m": "", "e": [{"k": "ENVID", "p": "a+"}]}}), "mail_from.e")]
#[case(json!({"rcpt_to": [{"m": "a@b", "e": [{"k": "NOTIFY", "p": "X"}]}]}), "rcpt_to[0].e")]
#[case(json!({"rcpt_to": [{"m": "a@b", "e": [{"k": "NOTIFY"}]}]}), "rcpt_to[0].e")]
#[case(json!({"rcpt_to": [{"m": "a@b", "e": [{"k": "ORCPT", "p": "c@d"}]}]}), "rcpt_to[0].e")]
#[case(json!({"mail_from": {"m": "", "x": 1}}), "mail_from.x")]
#[case(json!({"rcpt_to": []}), "rcpt_to")]
#[case(json!({"rcpt_to": null}), "rcpt_to")]
#[case(json!({"rcpt_to": "bob@example.com"}), "rcpt_to")]
#[case(json!({"rcpt_to": [{"m": "bob@example.com"}, {"m": ""}]}), "rcpt_to[1].m")]
#[case(json!({"rcpt_to": [{"m": "bob"}]}), "rcpt_to[0].m")]
#[case(json!({"rcpt_to": {"m": "bob"}}), "rcpt_to.m")]
#[case(json!({"rcpt_to": [null]}), "rcpt_to[0]")]
#[case(json!({"rcpt_to_list_offset": 0}), "rcpt_to_list_offset")]
#[case(json!({"body": null}), "body")]
#[case(json!({"body": {}}), "body")]
#[case(json!({"body": "Subject: hi"}), "body")]
#[case(json!({"body": {"inline": "a", "reuse_uri": "/transactions/T/body"}}), "body")]
#[case(json!({"body": {"inline": 1}}), "body.inline")]
#[case(json!({"body": {"reuse_uri": "elsewhere"}}), "body.reuse_uri")]
#[case(json!({"body": {"message_builder": "x"}}), "body.message_builder")]
#[case(json!({"body": {"blob_status": {}}}), "body.blob_status")]
#[case(json!({"retry": true}), "retry")]
#[case(json!({"notification": null}), "notification")]
#[case(json!({"retry": {"max_attempts": 3}}), "retry.max_attempts")]
#[case(json!({"retry": {"deadline": null}}), "retry.deadline")]
#[case(json!({"retry": {"host": "x"}}), "retry.host")]
#[case(json!({"notification": {"host": "x", "to": "y"}}), "notification.to")]
#[case(json!({"filter_output": []}), "filter_output")]
#[case(json!({"mail_response": {}}), "mail_response")]
#[case(json!({"rcpt_response": []}), "rcpt_response")]
#[case(json!({"data_response": {}}), "data_response")]
#[case(json!({"attempt_count": 0}), "attempt_count")]
#[case(json!({"final_attempt_reason": "x"}), "final_attempt_reason")]
#[case(json!({"cancelled": true}), "cancelled")]
#[case(json!({"bogus": 1}), "bogus")]
#[case(json!({"": 1}), "")]
fn a_create_is_refused(#[case] value: Value, #[case] field: &str) {
    let refusal = create(value);
    assert_eq!(refusal.kind, RefusalKind::Malformed);
    assert_eq!(refusal.field.as_deref().unwrap_or_default(), field);
    assert!(!refusal.detail.is_empty());
}

#[rstest]
#[case(json!({"rcpt_to_list_offset": -1}), "rcpt_to_list_offset")]
#[case(json!({"rcpt_to_list_offset": null}), "rcpt_to_list_offset")]
#[case(json!({"sender": {"name": "submission"}}), "sender")]
#[case(json!({"remote_host": ["192.0.2.1", 25]}), "remote_host")]
#[case(json!({"local_host": ["192.0.2.1", 25]}), "local_host")]
#[case(json!({"smtp_meta": {}}), "smtp_meta")]
#[case(json!({"attempt_count": 1}), "attempt_count")]
#[case(json!({"mail_from": {}}), "mail_from.m")]
fn a_patch_is_refused(#[case] value: Value, #[case] field: &str) {
    let refusal = append_from_json(&value).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Malformed);
    assert_eq!(refusal.field.as_deref(), Some(field));
}

#[rstest]
#[case(json!(null))]
#[case(json!([]))]
#[case(json!("x"))]
fn what_is_not_an_object_is_refused_as_a_whole(#[case] value: Value) {
    assert_eq!(append_from_json(&value).unwrap_err().field, None);
    assert_eq!(create(value).field, None);
}

#[test]
fn the_detail_says_what_to_change() {
    let detail = |value| create(value).to_string();
    assert_eq!(
        detail(json!({"rcpt_to": []})),
        "rcpt_to: must not be empty; leave it out instead"
    );
    assert_eq!(
        detail(json!({"rcpt_to_list_offset": null})),
        "rcpt_to_list_offset: belongs in a PATCH; in a create, leave it out"
    );
    assert_eq!(
        detail(json!({"mail_from": {"m": "alice"}})),
        "mail_from.m: must be an address, as in alice@example.com: \
         no @ between local part and domain"
    );
    assert_eq!(
        detail(json!({"attempt_count": 1})),
        "attempt_count: is set by the server; leave it out"
    );
}
