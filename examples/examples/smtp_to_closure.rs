//! A whole program: accepts mail by SMTP, passes it through two layers of its own, and ends with a
//! closure that prints it.
//!
//! ```sh
//! cargo run -p koukan-examples --example smtp_to_closure -- 127.0.0.1:1025
//! swaks --to bob@example.com --server 127.0.0.1:1025
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use koukan_core::middleware::{Next, from_fn};
use koukan_core::reply::Reply;
use koukan_core::transaction::{Collected, Transaction};
use koukan_smtp::Server;
use tokio::net::TcpListener;
use tower::{BoxError, ServiceBuilder, service_fn};

/// Refuses mail with the null reverse-path: its sender could not be notified.
async fn no_bounces(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    if tx.mail.reverse_path().is_null() {
        return Ok(Reply::policy_refused());
    }
    next.run(tx).await
}

/// Adds a header field that shows where the message has been.
async fn stamp(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    let field = "X-Seen-By: an example\r\n".into();
    next.run(tx.prepend(field)).await
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:1025")).await?;
    println!("listening on {}", listener.local_addr()?);
    let print = service_fn(|mut tx: Transaction| async move {
        let from = tx.mail.reverse_path().to_string();
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            println!("from {from} to {}", rcpt.forward_path());
            rcpt.answer(Reply::recipient_ok());
        }
        let message = Collected::of(tx.body, &tx.signals, 10 << 20).await?;
        print!("{}", String::from_utf8_lossy(&message));
        Ok::<_, BoxError>(Reply::message_accepted())
    });
    let layers = ServiceBuilder::new()
        .layer(from_fn(no_bounces))
        .layer(from_fn(stamp));
    let server = Server::new(layers.service(print));
    server.run(listener, std::future::pending()).await;
    Ok(())
}
