//! An agent composed by hand: SMTP in, a durable queue in SQLite, SMTP out, without a
//! configuration file.
//!
//! ```sh
//! cargo run -p koukan-examples --example embed_queue -- 127.0.0.1:1025 127.0.0.1:3025
//! cargo run -- sink --listen 127.0.0.1:3025       # the destination, in another terminal
//! swaks --to bob@example.com --server 127.0.0.1:1025
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::sync::Arc;

use koukan_core::{
    blob::{BlobPool, Limits},
    clock::SystemClock,
    context::Sender,
    filter::received_header::ReceivedHeaderLayer,
    service::BoxMailService,
    stage::{
        dispatcher::Dispatcher,
        exploder::{Exploder, Policy},
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        storage_writer::StorageWriter,
    },
    storage::Storage,
};
use koukan_smtp::{Server, SmtpEndpoint, client::ClientSettings};
use koukan_storage::{SqliteBackend, TempSpill};
use tokio::net::TcpListener;
use tower::{BoxError, ServiceBuilder};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:1025".into());
    let upstream = arguments.next().unwrap_or_else(|| "127.0.0.1:3025".into());

    let directory = tempfile::tempdir()?;
    let backend = SqliteBackend::open(directory.path().join("queue.sqlite")).await?;
    let spill = Arc::new(TempSpill::open(directory.path())?);
    let pool = BlobPool::new(Limits::default(), spill);
    let storage = Storage::open(Arc::new(backend.clone()), pool, Arc::new(SystemClock)).await?;

    // The output side: what is in the queue goes to one host.
    let settings = ClientSettings::new("mx.example.com")?.with_hosts([upstream.parse()?]);
    let chain = Chain {
        service: BoxMailService::new(SmtpEndpoint::new(settings)),
        retry: RetryPolicy::default(),
    };
    let notifications = Notifications {
        reporting_mta: "mx.example.com".into(),
        sender: Sender::new("notification"),
    };
    let output = OutputHandler::new(chain, notifications);
    let dispatcher = Dispatcher::new(storage.clone(), output.clone(), 100);

    // The input side: each recipient's part is delivered while the client waits, or kept.
    let writer = StorageWriter::new(storage.clone(), output);
    let received = ReceivedHeaderLayer::new("mx.example.com", Arc::new(SystemClock))?;
    let service = ServiceBuilder::new()
        // Before the Exploder, so that all recipients share what it adds.
        .layer(received)
        .service(Exploder::new(
            writer,
            Policy::Submission,
            storage.pool().clone(),
        ));

    let listener = TcpListener::bind(&listen).await?;
    println!("listening on {}", listener.local_addr()?);
    tokio::select! {
        () = dispatcher.run(std::future::pending()) => {}
        () = Server::new(service).with_name("mx.example.com").run(listener, std::future::pending()) => {}
        signal = tokio::signal::ctrl_c() => signal?,
    }
    storage.flush().await;
    backend.close().await;
    Ok(())
}
