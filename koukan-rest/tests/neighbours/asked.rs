//! Sends the requests of a gateway or a router of the previous version to today's server.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use http_body_util::BodyExt as _;
use koukan_core::{
    blob::BlobPool,
    clock::SystemClock,
    context::Sender,
    reply::Reply,
    service::BoxMailService,
    stage::{
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        rest_handler::{RestHandler, RestHandlerSettings, SenderPolicy},
    },
    storage::{MemoryBackend, Storage},
    test_util::{Answer, End, Script, TokioClock},
};
use koukan_rest::{
    auth::{Auth, Token},
    server::{Server, ServerSettings},
};
use serde_json::Value;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::{
    shape::lacks,
    steps::{Asked, MESSAGE, Step, TOKEN_HASH, Told, octets, recorded},
};

/// How often a client asks for a later version until it gets the one that it waits for.
const READS: usize = 10;
const SLOWNESS: Duration = Duration::from_millis(1500);

/// A server in front of an upstream that behaves as the sink did when the recording was made.
async fn server(upstream: &Script) -> Router {
    let clock = Arc::new(TokioClock::default());
    let storage = Storage::open(Arc::new(MemoryBackend::new()), BlobPool::default(), clock);
    let chain = Chain {
        service: BoxMailService::new(upstream.clone()),
        retry: RetryPolicy::default(),
    };
    let notifications = Notifications {
        reporting_mta: "mx.example.com".into(),
        sender: Sender::new("notification"),
    };
    let senders = [
        Sender::new("ingress").with_tag("smtp-mx"),
        Sender::new("output"),
    ];
    let senders = senders.map(|sender| (sender, SenderPolicy::incremental()));
    let handler = RestHandler::new(
        storage.await.unwrap(),
        OutputHandler::new(chain, notifications),
        HashMap::from(senders),
        RestHandlerSettings::default(),
    );
    let token = Token {
        trusted: true,
        ..Token::from_hex("neighbour", TOKEN_HASH).unwrap()
    };
    let auth = Auth::new([token], Arc::new(SystemClock));
    let server = Server::new(handler, ServerSettings::default());
    server.with_auth(auth).router()
}

fn sink() -> Script {
    Script::new()
        .rcpt("nobody@example.com", Reply::no_such_user())
        .rcpt("later@example.com", Reply::mailbox_busy())
}

#[derive(Clone)]
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    content: Value,
}

impl Answered {
    fn version(&self) -> &str {
        self.headers["etag"].to_str().unwrap()
    }
}

/// Maps the recorded server's values to those of today's server.
#[derive(Default)]
struct Places {
    /// The paths of transactions, by the recorded paths.
    paths: HashMap<String, String>,
    /// The last answer about each.
    views: HashMap<String, Answered>,
}

impl Places {
    fn target(&self, recorded: &str) -> String {
        let mut known = self.paths.iter();
        let known = known.find(|(old, _)| recorded.starts_with(old.as_str()));
        match known {
            Some((old, new)) => recorded.replacen(old, new, 1),
            None => recorded.to_owned(),
        }
    }
}

fn path_of(url: &str) -> String {
    url[url.find("/transactions/").unwrap()..].to_owned()
}

/// The conversation that is played again.
struct Replay {
    router: Router,
    places: Arc<Mutex<Places>>,
}

impl Replay {
    fn request(&self, asked: &Asked, version: Option<&str>) -> Request<Body> {
        let places = self.places.lock().unwrap();
        let target = places.target(&asked.target);
        let mut request = Request::builder().method(&*asked.method).uri(&target);
        for (name, value) in &asked.headers {
            let is_version = ["if-match", "if-none-match"].contains(&&**name);
            let newest = places.views.get(&target).map(Answered::version);
            let value = match is_version {
                true => version.or(newest).unwrap(),
                false => value,
            };
            request = request.header(name, value);
        }
        request
            .header("host", "server.example")
            .body(Body::from(octets(&asked.content)))
            .unwrap()
    }

    async fn send(router: Router, request: Request<Body>) -> Answered {
        let response = router.oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let octets = body.collect().await.unwrap().to_bytes();
        Answered {
            status: head.status,
            headers: head.headers,
            content: serde_json::from_slice(&octets).unwrap_or(Value::Null),
        }
    }

    /// The version that is known already; a client that waits for it need not ask.
    fn known(&self, asked: &Asked, told: Option<&Told>) -> Option<Answered> {
        let told = told.filter(|_| !asked.changes())?;
        let places = self.places.lock().unwrap();
        let known = places.views.get(&places.target(&asked.target))?;
        let is_enough = lacks(&told.content, &known.content).is_none();
        is_enough.then(|| Answered {
            status: StatusCode::OK,
            ..known.clone()
        })
    }

