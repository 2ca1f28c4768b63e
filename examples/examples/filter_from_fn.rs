//! A filter made from an `async fn`: it refuses unknown recipients at RCPT.
//!
//! ```sh
//! cargo run -p koukan-examples --example filter_from_fn -- 127.0.0.1:1025
//! swaks --to bob@example.com --server 127.0.0.1:1025      # accepted
//! swaks --to eve@example.com --server 127.0.0.1:1025      # 550
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::{collections::HashSet, sync::Arc};

use koukan_core::{
    middleware::{Next, State, from_fn_with_state},
    reply::Reply,
    transaction::Transaction,
};
use koukan_smtp::Server;
use tokio::net::TcpListener;
use tower::{BoxError, ServiceBuilder, service_fn};

type Users = Arc<HashSet<&'static str>>;

async fn known_users(
    State(users): State<Users>,
    tx: Transaction,
    next: Next,
) -> Result<Reply, BoxError> {
    let known =
        tx.filter_recipients(
            move |rcpt| match users.contains(rcpt.forward_path.as_str()) {
                true => Ok(()),
                false => Err(Reply::no_such_user()),
            },
        );
    next.run(known).await
}

async fn take(mut tx: Transaction) -> Result<Reply, BoxError> {
    tx.mail.answer(Reply::sender_ok());
    while let Some(rcpt) = tx.recipients.next().await? {
        println!("for {}", rcpt.forward_path());
        rcpt.answer(Reply::recipient_ok());
    }
    tx.body.discard().await?;
    Ok(Reply::message_accepted())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:1025")).await?;
    println!("listening on {}", listener.local_addr()?);
    let users = Users::new(HashSet::from(["bob@example.com", "carol@example.com"]));
    let service = ServiceBuilder::new()
        .layer(from_fn_with_state(users, known_users))
        .service(service_fn(take));
    Server::new(service)
        .run(listener, std::future::pending())
        .await;
    Ok(())
}
