use std::time::Duration;

use koukan_core::{
    context::Sender,
    resource::{
        Append, Create, Draft, ListState, ListTransactions, Location, Operation, ParsedUpload,
        Read, ResourceResponse, Version, WaitFor,
    },
    storage::Search,
    test_util::{mail, rcpt},
};
use serde_json::{Value, json};

use crate::peer::{Peer, ask};

fn content(event: &Value) -> Value {
    serde_json::from_str(event["octets"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_create_says_all_that_it_is_told() {
    let mut peer = Peer::answering(json!({
        "status": 201, "body": "{}",
        "headers": {"Location": "/transactions/T", "ETag": "\"1\""},
    }))
    .await;
    let create = Create {
        sender: Sender::new("my app").with_tag("t"),
        draft: Draft {
            mail_from: Some(mail("a@x")),
            rcpt_to: vec![rcpt("b@y")],
            ..Draft::default()
        },
        wait: Some(Duration::from_millis(1500)),
        wait_for: WaitFor::End,
        idempotency_key: Some("K1".into()),
    };
    let operation = Operation::Create(Box::new(create));
    let response = ask(&peer.client(), operation).await.unwrap();
    let ResourceResponse::Created(created) = response else {
        panic!("{response:?}");
    };
    let location = format!("{}/transactions/T", peer.url());
    assert_eq!(created.location.as_str(), location);
    assert_eq!(created.version, Version::new("1"));

    let request = peer.next("request").await;
    assert_eq!(request["line"], "POST /senders/my%20app/transactions");
    let headers = &request["headers"];
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["idempotency-key"], "K1");
    assert_eq!(headers["prefer"], "wait=2, view=full");
    assert_eq!(headers["host"], format!("127.0.0.1:{}", peer.port));
    assert!(
        headers["user-agent"]
            .as_str()
            .unwrap()
            .starts_with("koukan/")
    );
    let json = json!({
        "sender": {"name": "my app", "tag": "t"},
        "mail_from": {"m": "a@x"},
        "rcpt_to": [{"m": "b@y"}],
    });
    assert_eq!(content(&peer.next("content").await), json);
}

#[tokio::test]
async fn a_read_waits_for_another_version() {
    let mut peer = Peer::answering(json!({"status": 304})).await;
    let operation = Operation::Read(Read {
        transaction: Location::new("/transactions/T"),
        if_none_match: Some(Version::new("7")),
        wait: Some(Duration::from_secs(30)),
        wait_for: WaitFor::End,
    });
    let response = ask(&peer.client(), operation).await.unwrap();
    assert_eq!(response, ResourceResponse::Unchanged(Version::new("7")));
    let request = peer.next("request").await;
    assert_eq!(request["line"], "GET /transactions/T");
    assert_eq!(request["headers"]["if-none-match"], "\"7\"");
    assert_eq!(request["headers"]["request-timeout"], "30");
    assert_eq!(request["headers"]["prefer"], "wait=30, view=full");
}

#[tokio::test]
async fn recipients_are_added_to_a_version_and_a_heartbeat_is_empty() {
    let answer = json!({"body": "{\"rcpt_to\": [{}]}", "headers": {"ETag": "\"2\""}});
    let mut peer = Peer::answering(answer).await;
    let client = peer.client();
    let append = |rcpt_to: Vec<_>| {
        let rcpt_to_list_offset = (!rcpt_to.is_empty()).then_some(1);
        Operation::Append(Box::new(Append {
            transaction: Location::new("/transactions/T"),
            if_match: Some(Version::new("1")),
            draft: Draft {
                rcpt_to,
                ..Draft::default()
            },
            rcpt_to_list_offset,
        }))
    };
    let response = ask(&client, append(vec![rcpt("b@y")])).await.unwrap();
    let ResourceResponse::Current { view, version } = response else {
        panic!("{response:?}");
    };
    assert_eq!((view.rcpt_to, version), (1, Version::new("2")));
    let request = peer.next("request").await;
    assert_eq!(request["line"], "PATCH /transactions/T");
    assert_eq!(request["headers"]["if-match"], "\"1\"");
    assert_eq!(
        content(&peer.next("content").await),
        json!({"rcpt_to": [{"m": "b@y"}], "rcpt_to_list_offset": 1})
    );

    ask(&client, append(Vec::new())).await.unwrap();
    let request = peer.next("request").await;
    assert_eq!(request["headers"]["if-match"], "\"1\"");
    assert_eq!(request["headers"]["content-type"], Value::Null);
    assert_eq!(request["headers"]["content-length"], "0");
}

#[tokio::test]
async fn a_parsed_message_is_posted_and_a_transaction_cancelled() {
    let mut peer = Peer::answering(json!({"body": ""})).await;
    let client = peer.client();
    let parsed = Operation::Parsed(ParsedUpload {
        to: Location::new("/transactions/T/message_builder"),
        if_match: None,
        message: json!({"headers": []}),
    });
    ask(&client, parsed).await.unwrap();
    let request = peer.next("request").await;
    assert_eq!(request["line"], "POST /transactions/T/message_builder");
    assert_eq!(content(&peer.next("content").await), json!({"headers": []}));
    for location in ["/transactions/T", "/transactions/T/cancel"] {
        let cancel = Operation::Cancel(Location::new(location));
        ask(&client, cancel).await.unwrap();
        let request = peer.next("request").await;
        assert_eq!(request["line"], "POST /transactions/T/cancel");
    }
}

#[tokio::test]
async fn a_list_is_asked_for_page_by_page() {
    let body = json!({"transactions": [{
        "uri": "/transactions/T", "created": "2024-03-06T19:49:11Z", "rcpt_to": [{}],
    }], "next_cursor": "c2"});
    let mut peer = Peer::answering(json!({"body": body.to_string()})).await;
    let list = Operation::List(ListTransactions {
        sender: "app".into(),
        state: Some(ListState::Finished),
        search: Search {
            reverse_path: Some("".into()),
            recipient: Some("bob+x@example.com".into()),
            since: Some("2024-03-06T19:49:11Z".parse().unwrap()),
            last_reply: Some("mailbox full".into()),
            ..Search::default()
        },
        limit: 10,
        cursor: Some("c/1".into()),
    });
    let response = ask(&peer.client(), list).await.unwrap();
    let ResourceResponse::Listed(listed) = response else {
        panic!("{response:?}");
    };
    assert_eq!(listed.next.as_deref(), Some("c2"));
    let first = &listed.transactions[0];
    assert_eq!(first.created.as_second(), 1_709_754_551);
    assert_eq!(first.view.rcpt_to, 1);
    assert_eq!(
        first.location.as_str(),
        format!("{}/transactions/T", peer.url())
    );
    assert_eq!(
        peer.next("request").await["line"],
        "GET /senders/app/transactions?limit=10&state=finished&mail_from=%3C%3E\
         &recipient=bob%2Bx%40example.com&since=2024-03-06T19%3A49%3A11Z\
         &reply=mailbox%20full&cursor=c%2F1"
    );
}

#[tokio::test]
async fn a_server_may_lie_below_a_path() {
    let mut peer = Peer::answering(json!({"body": "{}"})).await;
    let url = format!("{}/mail", peer.url());
    let client = koukan_rest::client::Client::new(&url, Default::default()).unwrap();
    ask(&client, crate::peer::read()).await.unwrap();
    assert_eq!(
        peer.next("request").await["line"],
        "GET /mail/transactions/T"
    );
    let _ = ask(&client, crate::peer::create()).await;
    assert_eq!(
        peer.next("request").await["line"],
        "POST /mail/senders/app/transactions"
    );
}
