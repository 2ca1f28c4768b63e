//! What observers are told; TLS.

use koukan_core::{
    event::{Event, Observer, Observers},
    network::BoxWire,
    test_util::Authority,
};

use super::*;

/// The reports, one line each.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn observe(&self, event: &Event<'_>) {
        let told = match event {
            Event::Scanned(it) => {
                format!("{} {} {:?}", it.scanner, it.result, it.duration)
            }
            Event::ScannerAsked(it) => {
                let error = it.error.unwrap_or("answered");
                format!("{} {} {error} {:?}", it.scanner, it.address, it.duration)
            }
            Event::ScannerStands(it) => format!("{} {} {}", it.scanner, it.address, it.is_up),
            _ => return,
        };
        self.0.lock().unwrap().push(told);
    }
}

#[tokio::test(start_paused = true)]
async fn observers_are_told_what_is_asked_what_was_found_and_how_a_scanner_stands() {
    let told = Arc::<Told>::default();
    let observers = Observers::default().with(told.clone());
    let clamd = Clamd::that(Manner::SaysLate("stream: OK\0", Duration::from_secs(2)));
    let mut limits = limits();
    limits.failures = 2;
    let layer = clamd
        .layer(limits)
        .with_observers(observers)
        .with_max_size(1000);
    let service = layer.layer(Script::new());
    let expect = |lines: &[&str]| {
        let told = std::mem::take(&mut *told.0.lock().unwrap());
        assert_eq!(told, lines);
    };
    sent(service.clone(), MESSAGE).await;
    expect(&["clamav 192.0.2.1:3310 answered 2s", "clamav clean 2s"]);
    clamd.becomes(Manner::Says("stream: Eicar FOUND\0"));
    sent(service.clone(), MESSAGE).await;
    expect(&["clamav 192.0.2.1:3310 answered 0ns", "clamav infected 0ns"]);
    sent(service.clone(), &"x".repeat(1001)).await;
    expect(&["clamav too_large 0ns"]);
    // The scanner is there, but takes long.
    clamd.becomes(Manner::SaysLate("", 2 * limits.whole));
    sent(service.clone(), MESSAGE).await;
    expect(&[
        "clamav 192.0.2.1:3310 answered 60s",
        "clamav unavailable 60s",
    ]);
    clamd.becomes(Manner::Hangs);
    let failed = "clamav 192.0.2.1:3310 the scanner took too long 60s";
    sent(service.clone(), MESSAGE).await;
    expect(&[failed, "clamav unavailable 60s"]);
    sent(service.clone(), MESSAGE).await;
    expect(&[
        failed,
        "clamav 192.0.2.1:3310 false",
        "clamav unavailable 60s",
    ]);
    sent(service.clone(), MESSAGE).await;
    expect(&["clamav unavailable 0ns"]);
    clamd.becomes(Manner::Says("stream: OK\0"));
    tokio::time::advance(limits.pause).await;
    sent(service, MESSAGE).await;
    expect(&[
        "clamav 192.0.2.1:3310 answered 0ns",
        "clamav 192.0.2.1:3310 true",
        "clamav clean 0ns",
    ]);
}

#[tokio::test]
async fn messages_are_shown_by_tls_to_whom_the_certificate_is_of() {
    let authority = Authority::new();
    let tls = authority.server("scanner.example");
    let connector = ScriptedConnector::new(move |_, io| {
        let accepting = tls.accept(Box::new(io) as BoxWire);
        tokio::spawn(async move {
            // A client that does not trust the certificate goes away.
            if let Ok(io) = accepting.await {
                say(io, "stream: OK\0", Duration::ZERO).await;
            }
        });
    });
    let resolver = ScriptedResolver::new()
        .with_addresses("scanner.example", ["192.0.2.1".parse().unwrap()])
        .with_addresses("other.example", ["192.0.2.1".parse().unwrap()]);
    for (host, client, name, is_believed) in [
        ("scanner.example", authority.client(), None, true),
        ("other.example", authority.client(), None, false),
        (
            "other.example",
            authority.client(),
            Some("scanner.example"),
            true,
        ),
        ("scanner.example", Authority::new().client(), None, false),
    ] {
        let server = Server::new(format!("{host}:3310").parse().unwrap())
            .with_network(Arc::new(connector.clone()), Arc::new(resolver.clone()))
            .with_tls(client, name);
        let service = ScanLayer::new(Clamav, server).layer(Script::new());
        let (reply, _) = sent(service, MESSAGE).await;
        assert_eq!(reply.is_positive(), is_believed, "{host} {name:?}");
    }
}
