//! Sends a message by the REST API from a Rust service, with an ordinary HTTP client, and prints the outcome.
//!
//! ```sh
//! cargo run -- sink --listen 127.0.0.1:3025                       # in other terminals
//! cargo run -- run --config config/local/koukan.yaml
//! cargo run -p koukan-examples --example rest_send -- 127.0.0.1:8000 bob@example.com
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use tower::BoxError;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().unwrap_or_else(|| "127.0.0.1:8000".into());
    let to = arguments.next().unwrap_or_else(|| "bob@example.com".into());

    let asked = json!({
        "mail_from": {"m": "alice@example.com"},
        "rcpt_to": [{"m": to}],
        "body": {"message_builder": {
            "headers": [
                ["from", [{"display_name": "Alice", "address": "alice@example.com"}]],
                ["to", [{"address": to}]],
                ["subject", "hello from Rust"],
            ],
            "text_body": [{"content_type": "text/plain", "content": {"inline": "hello"}}],
        }},
    });
    let request = Request::post(format!("http://{server}/senders/submission/transactions"))
        .header("content-type", "application/json")
        // One round trip: the answer comes when the destination has answered.
        .header("prefer", "wait=20")
        .body(Full::new(Bytes::from(asked.to_string())))?;
    let client: Client<HttpConnector, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    let body: Value = serde_json::from_slice(&body)?;
    if status != StatusCode::CREATED {
        return Err(format!("refused: {}", body["detail"]).into());
    }
    match body["data_response"]["code"].as_u64() {
        Some(code) => println!("{code} {}", body["data_response"]["message"]),
        None => println!("it is kept, and tried again"),
    }
    Ok(())
}
