//! Whether the agent is alive and takes mail: `/healthz` and `/readyz`.
//!
//! | request | response |
//! |---|---|
//! | `GET /healthz` | 200 while the process answers at all |
//! | `GET /readyz` | 200 while the agent takes mail; 503 while it starts or drains, or while a part that it needs is in trouble |
//!
//! The response text has a line for each part that is in trouble, and then says what works
//! nevertheless:
//!
//! ```text
//! not ready
//! storage: does not answer
//! works: mail that its destination takes while the client waits
//! ```
//!
//! # Example
//!
//! ```no_run
//! use koukan_rest::health::{self, Readiness};
//!
//! # async fn run() -> std::io::Result<()> {
//! let readiness = Readiness::default();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
//! readiness.set(true);
//! axum::serve(listener, health::router(readiness)).await
//! # }
//! ```

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header::CACHE_CONTROL},
    routing::get,
};
use tower_http::{
    catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer, trace::TraceLayer,
};

/// Whether the agent takes mail; clones share the state. At first it does not.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    takes_mail: bool,
    is_leaving: bool,
    /// By the part that is in trouble.
    troubles: BTreeMap<Cow<'static, str>, Trouble>,
}

/// What is wrong with a part of the agent. Everyone who asks for health can read the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong, for example "does not answer".
    pub what: &'static str,
    /// What works nevertheless. If several parts are in trouble, only what all of them name still works.
    pub works: &'static [&'static str],
    /// Whether the agent is ready nevertheless, because everything that it is needed for works.
    pub is_ready: bool,
}

impl Readiness {
    /// Sets whether the agent takes mail.
    pub fn set(&self, is_ready: bool) {
        self.lock().takes_mail = is_ready;
    }

    /// Says that the agent is about to stop: it is not ready from now on, whatever else is said. HTTP/1.1 connections
    /// that know of this ([`ConnectionSettings::with_readiness`](crate::server::ConnectionSettings::with_readiness))
    /// end with their next answer.
    pub fn leave(&self) {
        self.lock().is_leaving = true;
    }

    /// Whether the agent is about to stop.
    pub fn is_leaving(&self) -> bool {
        self.lock().is_leaving
    }

    /// Sets that a part of the agent is in trouble; with `None`, that it no longer is.
    pub fn set_trouble(&self, part: impl Into<Cow<'static, str>>, trouble: Option<Trouble>) {
        let part = part.into();
        let troubles = &mut self.lock().troubles;
        match trouble {
            Some(trouble) => troubles.insert(part, trouble),
            None => troubles.remove(&part),
        };
    }

    /// Whether the agent takes mail, and no part that it needs is in trouble.
    pub fn is_ready(&self) -> bool {
        self.lock().is_ready()
    }

    /// Whether the agent is ready, and the text of the response.
    fn told(&self) -> (bool, String) {
        let known = self.lock();
        (known.is_ready(), known.text())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is_ready(&self) -> bool {
        self.takes_mail
            && !self.is_leaving
            && self.troubles.values().all(|trouble| trouble.is_ready)
    }

    fn text(&self) -> String {
        let state = if self.is_ready() {
            "ready"
        } else {
            "not ready"
        };
        let mut text = format!("{state}\n");
        if self.is_leaving {
            text.push_str("the agent is about to stop\n");
        }
        for (part, trouble) in &self.troubles {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{part}: {}", trouble.what);
        }
        if self.takes_mail {
            for works in self.works() {
                let _ = writeln!(text, "works: {works}");
            }
        }
        text
    }

    /// What works although some parts are in trouble.
    fn works(&self) -> impl Iterator<Item = &'static str> {
        let first = self.troubles.values().next();
        let works = first.map_or(&[][..], |trouble| trouble.works);
        let in_all = |works: &&str| {
            let mut troubles = self.troubles.values();
            troubles.all(|trouble| trouble.works.contains(works))
        };
        works.iter().copied().filter(in_all)
    }
}

/// The routes.
pub fn router(readiness: Readiness) -> Router {
    let no_store = HeaderValue::from_static("no-store");
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(readiness)
        .layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, no_store))
        // Outside of everything that may panic, so that a panic costs only one request.
        .layer(CatchPanicLayer::new())
        // Outermost, so that it sees the response of every layer. An agent that is not ready says
        // so at each request: that is not a failure to be logged.
        .layer(TraceLayer::new_for_http().on_failure(()))
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, String) {
    match readiness.told() {
        (true, text) => (StatusCode::OK, text),
        (false, text) => (StatusCode::SERVICE_UNAVAILABLE, text),
    }
}
