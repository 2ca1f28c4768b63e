//! tower's own layers around a mail service: they act on whole transactions.
//!
//! ```sh
//! cargo run -p koukan-examples --example tower_limits -- 127.0.0.1:1025
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::time::Duration;

use koukan_core::{reply::Reply, transaction::Transaction};
use koukan_smtp::Server;
use tokio::net::TcpListener;
use tower::{BoxError, ServiceBuilder, service_fn};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:1025")).await?;
    println!("listening on {}", listener.local_addr()?);
    let take = service_fn(|mut tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            rcpt.answer(Reply::recipient_ok());
        }
        tx.body.discard().await?;
        Ok::<_, BoxError>(Reply::message_accepted())
    });
    let service = ServiceBuilder::new()
        // Outermost: a transaction without room gets 451 4.3.2 at once.
        .load_shed()
        // Two mail transactions at a time, from MAIL to the final reply.
        .concurrency_limit(2)
        // Inside the limit, so that waiting for room does not count: 451 4.4.7 when the time is over.
        .timeout(Duration::from_secs(60))
        .service(take);
    Server::new(service)
        .run(listener, std::future::pending())
        .await;
    Ok(())
}