    /// Sends a request. If a later version is awaited and the answer is of an earlier one, asks again, as a client does.
    fn ask(self: &Arc<Self>, asked: Asked, told: Option<Told>) -> JoinHandle<Answered> {
        let this = Arc::clone(self);
        if let Some(known) = this.known(&asked, told.as_ref()) {
            return tokio::spawn(async move { known });
        }
        let request = this.request(&asked, None);
        tokio::spawn(async move {
            let mut answered = Self::send(this.router.clone(), request).await;
            for _ in 0..READS {
                let Some(told) = told.as_ref().filter(|_| !asked.changes()) else {
                    break;
                };
                if lacks(&told.content, &answered.content).is_none() {
                    break;
                }
                let request = this.request(&asked, Some(answered.version()));
                let next = Self::send(this.router.clone(), request).await;
                if next.status == StatusCode::NOT_MODIFIED {
                    break;
                }
                answered = next;
            }
            answered
        })
    }

    fn keep(&self, told: &Told, answered: Answered) {
        let mut places = self.places.lock().unwrap();
        if let Some(location) = told.headers.get("location") {
            let new = answered.headers["location"].to_str().unwrap();
            places.paths.insert(path_of(location), path_of(new));
        }
        if told.headers.contains_key("etag") {
            let uri = answered.content["uri"].as_str().unwrap();
            places.views.insert(path_of(uri), answered);
        }
    }
}

/// Sends all recorded requests in order, and checks each answer.
async fn replay(name: &str, upstream: &Script) {
    let steps = recorded(name);
    let answer_to = |number: u64| {
        steps.iter().find_map(|step| match step {
            Step::Told(told) if told.number == number => Some(told.clone()),
            _ => None,
        })
    };
    let replay = Arc::new(Replay {
        router: server(upstream).await,
        places: Arc::default(),
    });
    let mut open = HashMap::new();
    for step in &steps {
        match step {
            Step::Asked(asked) => {
                let told = answer_to(asked.number);
                open.insert(asked.number, replay.ask(asked.clone(), told));
            }
            Step::Told(told) => {
                let answered = open.remove(&told.number).unwrap().await.unwrap();
                let at = format!("{name}, answer {}: {}", told.number, answered.content);
                assert_eq!(answered.status, told.status, "{at}");
                assert_eq!(lacks(&told.content, &answered.content), None, "{at}");
                for header in ["location", "etag", "content-type"] {
                    if told.headers.contains_key(header) {
                        assert!(answered.headers.contains_key(header), "{at}: {header}");
                    }
                }
                replay.keep(told, answered);
            }
        }
    }
}

const DIRECTIONS: [&str; 2] = ["gateway-to-router", "router-to-gateway"];

#[tokio::test(start_paused = true)]
async fn mail_of_the_version_before_is_delivered() {
    for direction in DIRECTIONS {
        for name in ["one", "parameters"] {
            let upstream = sink();
            replay(&format!("{name}.{direction}"), &upstream).await;
            let received = upstream.only_received();
            assert_eq!(received.recipient_texts(), ["bob@example.com"]);
            assert!(received.text().ends_with(MESSAGE), "{}", received.text());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn recipients_of_the_version_before_have_replies_of_their_own() {
    let upstream = sink();
    replay("several.gateway-to-router", &upstream).await;
    assert_eq!(upstream.only_received().text(), MESSAGE);
    // In that conversation each recipient has its own transaction.
    let upstream = sink();
    replay("several.router-to-gateway", &upstream).await;
    let ended = upstream.ended(3).await;
    let taken = ended.iter().filter(|one| one.text().ends_with(MESSAGE));
    assert_eq!(taken.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_or_put_off_is_told_the_version_before() {
    for direction in DIRECTIONS {
        for name in ["refused", "deferred", "deferred_message"] {
            let upstream = match name {
                "deferred_message" => sink().message(Reply::local_error()),
                _ => sink(),
            };
            replay(&format!("{name}.{direction}"), &upstream).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_version_before_waits_for_what_is_slow() {
    for direction in DIRECTIONS {
        let upstream = sink()
            .other_rcpts(Answer::After(SLOWNESS, Reply::recipient_ok()))
            .message(Answer::After(SLOWNESS, Reply::message_accepted()));
        replay(&format!("slow.{direction}"), &upstream).await;
        assert!(upstream.only_received().text().ends_with(MESSAGE));
    }
}

#[tokio::test(start_paused = true)]
async fn the_version_before_may_cancel() {
    for direction in DIRECTIONS {
        let upstream = sink();
        replay(&format!("cancelled.{direction}"), &upstream).await;
        let end = &upstream.ended(1).await[0].end;
        assert!(!matches!(end, End::Replied(_)), "{end:?}");
    }
}
