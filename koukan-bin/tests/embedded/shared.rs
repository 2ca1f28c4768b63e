//! Parts that the embedder's program goes on using.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use koukan_core::{
    event::{Event, Observer},
    network::{
        LookupError, Resolver, SharedConnector, SharedResolver, SystemResolver, TcpConnector,
    },
    random::{SharedRandom, SystemRandom},
    test_util::ScriptedResolver,
};

use super::*;

/// Counts connections.
#[derive(Debug, Default)]
struct Connections(AtomicU64);

impl Observer for Connections {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Connected(_) = event {
            self.0.fetch_add(1, Relaxed);
        }
    }
}

#[tokio::test]
async fn parts_may_be_shared_with_the_agent() {
    let connections = Arc::new(Connections::default());
    let clock: Arc<dyn Clock> = Arc::new(koukan_core::clock::SystemClock);
    let random: SharedRandom = Arc::new(SystemRandom);
    let resolver: SharedResolver = Arc::new(SystemResolver);
    let connector: SharedConnector = Arc::new(TcpConnector);
    let agent = with_mailbox(&Script::new())
        .clock(clock)
        .random(random)
        .resolver(resolver)
        .connector(connector)
        .observer(Arc::clone(&connections))
        .config_text("own.yaml", &config("mailbox: { user: bob }", ""))
        .unwrap();
    let running = agent.start().await.unwrap();
    converse(
        running.smtp_addresses()[0],
        &[("", "220"), ("QUIT\r\n", "221")],
    )
    .await;
    running.stop().await;
    assert_eq!(connections.0.load(Relaxed), 1);
}

/// A shared part passes on what its trait has a default for, too.
#[tokio::test]
async fn a_shared_resolver_looks_up_what_the_resolver_itself_does() {
    async fn looks_up_everything(resolver: impl Resolver) -> Result<(), LookupError> {
        let address = resolver.addresses("mx.a.example").await?.records[0];
        assert_eq!(resolver.mx("a.example").await?.records.len(), 1);
        assert_eq!(resolver.txt("a.example").await?.records.len(), 1);
        resolver.tlsa("a.example").await?;
        assert_eq!(&*resolver.ptr(address).await?.records[0], "mx.a.example");
        Ok(())
    }

    let zone = "a.example. MX 10 mx.a.example.\n TXT \"v\"\nmx.a.example. A 192.0.2.1\n\
                1.2.0.192.in-addr.arpa. PTR mx.a.example.\n";
    let resolver = Arc::new(ScriptedResolver::of_zone(zone));
    looks_up_everything(Arc::clone(&resolver)).await.unwrap();
    let shared: SharedResolver = resolver;
    looks_up_everything(shared).await.unwrap();
}
