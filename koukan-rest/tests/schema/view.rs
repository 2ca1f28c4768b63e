//! Transactions as readers see them.

use koukan_core::{
    context::Sender,
    path::{ForwardPath, ReversePath},
    reply::Reply,
    resource::{
        BlobStatus, BodyView, BuilderView, Details, ListedTransaction, Location, RecipientState,
        RecipientView, TransactionsListed, View,
    },
    transaction::{Mail, Rcpt},
};
use koukan_rest::schema::{
    InvalidView, full_view_to_json, listed_to_json, view_from_json, view_to_json,
};
use rstest::rstest;
use serde_json::{Value, json};

fn absolute(location: &Location) -> String {
    format!("http://a{location}")
}

fn blob(uri: &str, finalized: bool) -> BlobStatus {
    BlobStatus {
        uri: Location::new(uri),
        finalized,
    }
}

fn read(value: Value) -> View {
    view_from_json(&value).unwrap()
}

fn full() -> Value {
    json!({
        "sender": {},
        "remote_host": ["2001:db8::1", 2525],
        "local_host": ["mx.example.com", 25],
        "mail_from": {},
        "rcpt_to": [{}, {}],
        "body": {
            "blob_status": {"uri": "http://a/transactions/T/body", "finalized": true},
            "message_builder": {
                "uri": "http://a/transactions/T/message_builder",
                "blob_status": {
                    "a": {"uri": "http://a/transactions/T/blob/a"},
                    "b": {"uri": "http://a/transactions/T/blob/b", "finalized": true},
                },
            },
        },
        "mail_response": {"code": 250, "message": "2.1.0 sender ok"},
        "rcpt_response": [{"code": 250, "message": "2.1.5 recipient ok"}],
        "data_response": {"code": 550, "message": "5.1.1 no such user here"},
        "attempt_count": 2,
        "final_attempt_reason": "upstream response success",
        "retry": {},
        "notification": {},
        "cancelled": true,
        "filter_output": {"spf": {"result": "pass"}},
    })
}

#[test]
fn every_field_goes_both_ways() {
    let view = read(full());
    assert!(view.has_sender && view.has_mail_from);
    assert_eq!(view.rcpt_to, 2);
    assert_eq!(view.rcpt_response, [Reply::recipient_ok()]);
    assert_eq!(view.data_response, Some(Reply::no_such_user()));
    assert_eq!(view.attempt_count, 2);
    assert!(view.is_final() && view.retry && view.notification && view.cancelled);
    let as_it_is = |location: &Location| location.to_string();
    assert_eq!(full_view_to_json(&view, as_it_is), full());
    // Clients that accept only the documented fields would refuse a filter's output.
    let mut stock = full();
    stock["filter_output"] = json!({});
    assert_eq!(view_to_json(&view, as_it_is), stock);
}

fn detailed() -> View {
    let mail = Mail::new("alice@example.com".parse::<ReversePath>().unwrap());
    let rcpt = Rcpt::new("bob@example.com".parse::<ForwardPath>().unwrap());
    View {
        has_sender: true,
        has_mail_from: true,
        rcpt_to: 1,
        details: Some(Box::new(Details {
            location: Location::of_transaction("T"),
            created: "2026-01-02T03:04:05Z".parse().unwrap(),
            sender: Sender::new("app").with_tag("x"),
            mail_from: Some(mail),
            recipients: vec![RecipientView {
                rcpt,
                state: RecipientState::Deferred,
                reply: Some(Reply::mailbox_busy()),
            }],
            next_attempt: Some("2026-01-02T03:05:00Z".parse().unwrap()),
            send_at: Some("2026-01-02T03:04:30Z".parse().unwrap()),
        })),
        ..View::default()
    }
}

#[test]
fn the_full_view_has_details_and_the_other_none() {
    let placeholders = json!({"sender": {}, "mail_from": {}, "rcpt_to": [{}]});
    assert_eq!(view_to_json(&detailed(), absolute), placeholders);
    let mut full = placeholders;
    full["id"] = json!("T");
    full["uri"] = json!("http://a/transactions/T");
    full["created"] = json!("2026-01-02T03:04:05Z");
    full["next_attempt"] = json!("2026-01-02T03:05:00Z");
    full["send_at"] = json!("2026-01-02T03:04:30Z");
    let busy = koukan_rest::schema::reply_to_json(&Reply::mailbox_busy());
    let enhanced = Reply::mailbox_busy().enhanced().unwrap().to_string();
    full["recipients"] = json!([{
        "address": "bob@example.com",
        "state": "deferred",
        "reply": {"code": busy["code"], "message": busy["message"], "enhanced": enhanced},
    }]);
    assert_eq!(full_view_to_json(&detailed(), absolute), full);
}

#[test]
fn a_list_shows_envelopes() {
    let listed = TransactionsListed {
        transactions: vec![ListedTransaction {
            location: Location::of_transaction("T"),
            created: "2026-01-02T03:04:05Z".parse().unwrap(),
            view: Box::new(detailed()),
        }],
        next: None,
    };
    let list = listed_to_json(&listed, absolute);
    let item = &list["transactions"][0];
    assert_eq!(item["sender"], json!({"name": "app", "tag": "x"}));
    assert_eq!(item["mail_from"], json!({"m": "alice@example.com"}));
    assert_eq!(item["rcpt_to"], json!([{"m": "bob@example.com"}]));
    assert_eq!(item["recipients"][0]["state"], "deferred");
    assert_eq!(item["next_attempt"], "2026-01-02T03:05:00Z");
    assert_eq!(item["id"], "T");
}

