//! Task 3: adds a field to each message, and prints the message as it arrives.

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use koukan_core::middleware::{Next, from_fn};
use koukan_core::{reply::Reply, transaction::Transaction};
use koukan_smtp::Server;
use tower::{BoxError, Layer, service_fn};

async fn stamp(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    next.run(tx.prepend("X-Seen-By: an example\r\n".into()))
        .await
}

async fn print(mut tx: Transaction) -> Result<Reply, BoxError> {
    tx.mail.answer(Reply::sender_ok());
    while let Some(rcpt) = tx.recipients.next().await? {
        rcpt.answer(Reply::recipient_ok());
    }
    while let Some(chunk) = tx.body.next().await? {
        print!("{}", String::from_utf8_lossy(&chunk));
    }
    Ok(Reply::message_accepted())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_default();
    let server = Server::new(from_fn(stamp).layer(service_fn(print)));
    server.listen(address).await
}
