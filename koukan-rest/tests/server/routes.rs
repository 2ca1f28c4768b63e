//! Every route, and its answer.

use axum::http::StatusCode;
use koukan_core::resource::{
    Draft, ListState, Location, Operation, ResourceResponse, TransactionsListed, Version,
};
use koukan_core::storage::Search;

use crate::support::{
    CREATE, answering, created, current, empty, json_request, only, request, send,
};

#[tokio::test]
async fn a_create_tells_where_the_transaction_is() {
    let (server, asked) = answering(created());
    let mut request = json_request("POST", "/senders/app/transactions", CREATE);
    let headers = request.headers_mut();
    headers.insert("host", "mail.example:8000".parse().unwrap());
    headers.insert("idempotency-key", "k-1".parse().unwrap());
    headers.insert("prefer", "wait=10".parse().unwrap());
    let answer = send(server.router(), request).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let location = answer.header("location");
    assert_eq!(location, "http://mail.example:8000/transactions/T");
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("preference-applied"), "wait=10");
    let Operation::Create(create) = only(&asked) else {
        panic!("not a create");
    };
    assert_eq!(&*create.sender.name, "app");
    assert_eq!(create.idempotency_key.as_deref(), Some("k-1"));
    assert_eq!(create.wait.unwrap().as_secs(), 10);
    assert_eq!(create.draft.rcpt_to.len(), 1);
}

#[tokio::test]
async fn a_read_tells_the_version() {
    let (server, asked) = answering(current("7"));
    let answer = send(server.router(), empty(request("GET", "/transactions/T"))).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("etag"), "\"7\"");
    assert!(answer.json().is_object());
    let Operation::Read(read) = only(&asked) else {
        panic!("not a read");
    };
    assert_eq!(read.transaction, Location::of_transaction("T"));
    assert_eq!((read.if_none_match, read.wait), (None, None));
}

#[tokio::test]
async fn what_is_unchanged_is_not_told_again() {
    let (server, asked) = answering(ResourceResponse::Unchanged(Version::new("7")));
    let request = request("GET", "/transactions/T")
        .header("if-none-match", "\"7\"")
        .header("request-timeout", "2.5");
    let answer = send(server.router(), empty(request)).await;
    assert_eq!(answer.status, StatusCode::NOT_MODIFIED);
    assert_eq!((answer.header("etag"), &*answer.text), ("\"7\"", ""));
    let Operation::Read(read) = only(&asked) else {
        panic!("not a read");
    };
    assert_eq!(read.if_none_match, Some(Version::new("7")));
    assert_eq!(read.wait.unwrap().as_millis(), 2500);
}

#[tokio::test]
async fn a_patch_adds_to_a_version() {
    let (server, asked) = answering(current("8"));
    let json = r#"{"rcpt_to": [{"m": "bob@example.com"}], "rcpt_to_list_offset": 3}"#;
    let mut request = json_request("PATCH", "/transactions/T", json);
    request
        .headers_mut()
        .insert("if-match", "7".parse().unwrap());
    let answer = send(server.router(), request).await;
    assert_eq!(
        (answer.status, answer.header("etag")),
        (StatusCode::OK, "\"8\"")
    );
    let Operation::Append(append) = only(&asked) else {
        panic!("not an append");
    };
    assert_eq!(append.if_match, Some(Version::new("7")));
    assert_eq!(append.rcpt_to_list_offset, Some(3));
    assert_eq!(append.draft.rcpt_to.len(), 1);
}

