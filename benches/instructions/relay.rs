//! A message through the agent: the same parts as `koukan` puts together for a listener whose chain
//! adds `Received` and explodes to an SMTP destination.

use std::sync::Arc;

use koukan_core::{
    clock::SystemClock,
    context::Sender,
    event::Observers,
    filter::received_header::ReceivedHeaderLayer,
    middleware::TraceLayer,
    service::BoxMailService,
    stage::{
        exploder::{Exploder, ReplyPolicy},
        output_handler::{Chain, ChainMap, Notifications, OutputHandler, RetryPolicy},
        sharing::Sharing,
        storage_writer::StorageWriter,
    },
    storage::Storage,
};
use koukan_smtp::{
    Server, SmtpEndpoint,
    client::ClientSettings,
    server::{Connected, Shared},
};
use tower::ServiceBuilder;

use crate::{
    content::message,
    observing,
    runtime::{block_on, check_finished, storage},
    sink::Sink,
    smtp_client::SmtpClient,
};

const HOSTNAME: &str = "bench.example";

/// Messages of 5 KB; each command waits for the reply to the previous one.
pub(crate) fn kept(times: usize) {
    relay(times, Load::default());
}

/// Like [`kept`], with metrics, and with a log that goes nowhere.
pub(crate) fn observed(times: usize) {
    relay_to(times, Load::default(), observing::start());
}

/// MAIL, RCPT and DATA at once.
pub(crate) fn pipelined(times: usize) {
    let load = Load {
        is_pipelined: true,
        ..Load::default()
    };
    relay(times, load);
}

pub(crate) fn to_10_recipients(times: usize) {
    let load = Load {
        recipients: 10,
        ..Load::default()
    };
    relay(times, load);
}

pub(crate) fn of_100k(times: usize) {
    let load = Load {
        size: 100_000,
        ..Load::default()
    };
    relay(times, load);
}

/// What the client sends each time, on one connection.
#[derive(Debug, Clone, Copy)]
struct Load {
    size: usize,
    recipients: usize,
    is_pipelined: bool,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            size: 5_000,
            recipients: 1,
            is_pipelined: false,
        }
    }
}

fn relay(times: usize, load: Load) {
    relay_to(times, load, Observers::default());
}

fn relay_to(times: usize, load: Load, observers: Observers) {
    block_on(async {
        let storage = storage(observers).await;
        let sink = Sink::default();
        let (client, theirs) = tokio::io::duplex(256 << 10);
        let connected = Connected {
            remote_host: Some(([192, 0, 2, 7], 51234).into()),
            local_host: Some(([192, 0, 2, 1], 25).into()),
            ..Connected::default()
        };
        let session = tokio::spawn(server(&storage, &sink).serve(theirs, &connected));
        let mut client = SmtpClient::new(client);
        client.greet().await;
        let message = message(load.size);
        for _ in 0..times {
            client
                .send(&message, load.recipients, load.is_pipelined)
                .await;
        }
        client.quit().await;
        session.await.expect("the session does not panic");
        check_finished(&storage, times * load.recipients).await;
        // All recipients of a message share a transaction.
        assert_eq!(sink.messages(), times);
    });
}

fn server(storage: &Storage, sink: &Sink) -> Server<Shared<BoxMailService>> {
    let out = Sender::new("out");
    let chain = Chain {
        service: destination(sink),
        retry: RetryPolicy::default(),
    };
    let notifications = Notifications {
        reporting_mta: HOSTNAME.into(),
        sender: out.clone(),
    };
    let chains = ChainMap::new().with(out.clone(), chain);
    let output = OutputHandler::new(chains, notifications);
    let writer = StorageWriter::new(storage.clone(), output).with_sender(out);
    let exploder = Exploder::new(writer.boxed(), ReplyPolicy::Ingress, storage.pool().clone());
    let received = ReceivedHeaderLayer::new(HOSTNAME, Arc::new(SystemClock));
    // Boxed wherever the agent boxes: between filters, and before the endpoint.
    let filtered = ServiceBuilder::new()
        .layer(received.expect("a name of a host"))
        .service(BoxMailService::new(exploder));
    let traced = ServiceBuilder::new()
        .layer(TraceLayer::new(storage.observers().clone()))
        .service(BoxMailService::new(filtered));
    Server::new(BoxMailService::new(traced))
        .with_name(HOSTNAME)
        .with_sender(Sender::new("ingress"))
        .with_observers(storage.observers().clone())
}

fn destination(sink: &Sink) -> BoxMailService {
    let settings = ClientSettings::new(HOSTNAME).expect("a name of a host");
    let host = "192.0.2.9:25".parse().expect("an address and a port");
    let settings = settings.with_hosts([host]);
    let endpoint =
        SmtpEndpoint::with_network(settings, Arc::new(sink.clone()), Arc::new(sink.clone()));
    Sharing::new(endpoint).boxed()
}