#[test]
fn nothing_is_written_of_nothing() {
    assert_eq!(view_to_json(&View::default(), absolute), json!({}));
    assert_eq!(read(json!({})), View::default());
}

#[test]
fn every_uri_is_made_absolute() {
    let view = View {
        body: Some(BodyView {
            blob_status: Some(blob("/transactions/T/body", false)),
            message_builder: Some(BuilderView {
                uri: Some(Location::new("/transactions/T/message_builder")),
                blob_status: Some(vec![("a".into(), blob("/transactions/T/blob/a", true))]),
            }),
        }),
        ..View::default()
    };
    let body = json!({
        "blob_status": {"uri": "http://a/transactions/T/body"},
        "message_builder": {
            "uri": "http://a/transactions/T/message_builder",
            "blob_status": {"a": {"uri": "http://a/transactions/T/blob/a", "finalized": true}},
        },
    });
    assert_eq!(view_to_json(&view, absolute), json!({"body": body}));
}

#[test]
fn null_is_as_good_as_nothing() {
    let Value::Object(full) = full() else {
        unreachable!()
    };
    let nulls: Value = full
        .keys()
        .map(|name| (name.as_str(), Value::Null))
        .collect();
    assert_eq!(read(nulls), View::default());
}

#[test]
fn unknown_fields_are_ignored() {
    let value = json!({"x": 1, "body": {"y": 2}, "mail_from": {"m": "alice@example.com"}});
    let view = read(value);
    assert!(view.has_mail_from);
    assert_eq!(view.body, Some(BodyView::default()));
}

#[test]
fn an_unfinished_blob_may_say_so() {
    let body = json!({"blob_status": {"uri": "/b", "finalized": false}});
    let body = read(json!({"body": body})).body.unwrap();
    assert_eq!(body.blob_status, Some(blob("/b", false)));
}

#[test]
fn a_blob_without_a_uri_is_none() {
    let body = json!({"blob_status": {}, "message_builder": {"blob_status": {"a": {}}}});
    let body = read(json!({"body": body})).body.unwrap();
    assert_eq!(body.blob_status, None);
    let builder = body.message_builder.unwrap();
    assert_eq!(builder.blob_status, Some(Vec::new()));
}

#[rstest]
#[case(json!({"code": 250, "message": "2.0.0 ok"}), 1)]
#[case(json!([{"code": 250}, {"code": 550}]), 2)]
#[case(json!([{"code": 250}, null, {"code": 550}]), 1)]
#[case(json!([{"code": 250}, {}]), 1)]
#[case(json!([null]), 0)]
#[case(json!([]), 0)]
fn replies_end_with_the_first_that_is_to_come(#[case] replies: Value, #[case] count: usize) {
    assert_eq!(
        read(json!({"rcpt_response": replies})).rcpt_response.len(),
        count
    );
}

#[rstest]
#[case(json!([]), "it")]
#[case(json!({"mail_response": "250"}), "mail_response")]
#[case(json!({"data_response": {"code": 99}}), "data_response")]
#[case(json!({"rcpt_response": [null, {"code": 0}]}), "rcpt_response[1]")]
#[case(json!({"attempt_count": -1}), "attempt_count")]
#[case(json!({"final_attempt_reason": 1}), "final_attempt_reason")]
fn what_makes_no_sense_is_no_transaction(#[case] value: Value, #[case] field: &str) {
    let error: InvalidView = view_from_json(&value).unwrap_err();
    assert_eq!(&*error.field, field);
}

#[test]
fn a_list_tells_where_and_when_and_how_it_goes_on() {
    let transaction = ListedTransaction {
        location: Location::of_transaction("T"),
        created: "2026-01-02T03:04:05Z".parse().unwrap(),
        view: Box::new(View {
            has_mail_from: true,
            ..View::default()
        }),
    };
    let mut listed = TransactionsListed {
        transactions: vec![transaction],
        next: Some("c".into()),
    };
    let transactions = json!([{
        "uri": "http://a/transactions/T",
        "created": "2026-01-02T03:04:05Z",
        "mail_from": {},
    }]);
    assert_eq!(
        listed_to_json(&listed, absolute),
        json!({"transactions": transactions, "next_cursor": "c"})
    );
    listed = TransactionsListed {
        transactions: Vec::new(),
        next: None,
    };
    assert_eq!(
        listed_to_json(&listed, absolute),
        json!({"transactions": []})
    );
}

#[test]
fn what_became_of_each_recipient_is_read_once_there_is_a_final_reply() {
    let ok = json!({"code": 250, "message": "2.6.0 message accepted"});
    let busy = json!({"code": 450, "enhanced": "4.2.1", "message": "4.2.1 later"});
    let mut view = json!({"recipients": [
        {"address": "a@x", "state": "delivered", "reply": ok},
        {"address": "b@x", "state": "deferred", "reply": busy},
        // These are replies to RCPT.
        {"address": "c@x", "state": "pending", "reply": ok},
        {"address": "d@x", "state": "cancelled", "reply": ok},
        {"state": "failed"},
        {"reply": busy},
        7,
    ]});
    assert_eq!(read(view.clone()).final_replies, []);
    view["data_response"] = busy;
    let busy = || Some(Reply::mailbox_busy().with_text("later"));
    let expected = [
        Some(Reply::message_accepted()),
        busy(),
        None,
        None,
        None,
        busy(),
        None,
    ];
    assert_eq!(read(view.clone()).final_replies, expected);
    view["recipients"] = json!([{"state": "pending"}]);
    assert_eq!(read(view.clone()).final_replies, []);
    view["recipients"] = json!("none");
    assert_eq!(read(view).final_replies, []);
}
