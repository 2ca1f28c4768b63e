//! A check that reads a whole message and then asks the DNS: what `dkim_check` and `arc_check` have in common.

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

/// How long to wait for the DNS.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(20);

/// The settings of such a check.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    resolver: SharedResolver,
    clock: SharedClock,
    /// The pool for messages that have no account to be charged to.
    pub(crate) blobs: BlobPool,
    /// How long to wait for the DNS.
    pub(crate) time: Duration,
}

/// What a check learns from a message.
pub(crate) trait Finding: Default + Send + 'static {
    /// The signal that holds the result.
    type Signal: DurableSignal + Send;

    /// Takes the next octets of the message, cut anywhere.
    fn see(&mut self, octets: &[u8]);

    /// The result at this time, in seconds since 1970. Waits for the DNS for at most the given
    /// time.
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

    /// A transaction whose message goes on once the result is known. Does nothing where the signal
    /// is set already.
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
            tracing::warn!(signal, %error, "the result of a check could not be stored as a signal");
        }
        Ok(body)
    }
}
