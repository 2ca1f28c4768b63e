//! A server that answers as one of the previous version did.

use std::{
    collections::HashSet,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, Response, StatusCode},
};
use http_body_util::BodyExt as _;
use koukan_rest::server::{ConnectionSettings, serve_with};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::steps::{Asked, Step, TOKEN, Told, octets, recorded};

/// How long a read may wait; then it is answered, even if nothing has changed.
const HANGING: Duration = Duration::from_secs(20);

/// A recording that is being played.
pub(crate) struct Player {
    steps: Vec<Step>,
    pub(crate) url: String,
    /// The numbers of the requests that have arrived. Reads have no numbers: there may be more or fewer of them.
    come: watch::Sender<HashSet<u64>>,
    strange: Mutex<Vec<String>>,
}

impl Player {
    pub(crate) async fn start(name: &str) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let player = Arc::new(Self {
            steps: recorded(name),
            url: format!("http://{}", listener.local_addr().unwrap()),
            come: watch::Sender::default(),
            strange: Mutex::default(),
        });
        let playing = Arc::clone(&player);
        let router = Router::new().fallback(move |request: Request<Body>| {
            let player = Arc::clone(&playing);
            async move { player.answer(request).await }
        });
        tokio::spawn(serve_with(
            listener,
            router,
            ConnectionSettings::default(),
            pending(),
        ));
        player
    }

    /// Waits until all recorded requests have arrived; there must be no others.
    pub(crate) async fn finished(&self) {
        let all: HashSet<_> = self.changes().map(|asked| asked.number).collect();
        let mut come = self.come.subscribe();
        let until = Instant::now() + HANGING;
        let is_finished = timeout_at(until, come.wait_for(|come| *come == all)).await;
        let strange = self.strange.lock().unwrap();
        assert!(strange.is_empty(), "{strange:?}");
        assert!(is_finished.is_ok(), "{:?} of {all:?}", self.come.borrow());
    }

    /// The recorded message, as it was after the router's filters.
    pub(crate) fn message(&self) -> Bytes {
        let sent = self.changes().find(|asked| asked.method == "PUT");
        octets(&sent.unwrap().content).into()
    }

    fn changes(&self) -> impl Iterator<Item = &Asked> {
        let asked = self.steps.iter().filter_map(|step| match step {
            Step::Asked(asked) => Some(asked),
            Step::Told(_) => None,
        });
        asked.filter(|asked| asked.changes())
    }

    /// The answers, each with the changes that preceded it.
    fn answers(&self) -> impl Iterator<Item = (&Told, HashSet<u64>)> {
        let mut before = HashSet::new();
        self.steps.iter().filter_map(move |step| match step {
            Step::Asked(asked) => {
                if asked.changes() {
                    before.insert(asked.number);
                }
                None
            }
            Step::Told(told) => Some((told, before.clone())),
        })
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        // An incomplete request does not count.
        let Ok(content) = body.collect().await else {
            return empty(StatusCode::BAD_REQUEST);
        };
        let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap());
        if header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return empty(StatusCode::UNAUTHORIZED);
        }
        let (method, path) = (head.method.as_str(), head.uri.path());
        if method == "GET" {
            return self.read(path, header("if-none-match")).await;
        }
        let mut number = None;
        self.come.send_if_modified(|come| {
            let mut known = self.changes().filter(|asked| {
                let is_it = asked.method == method && asked.target == path;
                is_it && !come.contains(&asked.number)
            });
            number = known.next().map(|asked| asked.number);
            number.is_some_and(|number| come.insert(number))
        });
        let Some(number) = number else {
            let mut strange = self.strange.lock().unwrap();
            strange.push(format!("{method} {path}"));
            return empty(StatusCode::NOT_FOUND);
        };
        let mut changes = self.changes();
        let asked = changes.find(|asked| asked.number == number).unwrap();
        self.compare(asked, &content.to_bytes());
        let mut answers = self.answers();
        let (told, before) = answers.find(|(told, _)| told.number == number).unwrap();
        let mut come = self.come.subscribe();
        come.wait_for(|come| before.is_subset(come)).await.unwrap();
        self.play(told)
    }

    /// Notes a request that differs from the recorded one.
    fn compare(&self, asked: &Asked, content: &[u8]) {
        let mut strange = self.strange.lock().unwrap();
        let Value::Object(old) = &asked.content else {
            if octets(&asked.content).as_bytes() != content {
                strange.push(format!("{asked:?}: {}", String::from_utf8_lossy(content)));
            }
            return;
        };
        let new: Value = serde_json::from_slice(content).unwrap_or_default();
        for name in ["mail_from", "rcpt_to", "rcpt_to_list_offset"] {
            let (old, new) = (old.get(name), new.get(name));
            if old != new {
                strange.push(format!("{name} of {asked:?}: {new:?}"));
            }
        }
    }

    /// The newest recorded answer, once it differs from what the client knows.
    async fn read(&self, path: &str, known: Option<&str>) -> Response<Body> {
        let newest = |come: &HashSet<u64>| {
            let answers = self.answers().filter(|(_, before)| before.is_subset(come));
            let views = answers.map(|(told, _)| told);
            let views = views.filter(|told| told.content["uri"].as_str().is_some());
            let own = views.filter(|told| told.content["uri"].as_str().unwrap().ends_with(path));
            own.last()
        };
        let mut come = self.come.subscribe();
        let until = Instant::now() + HANGING;
        loop {
            let told = newest(&come.borrow_and_update());
            match told {
                None => return empty(StatusCode::NOT_FOUND),
                Some(told) if told.headers.get("etag").map(String::as_str) != known => {
                    return self.play(told);
                }
                Some(_) => {}
            }
            if timeout_at(until, come.changed()).await.is_err() {
                return empty(StatusCode::NOT_MODIFIED);
            }
        }
    }

    fn play(&self, told: &Told) -> Response<Body> {
        let here = |text: &str| {
            let text = text.replace("http://router.example", &self.url);
            text.replace("http://gateway.example", &self.url)
        };
        let mut response = Response::builder().status(told.status);
        for (name, value) in &told.headers {
            response = response.header(name, here(value));
        }
        let content = Body::from(here(&octets(&told.content)));
        response.body(content).unwrap()
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let response = Response::builder().status(status);
    response.body(Body::empty()).unwrap()
}
