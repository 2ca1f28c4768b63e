//! The filter, with servers that are pipes to the test, in paused time.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod down;
mod late;
mod messages;
mod several;
mod told;
mod verdicts;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use koukan_core::{
    blob::Blob,
    context::Context,
    middleware::DeliverRequest,
    reply::Reply,
    service::MailService,
    signals::Signals,
    test_util::{Script, ScriptedConnector, ScriptedResolver, context, mail, rcpt, send_with},
};
use koukan_scan::{
    Finding,
    clamav::{Clamav, ClamavFinding},
    scan::ScanLayer,
    server::{Limits, Server},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    time::Instant,
};
use tower::Layer;

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// What a server does with a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Manner {
    /// Reads everything, and answers with this text.
    Says(&'static str),
    /// Does the same after a while.
    SaysLate(&'static str, Duration),
    /// Reads nothing and says nothing, not even to a ping.
    Hangs,
    /// Says this after so many octets, and hangs up.
    HangsUp(usize, &'static str),
}

/// A server whose manner can be changed.
#[derive(Clone)]
struct Clamd {
    manner: Arc<Mutex<Manner>>,
    connector: ScriptedConnector,
}

impl Clamd {
    fn that(manner: Manner) -> Self {
        let manner = Arc::new(Mutex::new(manner));
        let told = Arc::clone(&manner);
        let connector = ScriptedConnector::new(move |_, io| {
            let manner = *told.lock().unwrap();
            tokio::spawn(serve(io, manner));
        });
        Self { manner, connector }
    }

    fn becomes(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    fn connections(&self) -> usize {
        self.connector.asked().len()
    }

    fn server(&self, limits: Limits) -> Server {
        let resolver = ScriptedResolver::new();
        Server::new("192.0.2.1:3310".parse().unwrap())
            .with_network(Arc::new(self.connector.clone()), Arc::new(resolver))
            .with_limits(limits)
    }

    fn layer(&self, limits: Limits) -> ScanLayer<Clamav> {
        ScanLayer::new(Clamav, self.server(limits))
    }
}

async fn serve(mut io: DuplexStream, manner: Manner) {
    match manner {
        Manner::Hangs => std::future::pending().await,
        Manner::HangsUp(octets, said) => {
            let mut read = vec![0; octets];
            io.read_exact(&mut read).await.unwrap();
            io.write_all(said.as_bytes()).await.unwrap();
        }
        Manner::Says(said) => say(io, said, Duration::ZERO).await,
        Manner::SaysLate(said, time) => say(io, said, time).await,
    }
}

/// Answers a ping, or answers a message after a while.
async fn say(mut io: impl AsyncRead + AsyncWrite + Unpin, said: &str, time: Duration) {
    let mut command = Vec::new();
    while !command.ends_with(&[0]) {
        command.push(io.read_u8().await.unwrap());
    }
    if command == b"zPING\0" {
        io.write_all(b"PONG\0").await.unwrap();
        return;
    }
    assert_eq!(command, b"zINSTREAM\0");
    loop {
        match io.read_u32().await {
            Ok(0) => break,
            Ok(length) => {
                let mut piece = vec![0; length as usize];
                io.read_exact(&mut piece).await.unwrap();
            }
            // The client has gone.
            Err(_) => return,
        }
    }
    tokio::time::sleep(time).await;
    // The client may have gone.
    let _ = io.write_all(said.as_bytes()).await;
}

/// Sends a message. Returns the reply to it, and how long that took.
async fn sent(service: impl MailService, message: &str) -> (Reply, Duration) {
    sent_by(0, service, message).await
}

/// The same, for a client of this number.
async fn sent_by(client: u8, service: impl MailService, message: &str) -> (Reply, Duration) {
    let begin = Instant::now();
    let mut context = Context::clone(&context());
    context.remote_host = Some(([192, 0, 2, client], 1024).into());
    let message = Blob::from_bytes(message.to_owned().into());
    let mut request = DeliverRequest::new(Arc::new(context), mail("a@x"), message);
    request.recipients = vec![rcpt("b@y")];
    let outcome = send_with(service, request).await;
    (outcome.message.unwrap(), begin.elapsed())
}

fn finding(upstream: &Script) -> Finding {
    found(&upstream.only_received().signals)
}

fn found(signals: &Signals) -> Finding {
    signals.find_durable::<ClamavFinding>().unwrap().unwrap().0
}

fn limits() -> Limits {
    Limits::default()
}
