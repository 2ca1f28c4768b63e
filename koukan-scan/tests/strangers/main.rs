//! clamd, spamd and rspamd as packaged by Debian; `scripts/install-test-peers` installs them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod clamd;
mod rspamd;
mod scanner;
mod spamd;

use std::{sync::Arc, time::Duration};

use koukan_core::{
    network::{Connector, SystemResolver, TcpConnector},
    reply::Reply,
    service::MailService,
    signals::DurableSignal,
    test_util::{Script, mail, rcpt, send},
};
use koukan_scan::{
    Finding, ScanError, Scanner,
    scan::ScanLayer,
    server::{Limits, Server},
};
use tower::Layer;

/// A server on this host, with short limits.
fn server(address: &str) -> Server {
    let mut limits = Limits::default();
    limits.failures = u32::MAX;
    server_with(address, limits)
}

fn server_with(address: &str, limits: Limits) -> Server {
    Server::new(address.parse().unwrap())
        .with_network(Arc::new(TcpConnector), Arc::new(SystemResolver))
        .with_limits(limits)
}

async fn sent(service: impl MailService, message: &str) -> Reply {
    let message = message.to_owned();
    let outcome = send(
        service,
        mail("a@example.com"),
        [rcpt("b@example.org")],
        message,
    )
    .await;
    outcome.message.unwrap()
}

/// The finding for a message, and the reply that refuses it.
async fn found<P: Scanner + Clone>(
    scanner: &P,
    server: &Server,
    message: &str,
) -> (Finding, Reply) {
    let layer = ScanLayer::new(scanner.clone(), server.clone());
    let reply = sent(layer.clone().layer(Script::new()), message).await;
    let upstream = Script::new();
    let passed = sent(layer.without_refusal().layer(upstream.clone()), message).await;
    assert_eq!(passed, Reply::message_accepted());
    let received = upstream.only_received();
    assert_eq!(received.text(), message);
    let signal = received.signals.find_durable::<P::Signal>().unwrap();
    (
        signal
            .unwrap_or_else(|| panic!("no {}", P::Signal::NAME))
            .into(),
        reply,
    )
}

/// Asks whether the scanner is there.
async fn is_there<P: Scanner>(scanner: &P, address: &str) -> Result<(), ScanError> {
    let wire = TcpConnector.connect(address.parse().unwrap()).await?;
    scanner.ping(wire).await
}

/// The server is stopped: nobody waits longer than the limits say. Then it dies in the middle of a
/// message. Then it is gone.
async fn fails<P: Scanner + Clone>(scanner: &P, process: scanner::Process, address: &str) {
    let mut limits = Limits::default();
    limits.whole = Duration::from_millis(1500);
    limits.write = Duration::from_millis(700);
    limits.failures = u32::MAX;
    let server = server_with(address, limits);
    let service = ScanLayer::new(scanner.clone(), server.clone()).layer(Script::new());
    let message = "Subject: hi\r\n\r\nhello\r\n";
    assert_eq!(
        sent(service.clone(), message).await,
        Reply::message_accepted()
    );

    is_there(scanner, address).await.unwrap();

    process.signal("STOP");
    let silence = tokio::time::timeout(limits.write, is_there(scanner, address)).await;
    assert!(silence.is_err(), "{silence:?}");
    assert_eq!(
        sent(service.clone(), message).await,
        Reply::scanner_unavailable()
    );
    let open = ScanLayer::new(scanner.clone(), server).failing_open();
    let opened = sent(open.layer(Script::new()), message).await;
    assert_eq!(opened, Reply::message_accepted());

    // The message is larger than socket buffers, so the server dies in the middle of it.
    let mut patient = limits;
    patient.whole = Duration::from_secs(60);
    patient.write = Duration::from_secs(60);
    let server = server_with(address, patient);
    let service_amid = ScanLayer::new(scanner.clone(), server).layer(Script::new());
    let large = format!(
        "Subject: hi\r\n\r\n{}",
        "a line of text\r\n".repeat(1 << 20)
    );
    let sending = tokio::spawn(async move { sent(service_amid, &large).await });
    process.await_connection(address).await;
    drop(process);
    assert_eq!(sending.await.unwrap(), Reply::scanner_unavailable());
    // It is gone.
    assert!(is_there(scanner, address).await.is_err());
    assert_eq!(sent(service, message).await, Reply::scanner_unavailable());
}
