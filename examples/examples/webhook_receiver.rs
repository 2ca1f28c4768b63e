//! A server that is told of events by webhooks, and accepts signed requests only: an ordinary axum
//! program that uses no Koukan crate.
//!
//! ```sh
//! openssl rand -base64 32 > webhook.secret
//! cargo run -p koukan-examples --example webhook_receiver -- 127.0.0.1:8003 webhook.secret
//! ```
//!
//! The agent's configuration then has `storage: { events: {} }`, and `webhooks: [{ url:
//! "http://127.0.0.1:8003/", secret_file: webhook.secret }]`. The same in Python and JavaScript is
//! in `examples/webhooks`.

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]
#![allow(
    clippy::disallowed_methods,
    reason = "it looks at the clock that its user has"
)]

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// How far the clocks may differ, in seconds: an older request may be a replay.
const TOLERANCE: u64 = 300;

/// The most octets in a request.
const CONTENT_MAX: usize = 32 << 20;

struct Receiver {
    /// There are two while one is being replaced.
    secrets: Vec<Vec<u8>>,
    /// The last event that was accepted: repeated events are recognised by their numbers.
    last: Mutex<u64>,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other(
            "say where to listen, and where the secret is",
        ));
    };
    let secrets = std::fs::read_to_string(file)?
        .split_whitespace()
        .map(|line| STANDARD.decode(line.strip_prefix("whsec_").unwrap_or(line)))
        .collect::<Result<_, _>>()
        .map_err(io::Error::other)?;
    let receiver = Arc::new(Receiver {
        secrets,
        last: Mutex::new(0),
    });
    let routes = Router::new()
        .route("/", post(take))
        .layer(DefaultBodyLimit::max(CONTENT_MAX))
        .with_state(receiver);
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, routes).await
}

async fn take(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    content: Bytes,
) -> StatusCode {
    if receiver.is_ours(&headers, &content) != Some(true) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(content) = serde_json::from_slice::<Value>(&content) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut last = receiver.last.lock().unwrap_or_else(PoisonError::into_inner);
    for event in content["data"]["events"].as_array().into_iter().flatten() {
        let number = event["id"].as_str().and_then(|id| id.parse().ok());
        if let Some(number) = number.filter(|number| number > &*last) {
            println!("{event}");
            *last = number;
        }
    }
    // Sent when everything is done with the events: what is not accepted is sent again.
    StatusCode::NO_CONTENT
}

impl Receiver {
    /// Whether somebody who knows a secret has sent this recently.
    fn is_ours(&self, headers: &HeaderMap, content: &[u8]) -> Option<bool> {
        let text = |name| headers.get(name)?.to_str().ok();
        let (name, sent) = (text("webhook-id")?, text("webhook-timestamp")?);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        if now.abs_diff(sent.parse().ok()?) > TOLERANCE {
            return Some(false);
        }
        let is_signed = |signature: &[u8]| {
            self.secrets.iter().any(|secret| {
                let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret) else {
                    return false;
                };
                mac.chain_update(format!("{name}.{sent}."))
                    .chain_update(content)
                    // A comparison in constant time.
                    .verify_slice(signature)
                    .is_ok()
            })
        };
        let mut signatures = text("webhook-signature")?.split(' ');
        Some(signatures.any(|signature| {
            let signature = signature.strip_prefix("v1,");
            let octets = signature.and_then(|text| STANDARD.decode(text).ok());
            octets.is_some_and(|octets| is_signed(&octets))
        }))
    }
}
