//! An application that receives parsed mail with attachments by HTTP, and prints it: an ordinary
//! axum program that uses no Koukan crate.
//!
//! ```sh
//! cargo run -p koukan-examples --example rest_receiver -- 127.0.0.1:8002
//! cargo run -- sink --listen 127.0.0.1:3025                       # in other terminals
//! cargo run --bin koukan-router -- --config config/local/router.yaml
//! cargo run --bin koukan-gateway -- --config config/local/gateway.yaml
//! swaks --to bob@rest-application.example.com --server 127.0.0.1:1025 --attach @README.md
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde_json::{Value, json};

/// The most octets in a message or one of its parts.
const MESSAGE_MAX: usize = 64 << 20;

type Shared = Arc<Receiver>;

#[derive(Default)]
struct Receiver {
    next: AtomicU64,
    transactions: Mutex<BTreeMap<u64, Transaction>>,
}

/// A message that is being received.
#[derive(Default)]
struct Transaction {
    from: String,
    to: String,
    /// The parsed message, once it has arrived.
    parsed: Option<Value>,
    /// Its parts that have arrived, by their ids in the parsed message.
    parts: BTreeMap<String, Option<Bytes>>,
    /// The message itself, which arrives last.
    message: Option<Bytes>,
    version: u64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listen = std::env::args().nth(1);
    let listen = listen.unwrap_or_else(|| "127.0.0.1:8002".into());
    let routes = Router::new()
        .route("/senders/{sender}/transactions", post(create))
        .route("/transactions/{id}", get(read))
        .route(
            "/transactions/{id}/message_builder",
            post(parsed).put(parsed),
        )
        .route("/transactions/{id}/blob/{blob}", put(part))
        .route("/transactions/{id}/body", put(message))
        .route("/transactions/{id}/cancel", post(cancel))
        .layer(DefaultBodyLimit::max(MESSAGE_MAX))
        .with_state(Shared::default());
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, routes).await
}

/// MAIL and RCPT: to refuse a recipient, put another `code` into `rcpt_response` here.
async fn create(
    State(receiver): State<Shared>,
    Path(_sender): Path<String>,
    Json(asked): Json<Value>,
) -> Response {
    let id = receiver.next.fetch_add(1, Ordering::Relaxed);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let transaction = Transaction {
        from: text(&asked["mail_from"]["m"]),
        to: text(&asked["rcpt_to"][0]["m"]),
        ..Transaction::default()
    };
    let mut answer = transaction.answer(id).into_response();
    receiver.lock().insert(id, transaction);
    *answer.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(&format!("/transactions/{id}")) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}

async fn read(State(receiver): State<Shared>, Path(id): Path<u64>) -> Response {
    receiver.with(id, |_| Ok(()))
}

/// The message as JSON: its headers, its text, and the ids of the parts that follow.
async fn parsed(
    State(receiver): State<Shared>,
    Path(id): Path<u64>,
    Json(message): Json<Value>,
) -> Response {
    receiver.with(id, |transaction| {
        let mut ids = Vec::new();
        create_ids(&message, &mut ids);
        transaction.parts = ids.into_iter().map(|id| (id, None)).collect();
        transaction.parsed = Some(message);
        Ok(())
    })
}

async fn part(
    State(receiver): State<Shared>,
    Path((id, part)): Path<(u64, String)>,
    octets: Bytes,
) -> Response {
    receiver.with(id, |transaction| {
        let place = transaction.parts.get_mut(&part);
        *place.ok_or(StatusCode::NOT_FOUND)? = Some(octets);
        Ok(())
    })
}

/// The message as it arrived by SMTP. Its end completes the transaction.
async fn message(
    State(receiver): State<Shared>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    octets: Bytes,
) -> Response {
    if headers.contains_key(header::CONTENT_RANGE) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    receiver.with(id, |transaction| {
        transaction.message = Some(octets);
        transaction.print();
        Ok(())
    })
}

async fn cancel(State(receiver): State<Shared>, Path(id): Path<u64>) -> Response {
    let answer = receiver.with(id, |_| Ok(()));
    receiver.lock().remove(&id);
    answer
}

impl Receiver {
    /// Changes a transaction, and answers with its new state.
    fn with(
        &self,
        id: u64,
        change: impl FnOnce(&mut Transaction) -> Result<(), StatusCode>,
    ) -> Response {
        let mut transactions = self.lock();
        let Some(transaction) = transactions.get_mut(&id) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        if let Err(status) = change(transaction) {
            return status.into_response();
        }
        transaction.version += 1;
        transaction.answer(id).into_response()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Transaction>> {
        self.transactions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transaction {
    fn answer(&self, id: u64) -> impl IntoResponse + use<> {
        let ok = json!({"code": 250, "message": "2.0.0 ok"});
        let mut builder = json!({"uri": format!("/transactions/{id}/message_builder")});
        if self.parsed.is_some() {
            let status = self.parts.iter().map(|(part, octets)| {
                let uri = format!("/transactions/{id}/blob/{part}");
                let status = json!({"uri": uri, "finalized": octets.is_some()});
                (part.clone(), status)
            });
            builder = json!({"blob_status": Value::Object(status.collect())});
        }
        let body =
            json!({"uri": format!("/transactions/{id}/body"), "finalized": self.message.is_some()});
        let mut json = json!({
            "mail_from": {}, "rcpt_to": [{}],
            "mail_response": ok, "rcpt_response": [ok],
            "body": {"blob_status": body, "message_builder": builder},
        });
        if self.message.is_some() {
            json["data_response"] = ok;
        }
        ([(header::ETAG, self.version.to_string())], Json(json))
    }

    fn print(&self) {
        let len = self.message.as_ref().map_or(0, Bytes::len);
        println!("from {} to {}: {len} octets", self.from, self.to);
        let Some(parsed) = &self.parsed else { return };
        for header in parsed["headers"].as_array().into_iter().flatten() {
            println!(
                "  {}: {}",
                header[0].as_str().unwrap_or_default(),
                header[1]
            );
        }
        for list in ["text_body", "related_attachments", "file_attachments"] {
            for part in parsed[list].as_array().into_iter().flatten() {
                self.print_part(list, part);
            }
        }
    }

    fn print_part(&self, list: &str, part: &Value) {
        let content = &part["content"];
        let told = match (content["inline"].as_str(), content["create_id"].as_str()) {
            (Some(text), _) => format!("{text:?}"),
            (None, Some(id)) => {
                let octets = self.parts.get(id).and_then(Option::as_ref);
                format!("{} octets", octets.map_or(0, Bytes::len))
            }
            (None, None) => "nothing".into(),
        };
        let name = part["filename"].as_str().unwrap_or("-");
        println!("  {list}: {} {name}: {told}", part["content_type"]);
    }
}

/// The ids of all contents that are to follow, wherever they are in the JSON.
fn create_ids(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), field.as_str()) {
                    ("create_id", Some(id)) => ids.push(id.to_owned()),
                    _ => create_ids(field, ids),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| create_ids(value, ids)),
        _ => {}
    }
}
