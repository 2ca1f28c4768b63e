//! Replicas that are dead, cannot be reached, or do not answer.

use std::collections::HashMap;

use koukan_core::test_util::at_rest;
use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn of_a_dead_replica_there_is_what_was_committed() {
    let (net, one, other) = two(&Script::new()).await;
    let committed = one.create("app").await;
    let lost = one.create("gw").await;
    let reuse = format!(r#", "body": {{"reuse_uri": "{lost}/body"}}}}"#);
    let reuse = ENVELOPE.trim_end_matches('}').to_owned() + &reuse;
    let reuse = || json_request("POST", "/senders/app/transactions", &reuse);
    // It is cut off from the other replicas and from the store.
    net.0.lock().unwrap().remove(&one.address);
    one.storage.leave().await.unwrap();
    drop(one);
    assert_eq!(statuses(&other, &lost).await, [404; 4]);
    let answer = other.ask(reuse()).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    assert!(answer.detail().starts_with("body.reuse_uri: "));
    assert_eq!(other.ask(put(&committed)).await.status, StatusCode::OK);
    let answer = other.ask(read(&committed)).await;
    assert_eq!(answer.json()["data_response"]["code"], 250);
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_reached_costs_little() {
    let (net, one, other) = two(&Script::new()).await;
    let path = one.create("app").await;
    let unknown = one.create("gw").await;
    let passed_on = |mut request: Request| {
        let bearer = "Bearer x".parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        request
    };
    net.0.lock().unwrap().remove(&one.address);
    // Committed transactions can still be read.
    let answer = other.ask(passed_on(empty(request("GET", &path)))).await;
    assert_eq!(answer.status, StatusCode::OK);
    for asked in [empty(request("GET", &unknown)), put(&path)] {
        let answer = other.ask(passed_on(asked)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("retry-after"), "1");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_sent_to_a_replica_that_is_dead() {
    let (net, one, other) = two(&Script::new()).await;
    let committed = one.create("app").await;
    let unknown = one.create("gw").await;
    let cancel = || empty(request("POST", &format!("{committed}/cancel")));
    assert_eq!(other.ask(cancel()).await.status.as_u16(), 308);
    for silence in [true, false] {
        // What was found out counts for a second.
        tokio::time::sleep(Duration::from_secs(1)).await;
        net.set(&one.address, None);
        if !silence {
            net.0.lock().unwrap().remove(&one.address);
        }
        let begun = Instant::now();
        let answer = other.ask(empty(request("GET", &committed))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        for asked in [empty(request("GET", &unknown)), cancel()] {
            let answer = other.ask(asked).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.header("retry-after"), "1");
        }
        assert!(begun.elapsed() <= Duration::from_secs(1));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    net.set(&one.address, Some(one.router.clone()));
    assert_eq!(other.ask(cancel()).await.status.as_u16(), 308);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_silent_holds_up_nobody_else() {
    let (net, store, upstream) = (Net::default(), store(), Script::new());
    let one = net.join(&store, "one.example", &upstream).await;
    let few = ServerSettings::default().with_max_requests(16);
    let other = net.join(&store, "other.example", &upstream).await;
    // The same replica, but with few requests at the same time.
    let senders = HashMap::from([(Sender::new("app"), SenderPolicy::default())]);
    let handler = RestHandler::new(
        other.storage.clone(),
        other.output.clone(),
        senders,
        RestHandlerSettings::default(),
    );
    let peers = {
        let net = net.clone();
        service_fn(move |request| net.clone().request(request))
    };
    let replicas = Replicas::new(other.storage.clone(), peers);
    let router = Server::new(handler, few).with_replicas(replicas).router();
    let path = one.create("app").await;
    net.set(&one.address, None);
    let asked = |method: Method| {
        let path = match method {
            Method::PUT => format!("{path}/body"),
            _ => path.clone(),
        };
        let asked = request(method.as_str(), &path).header("authorization", "Bearer x");
        asked.body(Body::from("x")).unwrap()
    };
    let begun = Instant::now();
    let hanging: Vec<_> = (0..20)
        .map(|_| tokio::spawn(send(router.clone(), asked(Method::PUT))))
        .collect();
    at_rest().await;
    // There is room for other requests.
    let listed = empty(request("GET", "/senders/app/transactions"));
    assert_eq!(send(router.clone(), listed).await.status, StatusCode::OK);
    assert!(begun.elapsed() < Duration::from_secs(1));
    for hanging in hanging {
        let answer = hanging.await.unwrap();
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    // None has waited longer than an answer may take.
    assert!(begun.elapsed() <= Duration::from_secs(76));
}

#[tokio::test(start_paused = true)]
async fn content_that_fails_is_the_mistake_of_the_client() {
    let (_net, one, other) = two(&Script::new()).await;
    let handler = RestHandler::new(
        other.storage.clone(),
        other.output.clone(),
        HashMap::new(),
        RestHandlerSettings::default(),
    );
    // As HTTP does, it breaks off a request whose content fails.
    let peers = service_fn(|request: Request| async {
        request.into_body().collect().await?;
        Ok::<_, BoxError>(Response::new(Body::empty()))
    });
    let replicas = Replicas::new(other.storage.clone(), peers);
    let server = Server::new(handler, ServerSettings::default());
    let router = server.with_replicas(replicas).router();
    let path = one.create("app").await;
    let pieces = [Ok("A: b"), Err("broken off")];
    let content = Body::from_stream(futures_util::stream::iter(pieces));
    let put = request("PUT", &format!("{path}/body"))
        .body(content)
        .unwrap();
    let answer = send(router, put).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_comes_back_as_another_session_tells_where_it_is() {
    let (_net, one, other) = two(&Script::new()).await;
    let session = one.storage.session();
    one.storage.backend().end_session(session).await.unwrap();
    tokio::time::sleep(TERM).await;
    assert_ne!(one.storage.session(), session);
    let path = one.create("gw").await;
    let moved = other.ask(empty(request("GET", &path))).await;
    assert_eq!(
        moved.header("location"),
        format!("http://one.example{path}")
    );
}

#[tokio::test(start_paused = true)]
async fn a_read_is_passed_on_without_content_and_announces_none() {
    let (net, one, other) = two(&Script::new()).await;
    let path = one.create("gw").await;
    let seen = async |request: Request| {
        let names = ["content-length", "transfer-encoding", "expect"];
        let names = names.map(|name| request.headers().contains_key(name));
        let content = request.into_body().collect().await.unwrap().to_bytes();
        format!("{names:?} {content:?}")
    };
    net.set(&one.address, Some(Router::new().fallback(seen)));
    let read = request("GET", &path).header("authorization", "Bearer x");
    let read = read.header("content-length", "5").body("GET /".into());
    let answer = other.ask(read.unwrap()).await;
    assert_eq!(answer.text, "[false, false, false] b\"\"");
}

#[tokio::test(start_paused = true)]
async fn a_client_does_not_take_all_that_a_replica_may_be_asked() {
    let (net, store, upstream) = (Net::default(), store(), Script::new());
    let (greedy, hash_of_greedy) = generate_token();
    let (modest, hash_of_modest) = generate_token();
    let tokens = |server: Server| {
        let token = |name: &str, hash: &str| Token::from_hex(name, hash).unwrap();
        let tokens = [
            token("greedy", &hash_of_greedy),
            token("modest", &hash_of_modest),
        ];
        server.with_auth(Auth::new(tokens, Arc::new(SystemClock)))
    };
    let one = net.join_as(&store, "one.example", &upstream, tokens).await;
    let other = net
        .join_as(&store, "other.example", &upstream, tokens)
        .await;
    let with = |request: http::request::Builder, secret: &str| {
        request.header("authorization", format!("Bearer {secret}"))
    };
    let create = request("POST", "/senders/gw/transactions");
    let create = with(create, &modest).header("content-type", "application/json");
    let created = one.ask(create.body(ENVELOPE.into()).unwrap()).await;
    let path = path_of(created.header("location")).to_owned();
    net.set(&one.address, None);
    let put = |secret: &str| {
        let put = with(request("PUT", &format!("{path}/body")), secret);
        tokio::spawn(send(
            other.router.clone(),
            put.body(MESSAGE.into()).unwrap(),
        ))
    };
    let max = ServerSettings::default().max_requests / 2;
    let many: Vec<_> = (0..max).map(|_| put(&greedy)).collect();
    at_rest().await;
    assert!(many.iter().any(tokio::task::JoinHandle::is_finished));
    let of_another = put(&modest);
    at_rest().await;
    // It is asked if it can be reached.
    assert!(!of_another.is_finished());
    for put in many {
        put.abort();
    }
}
