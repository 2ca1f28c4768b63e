//! Replies.

use koukan_core::reply::{Reply, ReplyCode};
use koukan_rest::schema::{reply_from_json, reply_to_json};
use rstest::rstest;
use serde_json::{Value, json};

fn without_enhanced(code: u16, text: &'static str) -> Reply {
    Reply::new(ReplyCode::new(code).unwrap(), None, text)
}

#[rstest]
#[case(Reply::ok(), json!({"code": 250, "message": "2.0.0 ok"}))]
#[case(Reply::ok().with_text(""), json!({"code": 250, "message": "2.0.0"}))]
#[case(Reply::no_such_user().with_text("a\nb"), json!({"code": 550, "message": "5.1.1 a\nb"}))]
#[case(without_enhanced(250, "ok"), json!({"code": 250, "message": "ok"}))]
#[case(without_enhanced(354, "go on"), json!({"code": 354, "message": "go on"}))]
#[case(without_enhanced(250, "5.1.1 odd"), json!({"code": 250, "message": "5.1.1 odd"}))]
#[case(without_enhanced(250, ""), json!({"code": 250, "message": ""}))]
fn a_reply_goes_both_ways(#[case] reply: Reply, #[case] value: Value) {
    assert_eq!(reply_to_json(&reply), value);
    assert_eq!(reply_from_json(&value), Some(reply));
}

#[rstest]
#[case(json!({"code": 250}), without_enhanced(250, ""))]
#[case(json!({"code": 250, "message": null}), without_enhanced(250, ""))]
#[case(json!({"code": 250, "message": "2.0.0 ok", "x": 1}), Reply::ok())]
#[case(
    json!({"code": 550, "message": "5.1.1 no\n5.1.1 such\r\n5.1.1 user"}),
    Reply::no_such_user().with_text("no\nsuch\nuser")
)]
fn a_foreign_reply_is_read(#[case] value: Value, #[case] reply: Reply) {
    assert_eq!(reply_from_json(&value), Some(reply));
}

#[rstest]
#[case(json!(null))]
#[case(json!(250))]
#[case(json!({}))]
#[case(json!({"message": "2.0.0 ok"}))]
#[case(json!({"code": "250"}))]
#[case(json!({"code": 99}))]
#[case(json!({"code": 600}))]
#[case(json!({"code": 65786}))]
#[case(json!({"code": -250}))]
fn without_a_code_there_is_no_reply(#[case] value: Value) {
    assert_eq!(reply_from_json(&value), None);
}
