//! Messages that have a transaction for each recipient.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::http::StatusCode;
use koukan_core::resource::{
    Create, ListedTransaction, Location, MessageOperation, MessageRequest, MessageResponse,
    MessageView, ReadMessage, Refusal, RefusalKind, Version, View, WaitFor,
};
use koukan_rest::server::{Server, ServerSettings};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower::{BoxError, service_fn};

use crate::support::{answering, created, empty, json_request, request, send};

const ID: &str = "01arz3ndektsv4rrffq69g5fav-1";
const FLAT: &str = r#"{"from": "alice@example.com", "to": "bob@example.com", "text": "hello"}"#;

type Asked = Arc<Mutex<Vec<MessageOperation>>>;

fn view(version: &str) -> MessageView {
    MessageView {
        id: ID.parse().unwrap(),
        transactions: vec![ListedTransaction {
            location: Location::of_transaction("T"),
            created: jiff::Timestamp::UNIX_EPOCH,
            view: Box::new(View::default()),
        }],
        version: Version::new(version),
    }
}

fn made(is_replayed: bool) -> MessageResponse {
    MessageResponse::Created {
        message: view("1"),
        is_replayed,
    }
}

/// A server that gives that answer to every request about messages.
fn answering_with(
    answer: impl Fn(&MessageOperation) -> MessageResponse + Clone + Send + Sync + 'static,
) -> (Server, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let messages = service_fn(move |request: MessageRequest| {
        let response = answer(&request.operation);
        seen.lock().unwrap().push(request.operation);
        async move { Ok::<_, BoxError>(response) }
    });
    let (server, _) = answering(created());
    (server.with_messages(messages), asked)
}

fn creates(asked: &Asked) -> Vec<Create> {
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    let creates = asked.into_iter().map(|operation| match operation {
        MessageOperation::Create(create) => *create,
        other => panic!("{other:?}"),
    });
    creates.collect()
}

#[tokio::test]
async fn a_message_is_made_and_tells_where_it_is() {
    for is_replayed in [false, true] {
        let (server, asked) = answering_with(move |_| made(is_replayed));
        let mut request = json_request("POST", "/senders/app/messages", FLAT);
        let headers = request.headers_mut();
        headers.insert("host", "mail.example:8000".parse().unwrap());
        headers.insert("idempotency-key", "k-1".parse().unwrap());
        headers.insert("prefer", "wait=10".parse().unwrap());
        let answer = send(server.router(), request).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let uri = format!("http://mail.example:8000/messages/{ID}");
        assert_eq!(answer.header("location"), uri);
        assert_eq!(answer.header("etag"), "\"1\"");
        assert_eq!(answer.header("preference-applied"), "wait=10");
        let replayed = if is_replayed { "true" } else { "" };
        assert_eq!(answer.header("idempotency-replayed"), replayed);
        let json = answer.json();
        assert_eq!(json["id"], ID);
        assert_eq!(json["uri"], uri);
        assert_eq!(json["finished"], false);
        let transaction = "http://mail.example:8000/transactions/T";
        assert_eq!(json["transactions"][0]["uri"], transaction);
        let [create] = &creates(&asked)[..] else {
            panic!("one was asked for");
        };
        assert_eq!(&*create.sender.name, "app");
        assert_eq!(create.idempotency_key.as_deref(), Some("k-1"));
        assert_eq!(create.wait.unwrap().as_secs(), 10);
        assert_eq!(create.draft.rcpt_to.len(), 1);
    }
}

#[tokio::test]
async fn what_is_wrong_names_the_field() {
    let (server, asked) = answering_with(|_| made(false));
    let router = server.router();
    let wrong = r#"{"from": "alice@example.com", "to": "bob", "text": "x"}"#;
    for (content, status, field) in [
        (wrong, 400, json!("to")),
        ("{", 400, Value::Null),
        ("[]", 400, Value::Null),
    ] {
        let request = json_request("POST", "/senders/app/messages", content);
        let answer = send(router.clone(), request).await;
        assert_eq!(answer.status.as_u16(), status, "{content}");
        answer.detail();
        assert_eq!(answer.json()["field"], field, "{content}");
    }
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_reused_in_vain_is_an_attachment() {
    let (server, _) = answering_with(|_| {
        let refusal = Refusal::not_found("there is no such finished body or blob to be reused");
        refusal.at("body.message_builder").into()
    });
    let request = json_request("POST", "/senders/app/messages", FLAT);
    let answer = send(server.router(), request).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.json()["field"], "attachments");
}

#[tokio::test]
async fn what_the_agent_refuses_names_the_field_that_the_client_knows() {
    for (field, told) in [
        ("rcpt_to", "to"),
        ("rcpt_to[3].m", "to"),
        ("mail_from", "from"),
        ("body.message_builder", "attachments"),
        ("send_at", "send_at"),
    ] {
        let (server, _) = answering_with(move |_| Refusal::malformed("no").at(field).into());
        let request = json_request("POST", "/senders/app/messages", FLAT);
        let answer = send(server.router(), request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.json()["field"], told, "{field}");
    }
}

