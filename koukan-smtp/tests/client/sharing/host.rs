//! A host, and what leads to it.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use koukan_core::{
    blob::BlobPool,
    network::{BoxWire, Connector, DnsAnswer, LookupError, Resolver},
    reply::Reply,
    service::MailService,
    stage::{
        exploder::{Exploder, ReplyPolicy},
        sharing::Sharing,
    },
    transaction::Transaction,
};
use koukan_smtp::{
    Server,
    client::{ClientSettings, PoolSettings, SmtpEndpoint},
    server::{Connected, Limits},
};
use tokio::{
    io::{DuplexStream, duplex},
    time::sleep,
};
use tower::{BoxError, service_fn};

use super::MESSAGE;

/// A host at the end of a network of its own, which takes everything and keeps count.
#[derive(Clone, Default)]
pub(super) struct Host {
    pub(super) counts: Arc<Mutex<Counts>>,
    /// The time that it takes for its greeting.
    pub(super) greeting: Duration,
    /// Recipients of a transaction, at most.
    pub(super) recipients: Option<usize>,
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) open: usize,
    pub(super) most: usize,
    pub(super) opened: usize,
    /// The recipients of each message.
    pub(super) messages: Vec<Vec<String>>,
}

impl Host {
    /// Exploder, layer and endpoint, with so many connections at most.
    pub(super) fn front(&self, connections: usize) -> (impl MailService + use<>, SmtpEndpoint) {
        let mut pool = PoolSettings::default();
        pool.max_connections = connections;
        self.front_with(pool)
    }

    pub(super) fn front_with(
        &self,
        pool: PoolSettings,
    ) -> (impl MailService + use<>, SmtpEndpoint) {
        let settings = ClientSettings::new("me.example").unwrap();
        let settings = settings.with_hosts(["mx.example:25".parse().unwrap()]);
        let network = Arc::new(self.clone());
        let endpoint = SmtpEndpoint::with_network(
            settings.with_pool(pool),
            Arc::clone(&network) as _,
            network,
        );
        (front(&endpoint), endpoint)
    }

    /// One session.
    pub(super) fn serve(&self, io: DuplexStream) -> impl Future<Output = ()> + Send + use<> {
        let counts = Arc::clone(&self.counts);
        let service = service_fn(move |mut tx: Transaction| {
            let counts = Arc::clone(&counts);
            async move {
                tx.mail.answer(Reply::sender_ok());
                let mut to = Vec::new();
                while let Some(rcpt) = tx.recipients.next().await? {
                    let path = rcpt.forward_path().as_str().to_owned();
                    let (name, _) = path.split_once('@').unwrap();
                    match name {
                        "never" => rcpt.answer(Reply::no_such_user()),
                        "later" => rcpt.answer(Reply::mailbox_busy()),
                        _ => {
                            to.push(name.to_owned());
                            rcpt.answer(Reply::recipient_ok());
                        }
                    }
                }
                let body = tx.body.collect(1 << 20).await?;
                assert_eq!(body, MESSAGE);
                counts.lock().unwrap().messages.push(to);
                Ok::<_, BoxError>(Reply::message_accepted())
            }
        });
        let limits = Limits::default().with_recipients(self.recipients.unwrap_or(1000));
        let server = Server::new(service).with_limits(limits);
        async move { server.serve(io, &Connected::default()).await }
    }

    /// The messages that came, by their recipients, in any order.
    pub(super) fn messages(&self) -> Vec<Vec<String>> {
        let mut messages = self.counts.lock().unwrap().messages.clone();
        messages.sort_unstable();
        messages
    }

    pub(super) fn most(&self) -> usize {
        self.counts.lock().unwrap().most
    }
}

pub(super) fn front(endpoint: &SmtpEndpoint) -> impl MailService + use<> {
    let legs = Sharing::new(endpoint.clone()).with_demand(endpoint.demand());
    Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default())
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Host")
    }
}

#[async_trait]
impl Connector for Host {
    async fn connect(&self, _: SocketAddr) -> io::Result<BoxWire> {
        let (ours, theirs) = duplex(1 << 20);
        let this = self.clone();
        {
            let mut counts = this.counts.lock().unwrap();
            counts.opened += 1;
            counts.open += 1;
            counts.most = counts.most.max(counts.open);
        }
        tokio::spawn(async move {
            sleep(this.greeting).await;
            this.serve(theirs).await;
            this.counts.lock().unwrap().open -= 1;
        });
        Ok(Box::new(ours))
    }
}

#[async_trait]
impl Resolver for Host {
    async fn addresses(&self, _: &str) -> Result<DnsAnswer<IpAddr>, LookupError> {
        Ok(DnsAnswer::insecure([[192, 0, 2, 1].into()]))
    }
}
