//! Several replicas with one store: which one answers for which transaction.

mod failures;
mod waits;
mod webhooks;

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Method, StatusCode},
    response::Response,
};
use http_body_util::BodyExt;
use koukan_core::{
    blob::BlobPool,
    clock::SystemClock,
    context::Sender,
    reply::Reply,
    service::BoxMailService,
    stage::{
        dispatcher::Dispatcher,
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        rest_handler::{RestHandler, RestHandlerSettings, SenderPolicy},
    },
    storage::{MemoryBackend, Storage},
    test_util::{Answer as Scripted, Script, TokioClock, at_rest},
};
use koukan_rest::{
    auth::{Auth, Token, generate_token},
    server::{Replicas, Server, ServerSettings},
};
use tokio::time::{Instant, timeout};
use tower::{BoxError, ServiceExt, service_fn};

use crate::support::{Answer, empty, json_request, request, send};

const TERM: Duration = Duration::from_secs(8);
const ENVELOPE: &str =
    r#"{"mail_from": {"m": "alice@example.com"}, "rcpt_to": [{"m": "bob@example.com"}]}"#;
const MESSAGE: &str = "A: b\r\n\r\nc\r\n";

/// The router at each address. There is none at unknown addresses and at silent ones.
#[derive(Clone, Default)]
struct Net(Arc<Mutex<HashMap<String, Option<Router>>>>);

/// One replica.
struct Replica {
    router: Router,
    storage: Storage,
    output: OutputHandler<Chain>,
    address: String,
}

impl Net {
    async fn request(self, request: Request) -> Result<Response, BoxError> {
        let at = request.uri().authority().unwrap().to_string();
        let there = self.0.lock().unwrap().get(&at).cloned();
        match there {
            // On a connection, only the path is sent.
            Some(Some(router)) => {
                let (mut head, body) = request.into_parts();
                head.uri = head.uri.path_and_query().unwrap().as_str().parse()?;
                Ok(router.oneshot(Request::from_parts(head, body)).await?)
            }
            Some(None) => pending().await,
            None => Err("connection refused".into()),
        }
    }

    fn set(&self, address: &str, there: Option<Router>) {
        self.0.lock().unwrap().insert(address.into(), there);
    }

    async fn join(&self, store: &MemoryBackend, address: &str, upstream: &Script) -> Replica {
        self.join_as(store, address, upstream, |server| server)
            .await
    }

    async fn join_as(
        &self,
        store: &MemoryBackend,
        address: &str,
        upstream: &Script,
        change: impl FnOnce(Server) -> Server,
    ) -> Replica {
        let backend = Arc::new(store.another_process());
        let clock = Arc::new(TokioClock::default());
        let storage = Storage::open(backend, BlobPool::default(), clock);
        let storage = storage.await.unwrap();
        storage
            .publish_address(&format!("http://{address}"))
            .await
            .unwrap();
        let chain = Chain {
            service: BoxMailService::new(upstream.clone()),
            retry: RetryPolicy::default()
                .with_min_attempt_time(Duration::from_secs(600))
                .with_max_attempt_time(Duration::from_secs(600))
                .with_max_attempts(Some(5))
                .with_deadline(Duration::from_secs(3600)),
        };
        let notifications = Notifications {
            reporting_mta: "mx.example.com".into(),
            sender: Sender::new("notification"),
        };
        let senders = HashMap::from([
            (Sender::new("app"), SenderPolicy::default()),
            (Sender::new("gw"), SenderPolicy::incremental()),
        ]);
        let output = OutputHandler::new(chain, notifications);
        let handler = RestHandler::new(
            storage.clone(),
            output.clone(),
            senders,
            RestHandlerSettings::default(),
        );
        let net = self.clone();
        let peers = service_fn(move |request| net.clone().request(request));
        let replicas = Replicas::new(storage.clone(), peers);
        let server = Server::new(handler.clone(), ServerSettings::default()).with_messages(handler);
        let router = change(server.with_replicas(replicas)).router();
        self.set(address, Some(router.clone()));
        Replica {
            router,
            storage,
            output,
            address: address.into(),
        }
    }
}

impl Replica {
    async fn ask(&self, request: Request) -> Answer {
        send(self.router.clone(), request).await
    }

    /// Creates a transaction; returns its path.
    async fn create(&self, sender: &str) -> String {
        let path = format!("/senders/{sender}/transactions");
        let created = self.ask(json_request("POST", &path, ENVELOPE)).await;
        assert_eq!(created.status, StatusCode::CREATED);
        path_of(created.header("location")).to_owned()
    }
}

