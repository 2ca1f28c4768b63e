//! A web service with a mail transfer agent inside: its own axum routes, the REST API beside them,
//! an SMTP listener, and one durable queue for both.
//!
//! ```sh
//! cargo run -p koukan-examples --example embed_axum -- 127.0.0.1:8080 127.0.0.1:1025 127.0.0.1:3025
//! cargo run -- sink --listen 127.0.0.1:3025                       # the destination
//! curl -d bob@example.com http://127.0.0.1:8080/welcome           # the service's own route
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use koukan_core::{
    blob::{BlobPool, Limits},
    clock::SystemClock,
    context::Sender,
    resource::{BodySource, Create, Draft, Operation, ResourceRequest, ResourceResponse, WaitFor},
    service::BoxMailService,
    stage::{
        dispatcher::Dispatcher,
        exploder::{Exploder, Policy},
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        rest_handler::{RestHandler, SenderPolicy, Settings},
        storage_writer::StorageWriter,
    },
    storage::Storage,
    transaction::{Mail, Rcpt},
};
use koukan_rest::server::{Server as RestServer, ServerSettings, serve};
use koukan_smtp::{Server, SmtpEndpoint, client::ClientSettings};
use koukan_storage::{SqliteBackend, TempSpill};
use serde_json::json;
use tokio::net::TcpListener;
use tower::{BoxError, ServiceExt};

type Agent = RestHandler<OutputHandler<Chain>>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let (http, smtp) = (argument("127.0.0.1:8080"), argument("127.0.0.1:1025"));
    let upstream = argument("127.0.0.1:3025");

    let directory = tempfile::tempdir()?;
    let backend = SqliteBackend::open(directory.path().join("queue.sqlite")).await?;
    let spill = Arc::new(TempSpill::open(directory.path())?);
    let pool = BlobPool::new(Limits::default(), spill);
    let storage = Storage::open(Arc::new(backend.clone()), pool, Arc::new(SystemClock)).await?;

    let settings = ClientSettings::new("mail.example.com")?.with_hosts([upstream.parse()?]);
    let chain = Chain {
        service: BoxMailService::new(SmtpEndpoint::new(settings)),
        retry: RetryPolicy::default(),
    };
    let notifications = Notifications {
        reporting_mta: "mail.example.com".into(),
        sender: Sender::new("notification"),
    };
    let output = OutputHandler::new(chain, notifications);
    let dispatcher = Dispatcher::new(storage.clone(), output.clone(), 100);

    // Mail by SMTP, and mail by HTTP: two ways into the same queue.
    let writer = StorageWriter::new(storage.clone(), output.clone());
    let mail = Exploder::new(writer, Policy::Submission, storage.pool().clone());
    let senders = HashMap::from([(Sender::new("submission"), SenderPolicy::default())]);
    let agent = RestHandler::new(storage.clone(), output, senders, Settings::default());

    let routes = Router::new()
        .route("/welcome", post(welcome))
        .with_state(agent.clone())
        .merge(RestServer::new(agent, ServerSettings::default()).router());
    let http = TcpListener::bind(&http).await?;
    let smtp = TcpListener::bind(&smtp).await?;
    println!("listening on {}", http.local_addr()?);
    tokio::select! {
        () = dispatcher.run(std::future::pending()) => {}
        () = Server::new(mail).run(smtp, std::future::pending()) => {}
        served = serve(http, routes, std::future::pending()) => served?,
        signal = tokio::signal::ctrl_c() => signal?,
    }
    storage.flush().await;
    backend.close().await;
    Ok(())
}

/// Sends a welcome to the address in the request, and tells what the destination said.
async fn welcome(State(agent): State<Agent>, to: String) -> (StatusCode, String) {
    let Ok(to) = to.trim().parse::<koukan_core::path::ForwardPath>() else {
        return (StatusCode::BAD_REQUEST, "not an address\n".into());
    };
    let create = Create {
        sender: Sender::new("submission"),
        draft: Draft {
            mail_from: Some(Mail::new(koukan_core::path::ReversePath::Null)),
            body: Some(BodySource::MessageBuilder(json!({
                "headers": [["from", [{"address": "service@example.com"}]],
                            ["to", [{"address": to.as_str()}]],
                            ["subject", "welcome"]],
                "text_body": [{"content_type": "text/plain", "content": {"inline": "Welcome!"}}],
            }))),
            rcpt_to: vec![Rcpt::new(to)],
            ..Draft::default()
        },
        wait: Some(Duration::from_secs(10)),
        wait_for: WaitFor::End,
        idempotency_key: None,
    };
    let request = ResourceRequest::trusted(Operation::Create(Box::new(create)));
    match agent.oneshot(request).await {
        Ok(ResourceResponse::Created(created)) => match created.view.data_response {
            Some(reply) => (StatusCode::OK, format!("{reply}\n")),
            None => (StatusCode::ACCEPTED, "on its way\n".into()),
        },
        Ok(ResourceResponse::Refused(refusal)) => (StatusCode::BAD_REQUEST, format!("{refusal}\n")),
        Ok(_) | Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "try again\n".into()),
    }
}
