//! A queue of your own: SMTP in, a durable queue in SQLite, SMTP out, without a configuration file.
//!
//! ```sh
//! cargo run -p koukan-examples --example embed_queue -- 127.0.0.1:1025 127.0.0.1:3025
//! cargo run -- sink --listen 127.0.0.1:3025       # the destination, in another terminal
//! swaks --to bob@example.com --server 127.0.0.1:1025
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::{env, sync::Arc};

use koukan_core::blob::{BlobPool, Limits};
use koukan_core::clock::SystemClock;
use koukan_core::filter::received_header::ReceivedHeaderLayer;
use koukan_core::stage::store_and_forward::StoreAndForward;
use koukan_smtp::{Server, SmtpEndpoint, client::ClientSettings};
use koukan_storage::{SqliteBackend, TempSpill};
use tokio::{join, net::TcpListener, signal::ctrl_c};
use tower::{BoxError, Layer};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listen = env::args().nth(1).unwrap_or("127.0.0.1:1025".into());
    let upstream = env::args().nth(2).unwrap_or("127.0.0.1:3025".into());
    let directory = tempfile::tempdir()?;
    let backend = SqliteBackend::open(directory.path().join("queue.sqlite")).await?;
    let spill = Arc::new(TempSpill::open(directory.path())?);
    let smtp = ClientSettings::new("mx.example.com")?.with_hosts([upstream.parse()?]);
    let queue = StoreAndForward::builder(SmtpEndpoint::new(smtp))
        .with_name("mx.example.com")
        .with_backend(Arc::new(backend.clone()))
        .with_pool(BlobPool::new(Limits::default(), spill))
        .open()
        .await?;

    let received = ReceivedHeaderLayer::new("mx.example.com", Arc::new(SystemClock))?;
    let server = Server::new(received.layer(queue.submission())).with_name("mx.example.com");
    let listener = TcpListener::bind(&listen).await?;
    println!("listening on {}", listener.local_addr()?);
    // Both stop in good order: the server finishes what its clients have begun, and the queue gives
    // back what it has not delivered, for the next start.
    let stop = async || drop(ctrl_c().await);
    join!(server.run(listener, stop()), queue.run(stop()));
    backend.close().await;
    Ok(())
}