fn store() -> MemoryBackend {
    MemoryBackend::new().with_session_term(TERM, Arc::new(TokioClock::default()))
}

/// Two replicas in front of the same upstream.
async fn two(upstream: &Script) -> (Net, Replica, Replica) {
    let (net, store) = (Net::default(), store());
    let one = net.join(&store, "one.example", upstream).await;
    let other = net.join(&store, "other.example", upstream).await;
    (net, one, other)
}

fn path_of(uri: &str) -> &str {
    let kinds = ["/transactions/", "/messages/"];
    let at = kinds.iter().find_map(|kind| uri.find(kind)).unwrap();
    &uri[at..]
}

fn put(path: &str) -> Request {
    let put = request("PUT", &format!("{path}/body"));
    put.body(MESSAGE.into()).unwrap()
}

fn read(path: &str) -> Request {
    empty(request("GET", path).header("request-timeout", "20"))
}

/// The statuses of all requests that a transaction allows.
async fn statuses(replica: &Replica, path: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for asked in [
        empty(request("GET", path)),
        json_request("PATCH", path, "{}"),
        put(path),
        empty(request("POST", &format!("{path}/cancel"))),
    ] {
        statuses.push(replica.ask(asked).await.status.as_u16());
    }
    statuses
}

#[tokio::test(start_paused = true)]
async fn what_was_never_committed_is_found_by_its_identity() {
    for sender in ["gw", "app"] {
        let upstream = Script::new();
        let (_net, one, other) = two(&upstream).await;
        let path = one.create(sender).await;
        let moved = other.ask(empty(request("GET", &path))).await;
        assert_eq!(moved.status, StatusCode::PERMANENT_REDIRECT, "{sender}");
        assert_eq!(
            moved.header("location"),
            format!("http://one.example{path}")
        );
        moved.detail();
        let cancel = format!("{path}/cancel?x=y");
        let moved = other.ask(empty(request("POST", &cancel))).await;
        assert_eq!(
            moved.header("location"),
            format!("http://one.example{cancel}")
        );
        // A client that sends its content at once may be unable to send it again.
        let uploaded = other.ask(put(&path)).await;
        assert_eq!(uploaded.status, StatusCode::OK, "{}", uploaded.text);
        let read = one.ask(read(&path)).await;
        assert_eq!(read.json()["data_response"]["code"], 250);
        assert_eq!(upstream.only_received().text(), MESSAGE);
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_sent_to_a_replica_that_is_about_to_stop() {
    let (_net, one, other) = two(&Script::new()).await;
    let path = one.create("app").await;
    one.storage.withdraw_address().await.unwrap();
    let here = other.ask(empty(request("GET", &path))).await;
    assert_eq!(here.status, StatusCode::OK, "{}", here.text);
    let uploaded = other.ask(put(&path)).await;
    assert_eq!(uploaded.status, StatusCode::OK, "{}", uploaded.text);
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_to_be_asked_for_its_content_is_sent_there() {
    let (_net, one, other) = two(&Script::new()).await;
    let path = one.create("app").await;
    let mut asked = put(&path);
    asked
        .headers_mut()
        .insert("expect", "100-continue".parse().unwrap());
    let moved = other.ask(asked).await;
    assert_eq!(moved.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(
        moved.header("location"),
        format!("http://one.example{path}/body")
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_with_what_is_passed_on_and_is_not_sent_elsewhere() {
    let (net, store, upstream) = (Net::default(), store(), Script::new());
    let (secret, hash) = generate_token();
    let (stranger, hash_of_stranger) = generate_token();
    let with_tokens = |server: Server| {
        let token = |hash: &str, sender: &str| Token {
            senders: Some(vec![sender.into()]),
            ..Token::from_hex(sender, hash).unwrap()
        };
        let tokens = [token(&hash, "app"), token(&hash_of_stranger, "gw")];
        server.with_auth(Auth::new(tokens, Arc::new(SystemClock)))
    };
    let one = net
        .join_as(&store, "one.example", &upstream, with_tokens)
        .await;
    let other = net
        .join_as(&store, "other.example", &upstream, with_tokens)
        .await;
    let with = |mut request: Request, secret: &str| {
        let bearer = format!("Bearer {secret}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        request
            .headers_mut()
            .insert("host", "mail.example.com".parse().unwrap());
        request
    };
    let create = json_request("POST", "/senders/app/transactions", ENVELOPE);
    let created = one.ask(with(create, &secret)).await;
    let path = path_of(created.header("location")).to_owned();

    let answer = other.ask(empty(request("GET", &path))).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let answer = other
        .ask(with(empty(request("GET", &path)), &stranger))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = other.ask(with(empty(request("GET", &path)), &secret)).await;
    assert_eq!(answer.status, StatusCode::OK);
    // Locations have the host that the client has named.
    let uri = &answer.json()["body"]["blob_status"]["uri"];
    assert_eq!(*uri, format!("http://mail.example.com{path}/body"));
    let answer = other.ask(with(put(&path), &secret)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = other.ask(with(read(&path), &secret)).await;
    assert_eq!(answer.json()["data_response"]["code"], 250);
    assert_eq!(upstream.only_received().text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn what_was_passed_on_goes_no_farther() {
    let (net, one, other) = two(&Script::new()).await;
    let path = one.create("gw").await;
    // The replica there would ask this one.
    net.set("one.example", Some(other.router.clone()));
    let asked = json_request("PATCH", &path, "{}");
    let answer = timeout(TERM, other.ask(asked)).await.unwrap();
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_read_hears_at_once_what_another_replica_does() {
    let slow = Scripted::After(Duration::from_secs(5), Reply::message_accepted());
    let (net, store) = (Net::default(), store());
    let upstream = Script::new().message(slow);
    let one = net.join(&store, "one.example", &upstream).await;
    let all = |server: Server| server;
    let other = net.join_as(&store, "other.example", &upstream, all).await;
    let path = one.create("app").await;
    let begun = Instant::now();
    assert_eq!(other.ask(put(&path)).await.status, StatusCode::OK);
    // It has a token, though an arbitrary one, so that it is passed on.
    let mut hanging = read(&path);
    hanging
        .headers_mut()
        .insert("authorization", "Bearer x".parse().unwrap());
    let answer = other.ask(hanging).await;
    assert_eq!(answer.json()["data_response"]["code"], 250);
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_read_follows_what_another_replica_takes_up() {
    let slow = Scripted::After(Duration::from_secs(5), Reply::message_accepted());
    let upstream = Script::new().message(slow);
    let (_net, one, other) = two(&upstream).await;
    // It is queued, and not attempted before that time.
    let at = one.storage.clock().now() + Duration::from_secs(3);
    let body = r#""body": {"inline": "A: b\r\n\r\nc\r\n"}"#;
    let later = ENVELOPE.trim_end_matches('}');
    let later = format!(r#"{later}, "send_at": "{at}", {body}}}"#);
    let created = one
        .ask(json_request("POST", "/senders/app/transactions", &later))
        .await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    let path = path_of(created.header("location")).to_owned();
    let reading = tokio::spawn({
        let (router, read) = (one.router.clone(), read(&path));
        async move { send(router, read).await }
    });
    let begun = Instant::now();
    let dispatcher = Dispatcher::new(other.storage.clone(), other.output.clone(), 1);
    let dispatching = tokio::spawn(dispatcher.run(pending()));
    let answer = reading.await.unwrap();
    assert_eq!(answer.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(
        answer.header("location"),
        format!("http://other.example{path}")
    );
    assert!(begun.elapsed() <= Duration::from_secs(3) + TERM / 8);
    let answer = other.ask(read(&path)).await;
    assert_eq!(answer.json()["data_response"]["code"], 250);
    dispatching.abort();
}

#[tokio::test(start_paused = true)]
async fn content_is_passed_on_as_it_comes() {
    let upstream = Script::new();
    let (_net, one, other) = two(&upstream).await;
    let path = one.create("app").await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<&'static str, BoxError>>(1);
    let content = tokio_stream(receiver);
    let put = request("PUT", &format!("{path}/body"))
        .body(content)
        .unwrap();
    let uploading = tokio::spawn(send(other.router.clone(), put));
    for part in ["A: b\r\n", "\r\n"] {
        sender.send(Ok(part)).await.unwrap();
        at_rest().await;
    }
    assert!(!uploading.is_finished());
    sender.send(Ok("c\r\n")).await.unwrap();
    drop(sender);
    assert_eq!(uploading.await.unwrap().status, StatusCode::OK);
    one.ask(read(&path)).await;
    assert_eq!(upstream.only_received().text(), MESSAGE);
}

fn tokio_stream(mut receiver: tokio::sync::mpsc::Receiver<Result<&'static str, BoxError>>) -> Body {
    let next = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
    Body::new(
        Body::from_stream(next)
            .map_err(axum::Error::new)
            .boxed_unsync(),
    )
}
