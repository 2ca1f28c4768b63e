//! A web service with a mail transfer agent inside: its own axum routes, the REST API beside them, an
//! SMTP listener, and one queue for all three.
//!
//! ```sh
//! cargo run -p koukan-examples --example embed_axum -- 127.0.0.1:8080 127.0.0.1:1025 127.0.0.1:3025
//! cargo run -- sink --listen 127.0.0.1:3025                       # the destination
//! curl -d bob@example.com http://127.0.0.1:8080/welcome           # the service's own route
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::env;

use axum::{Router, http::StatusCode, routing::post};
use koukan_core::middleware::{Deliver, DeliverRequest};
use koukan_core::path::{ForwardPath, ReversePath};
use koukan_core::stage::store_and_forward::StoreAndForward;
use koukan_core::transaction::{Mail, Rcpt};
use koukan_core::{blob::Blob, context::Context, context::Sender};
use koukan_rest::server::{Server as RestServer, ServerSettings, serve};
use koukan_smtp::{Server, SmtpEndpoint, client::ClientSettings};
use tokio::{join, net::TcpListener, signal::ctrl_c};
use tower::{BoxError, ServiceExt};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let arg = |number, default: &str| env::args().nth(number).unwrap_or(default.into());
    let smtp = ClientSettings::new("mx.example")?.with_hosts([arg(3, "127.0.0.1:3025").parse()?]);
    let queue = StoreAndForward::builder(SmtpEndpoint::new(smtp))
        .open()
        .await?;
    let (mail, sender) = (queue.submission(), Sender::new("submission"));
    let api = queue.resources([(sender.clone(), Default::default())]);
    let api = RestServer::new(api, ServerSettings::default()).router();
    let welcome = |to: String| async move {
        let to: ForwardPath = to.trim().parse().map_err(|_| StatusCode::BAD_REQUEST)?;
        let text = format!("From: us@example.com\r\nTo: {to}\r\n\r\nWelcome!\r\n");
        let (context, text) = (Context::new(sender).into(), Blob::from_bytes(text.into()));
        let mut request = DeliverRequest::new(context, Mail::new(ReversePath::Null), text);
        request.recipients.push(Rcpt::new(to));
        let Ok(outcome) = Deliver::new(mail).oneshot(request).await;
        Ok::<_, StatusCode>(outcome.verdict(0).to_string())
    };
    let routes = Router::new().route("/welcome", post(welcome)).merge(api);
    let http = TcpListener::bind(arg(1, "127.0.0.1:8080")).await?;
    let smtp = TcpListener::bind(arg(2, "127.0.0.1:1025")).await?;
    println!("listening on {}", http.local_addr()?);
    let stop = async || drop(ctrl_c().await);
    let smtp = Server::new(queue.submission()).run(smtp, stop());
    join!(queue.run(stop()), smtp, serve(http, routes, stop())).2?;
    Ok(())
}