#[tokio::test]
async fn a_batch_is_charged_until_all_of_it_is_made() {
    let batch = format!("{{\"messages\": [{FLAT}, {FLAT}]}}");
    let settings = ServerSettings::default().with_json_budget(batch.len() as u64 * 3 / 2);
    let (server, _) = crate::support::answering_with(created(), settings);
    let (begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (tell, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
    let count = Arc::new(AtomicUsize::new(0));
    let messages = service_fn(move |_: MessageRequest| {
        let asked = count.fetch_add(1, Ordering::Relaxed);
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        async move {
            // The first two are slow.
            if asked < 2 {
                tell.add_permits(1);
                wait.acquire().await?.forget();
            }
            Ok::<_, BoxError>(made(false))
        }
    });
    let router = server.with_messages(messages).router();
    let request = || json_request("POST", "/senders/app/messages/batch", &batch);
    let first = tokio::spawn(send(router.clone(), request()));
    begun.acquire_many(2).await.unwrap().forget();
    let second = send(router.clone(), request()).await;
    assert_eq!(second.status, StatusCode::SERVICE_UNAVAILABLE);
    go_on.add_permits(2);
    assert_eq!(first.await.unwrap().status, StatusCode::OK);
    assert_eq!(send(router, request()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_bad_item_of_a_batch_does_not_fail_the_others() {
    let (server, asked) = answering_with(|operation| match operation {
        MessageOperation::Create(create) if create.draft.rcpt_to.len() > 1 => {
            Refusal::new(RefusalKind::KeyReused, "another request").into()
        }
        _ => made(false),
    });
    let flat: Value = serde_json::from_str(FLAT).unwrap();
    let mut many = flat.clone();
    many["to"] = json!(["bob@example.com", "carol@example.com"]);
    let batch = json!({"messages": [flat, {"from": "x"}, many, flat]}).to_string();
    let mut request = json_request("POST", "/senders/app/messages/batch", &batch);
    request
        .headers_mut()
        .insert("idempotency-key", "k".parse().unwrap());
    let answer = send(server.router(), request).await;
    assert_eq!(answer.status, StatusCode::OK);
    let json = answer.json();
    let results = json["results"].as_array().unwrap();
    let statuses: Vec<_> = results
        .iter()
        .map(|it| it["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [201, 400, 422, 201]);
    assert_eq!(results[0]["message"]["id"], ID);
    assert_eq!(results[1]["problem"]["field"], "from");
    assert_eq!(results[2]["problem"]["status"], 422);
    let creates = creates(&asked);
    let mut keys: Vec<_> = creates
        .iter()
        .map(|it| it.idempotency_key.as_deref().unwrap())
        .collect();
    keys.sort_unstable();
    // Each has its own key, made from its position.
    assert_eq!(keys, ["k:0", "k:2", "k:3"]);
}

#[tokio::test]
async fn a_batch_has_a_bound() {
    let (server, asked) = answering_with(|_| made(false));
    let router = server.router();
    for batch in [
        format!("{{\"messages\": [{}]}}", vec![FLAT; 101].join(",")),
        r#"{"messages": []}"#.to_owned(),
        "{}".to_owned(),
    ] {
        let request = json_request("POST", "/senders/app/messages/batch", &batch);
        let answer = send(router.clone(), request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.json()["field"], "messages");
    }
    assert!(asked.lock().unwrap().is_empty());
    let mut settings = ServerSettings::default();
    settings.max_json = 1000;
    let (server, _) = crate::support::answering_with(created(), settings);
    let messages = service_fn(|_: MessageRequest| async { Ok::<_, BoxError>(made(false)) });
    let huge = format!("{{\"messages\": [{}]}}", vec![FLAT; 50].join(","));
    let request = json_request("POST", "/senders/app/messages/batch", &huge);
    let answer = send(server.with_messages(messages).router(), request).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_message_is_read_waited_for_and_given_up() {
    let (server, asked) = answering_with(|operation| match operation {
        MessageOperation::Read(read) if read.if_none_match == Some(Version::new("7")) => {
            MessageResponse::Unchanged(Version::new("7"))
        }
        _ => MessageResponse::Current(view("7")),
    });
    let router = server.router();
    let path = format!("/messages/{ID}");
    let read = request("GET", &path)
        .header("request-timeout", "5")
        .header("prefer", "wait-for=attempt");
    let answer = send(router.clone(), empty(read)).await;
    assert_eq!(
        (answer.status, answer.header("etag")),
        (StatusCode::OK, "\"7\"")
    );
    for (known, status) in [
        ("\"7\"", 304),
        ("6, \"7\"", 304),
        ("*", 304),
        ("\"6\"", 200),
    ] {
        let read = request("GET", &path).header("if-none-match", known);
        let answer = send(router.clone(), empty(read)).await;
        assert_eq!(answer.status.as_u16(), status, "{known}");
        assert_eq!(answer.header("etag"), "\"7\"");
    }
    let cancel = empty(request("POST", &format!("{path}/cancel")));
    assert_eq!(send(router.clone(), cancel).await.status, StatusCode::OK);
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    let id = ID.parse().unwrap();
    let MessageOperation::Read(first) = &asked[0] else {
        panic!("{asked:?}");
    };
    let expected = ReadMessage {
        message: id,
        if_none_match: None,
        wait: Some(std::time::Duration::from_secs(5)),
        wait_for: WaitFor::Attempt,
    };
    assert_eq!(*first, expected);
    assert!(matches!(asked.last(), Some(MessageOperation::Cancel(it)) if *it == id));
    for unknown in [
        "/messages/x",
        "/messages/01arz3ndektsv4rrffq69g5fav",
        "/messages/x/cancel",
    ] {
        let method = if unknown.ends_with("cancel") {
            "POST"
        } else {
            "GET"
        };
        let answer = send(router.clone(), empty(request(method, unknown))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{unknown}");
    }
}

#[tokio::test]
async fn where_there_are_no_messages_there_is_no_such_route() {
    let (server, _) = answering(created());
    let request = json_request("POST", "/senders/app/messages", FLAT);
    assert_eq!(
        send(server.router(), request).await.status,
        StatusCode::NOT_FOUND
    );
}