#[tokio::test]
async fn an_empty_patch_is_a_heartbeat() {
    let (server, asked) = answering(current("8"));
    let answer = send(server.router(), empty(request("PATCH", "/transactions/T"))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let Operation::Append(append) = only(&asked) else {
        panic!("not an append");
    };
    assert_eq!((append.draft, append.if_match), (Draft::default(), None));
}

#[tokio::test]
async fn a_parsed_message_is_posted_or_put() {
    for method in ["POST", "PUT"] {
        let (server, asked) = answering(current("8"));
        let path = "/transactions/T/message_builder";
        let request = json_request(method, path, r#"{"headers": []}"#);
        let answer = send(server.router(), request).await;
        assert_eq!(
            (answer.status, answer.header("etag")),
            (StatusCode::OK, "\"8\"")
        );
        let Operation::Parsed(parsed) = only(&asked) else {
            panic!("not a parsed message");
        };
        assert_eq!(parsed.to, Location::new(path));
        assert_eq!(parsed.message, serde_json::json!({"headers": []}));
    }
}

#[tokio::test]
async fn a_cancel_needs_no_content() {
    let (server, asked) = answering(current("9"));
    let answer = send(
        server.router(),
        empty(request("POST", "/transactions/T/cancel")),
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(matches!(only(&asked), Operation::Cancel(at) if at == Location::of_transaction("T")));
}

#[tokio::test]
async fn a_list_is_narrowed_by_its_parameters() {
    let listed = || {
        answering(ResourceResponse::Listed(TransactionsListed {
            transactions: Vec::new(),
            next: Some("c2".into()),
        }))
    };
    let (server, asked) = listed();
    let path = "/senders/app/transactions?state=active&limit=5&cursor=c1";
    let answer = send(server.router(), empty(request("GET", path))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let Operation::List(list) = only(&asked) else {
        panic!("not a list");
    };
    assert_eq!((&*list.sender, list.limit), ("app", 5));
    assert_eq!(list.state, Some(ListState::Active));
    assert_eq!(list.cursor.as_deref(), Some("c1"));
    assert_eq!(list.search, Search::default());
    let (server, asked) = listed();
    let path = "/senders/app/transactions?mail_from=%3C%3E&recipient=%3CBob%2Bx@y%3E&domain=y\
                &destination=&since=2024-03-06T19:49:11Z&until=2024-03-06T20:49:11%2B01:00\
                &reply=mailbox+full";
    let answer = send(server.router(), empty(request("GET", path))).await;
    assert_eq!(answer.status, StatusCode::OK);
    let Operation::List(list) = only(&asked) else {
        panic!("not a list");
    };
    let expected = Search {
        reverse_path: Some("".into()),
        recipient: Some("Bob+x@y".into()),
        domain: Some("y".into()),
        since: Some("2024-03-06T19:49:11Z".parse().unwrap()),
        until: Some("2024-03-06T19:49:11Z".parse().unwrap()),
        last_reply: Some("mailbox full".into()),
        ..Search::default()
    };
    assert_eq!(list.search, expected);
    let many_words = format!("reply={}", ["x"; 17].join("+"));
    for query in [
        "since=yesterday",
        "until=1",
        "domain=x&domain=y",
        &*many_words,
        "state=done",
        "limit=0",
        "limit=x",
        "page=2",
        "limit=1&limit=2",
    ] {
        let path = format!("/senders/app/transactions?{query}");
        let answer = send(listed().0.router(), empty(request("GET", &path))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        answer.detail();
    }
}

#[tokio::test]
async fn the_api_describes_itself() {
    let (server, _) = answering(current("1"));
    let answer = send(server.router(), empty(request("GET", "/openapi.json"))).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.json()["openapi"].is_string());
}

#[tokio::test]
async fn what_is_described_is_what_there_is() {
    let description = koukan_rest::schema::openapi();
    let mut routes = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        // Other routes answer these.
        let is_queue = path.starts_with("/queue")
            || path.starts_with("/destinations")
            || path.starts_with("/webhooks")
            || path.contains("/suppressions");
        let is_message = path.contains("/messages");
        if is_queue
            || is_message
            || ["/events", "/healthz", "/readyz", "/metrics"].contains(&path.as_str())
        {
            continue;
        }
        for method in methods.as_object().unwrap().keys() {
            let (server, _) = answering(current("1"));
            let method = method.to_uppercase();
            let path = path.replace(['{', '}'], "");
            let answer = send(server.router(), empty(request(&method, &path))).await;
            let is_there = [StatusCode::OK, StatusCode::UNSUPPORTED_MEDIA_TYPE];
            assert!(is_there.contains(&answer.status), "{method} {path}");
            routes += 1;
        }
    }
    assert_eq!(routes, 11);
}

#[tokio::test]
async fn there_is_nothing_else() {
    for path in [
        "/",
        "/transactions",
        "/transactions/T/",
        "/transactions/T/blob",
        "/senders/a",
    ] {
        let (server, _) = answering(current("1"));
        let answer = send(server.router(), empty(request("GET", path))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        answer.detail();
    }
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    for (method, path, allowed) in [
        ("DELETE", "/transactions/T", &["GET", "PATCH"][..]),
        ("PUT", "/senders/a/transactions", &["GET", "POST"]),
        ("GET", "/transactions/T/body", &["PUT"]),
        ("GET", "/transactions/T/cancel", &["POST"]),
    ] {
        let (server, _) = answering(current("1"));
        let answer = send(server.router(), empty(request(method, path))).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        answer.detail();
        for method in allowed {
            assert!(answer.header("allow").contains(method), "{path}");
        }
    }
}

#[tokio::test]
async fn a_path_that_is_no_text_is_malformed() {
    let (server, _) = answering(current("1"));
    let answer = send(server.router(), empty(request("GET", "/transactions/%ff"))).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.detail(), "the path is not UTF-8");
}

#[tokio::test]
async fn a_part_of_a_path_does_not_turn_into_several() {
    for part in ["T%2Fcancel", "..", "%2e%2e", "T%3Fx", "T%0a"] {
        let (server, asked) = answering(current("1"));
        let path = format!("/transactions/{part}");
        let answer = send(server.router(), empty(request("GET", &path))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{part}");
        assert!(asked.lock().unwrap().is_empty());
    }
}
