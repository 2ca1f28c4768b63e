//! What is found out of a message once all of it has passed, and the DNS was asked: the shape of `dkim_check` and
//! `arc_check`.

use std::time::Duration;

use koukan_core::{
    blob::BlobPool,
    body::{Body, BodyError},
    causes::Causes,
    clock::SharedClock,
    network::{Resolver, SharedResolver},
    signals::{DurableSignal, Signals},
    transaction::Transaction,
};

use crate::passing;

/// For how long the DNS is waited for.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(20);

/// By what it is found out.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    resolver: SharedResolver,
    clock: SharedClock,
    /// Where messages are kept that nobody pays for.
    pub(crate) blobs: BlobPool,
    /// For how long the DNS is waited for.
    pub(crate) time: Duration,
}

/// Something that is found out of all of a message.
pub(crate) trait Finding: Default + Send + 'static {
    /// The signal that tells it.
    type Signal: DurableSignal + Send;

    /// Goes on with the next octets of the message, cut anywhere.
    fn see(&mut self, octets: &[u8]);

    /// What there is to tell at a time in seconds since 1970. The DNS is waited for so long.
    fn conclude(
        self,
        resolver: &dyn Resolver,
        now: u64,
        time: Duration,
    ) -> impl Future<Output = Self::Signal> + Send;
}

impl Settings {
    pub(crate) fn new(resolver: SharedResolver, clock: SharedClock) -> Self {
        Self {
            resolver,
            clock,
            blobs: BlobPool::default(),
            time: TIME_MAX,
        }
    }

    /// The transaction whose message goes on once it was found out, unless that was done before.
    pub(crate) fn find_out<F: Finding>(&self, tx: Transaction) -> Transaction {
        if tx.signals.durable_json(F::Signal::NAME).is_some() {
            return tx;
        }
        let (settings, signals) = (self.clone(), tx.signals.clone());
        tx.map_body(|body| {
            body.then(move |body| async move { settings.look::<F>(body, &signals).await })
        })
    }

    async fn look<F: Finding>(&self, body: Body, signals: &Signals) -> Result<Body, BodyError> {
        let mut finding = F::default();
        let see = |octets: &[u8]| finding.see(octets);
        let body = passing::read(body, signals, &self.blobs, see).await?;
        let now = self.clock.now().as_second().max(0).unsigned_abs();
        let found = finding.conclude(&*self.resolver, now, self.time).await;
        if let Err(error) = signals.set_durable(&found) {
            let (signal, error) = (F::Signal::NAME, Causes(&error));
            tracing::warn!(signal, %error, "what was found out of a message is not kept");
        }
        Ok(body)
    }
}
