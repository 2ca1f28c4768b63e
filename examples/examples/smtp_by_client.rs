//! Treats mail according to the client: some clients are refused, some have to wait, and neighbours
//! get another service than everybody else.
//!
//! ```sh
//! cargo run -p koukan-examples --example smtp_by_client -- 127.0.0.1:1025
//! swaks --helo neighbour.example --to bob@example.com --server 127.0.0.1:1025
//! swaks --helo localhost --to bob@example.com --server 127.0.0.1:1025
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::time::Duration;

use koukan_core::{
    context::{Context, Sender},
    reply::Reply,
    service::{BoxMailService, MailService},
    transaction::Transaction,
};
use koukan_smtp::{
    Server,
    server::{Greeting, Introduction, Step},
};
use tokio::net::TcpListener;
use tower::{BoxError, ServiceBuilder, service_fn};

/// The name that a client gives itself.
fn name(client: &Context) -> &str {
    client.client_name.as_ref().map_or("", |name| &name.name)
}

/// Called for each client before it may say MAIL.
async fn greet(mut client: Introduction) -> Result<Greeting, BoxError> {
    if client.step == Step::Hello {
        match name(&client.context) {
            "localhost" => {
                let reply = Reply::policy_refused().with_text("that is not who you are");
                return Ok(reply.into());
            }
            // A name without a dot belongs to nobody we know; make such clients wait.
            name if !name.contains('.') => tokio::time::sleep(Duration::from_secs(2)).await,
            _ => {}
        }
        client.offer.others.push("X-EXAMPLE".parse()?);
    }
    Ok(client.welcome())
}

/// Accepts mail for one domain, or for all, and prints on whose behalf.
fn chain(domain: Option<&'static str>) -> impl MailService {
    service_fn(move |mut tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            let is_ours =
                domain.is_none_or(|domain| rcpt.forward_path().as_str().ends_with(domain));
            rcpt.answer(match is_ours {
                true => Reply::recipient_ok(),
                false => Reply::relay_denied(),
            });
        }
        tx.body.discard().await?;
        println!("a message on behalf of {}", tx.context.sender);
        Ok::<_, BoxError>(Reply::message_accepted())
    })
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:1025")).await?;
    println!("listening on {}", listener.local_addr()?);
    // Both are built once. At MAIL one of them is chosen and cloned.
    let neighbours = (Sender::new("submission"), BoxMailService::new(chain(None)));
    let others = (
        Sender::new("ingress"),
        BoxMailService::new(chain(Some("@example.com"))),
    );
    let choose = move |client: &Context| match name(client) {
        "neighbour.example" => neighbours.clone(),
        _ => others.clone(),
    };
    let greeter = ServiceBuilder::new()
        // A client that waits takes room: at most a hundred wait at a time; the others have to try again.
        .load_shed()
        .concurrency_limit(100)
        .service(service_fn(greet));
    Server::with_make(choose)
        .with_name("mx.example.com")
        .with_greeter(greeter)
        .run(listener, std::future::pending())
        .await;
    Ok(())
}
