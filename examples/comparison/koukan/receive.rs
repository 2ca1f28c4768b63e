//! Task 1: receives mail, and prints it.

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use koukan_core::reply::Reply;
use koukan_core::transaction::{Collected, Transaction};
use koukan_smtp::Server;
use tower::{BoxError, service_fn};

async fn print(mut tx: Transaction) -> Result<Reply, BoxError> {
    let (from, mut to) = (tx.mail.reverse_path().to_string(), Vec::new());
    tx.mail.answer(Reply::sender_ok());
    while let Some(rcpt) = tx.recipients.next().await? {
        to.push(rcpt.forward_path().to_string());
        rcpt.answer(Reply::recipient_ok());
    }
    let message = Collected::of(tx.body, &tx.signals, 10 << 20).await?;
    println!("{from} {to:?} {}", message.len());
    Ok(Reply::message_accepted())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_default();
    Server::new(service_fn(print)).listen(address).await
}
