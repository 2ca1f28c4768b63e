use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use koukan_core::{
    body::{Body, BodyError},
    causes::Causes,
    event::{Event, Scanned},
    repeats::Repeats,
    reply::{Rejection, Reply},
    service::MailService,
    signals::{DurableSignal, SetDurableError, Signals},
    transaction::Transaction,
};
use tokio::time::Instant;
use tower::Service;

use crate::{
    Envelope, Finding, Question, ScanError, ScanResult, Scanner, Unscanned,
    kept::Kept,
    question::{Broken, Message},
    server::Asking,
};

use super::layer::Settings;

/// The interval between log lines about messages that were not scanned; between them messages are
/// counted.
const INTERVAL: Duration = Duration::from_secs(10);

static UNSCANNED: Repeats = Repeats::new(INTERVAL, |messages, interval| {
    let seconds = interval.as_secs();
    tracing::warn!(
        messages,
        seconds,
        "messages were not looked at by a scanner"
    );
});

/// Shows messages to a scanner; see the [module documentation](super).
#[derive(Debug)]
pub struct Scan<P, S> {
    inner: S,
    settings: Arc<Settings<P>>,
}

impl<P, S> Scan<P, S> {
    pub(super) fn new(inner: S, settings: Arc<Settings<P>>) -> Self {
        Self { inner, settings }
    }
}

impl<P, S: Clone> Clone for Scan<P, S> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            settings: Arc::clone(&self.settings),
        }
    }
}

impl<P: Scanner, S: MailService> Service<Transaction> for Scan<P, S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> S::Future {
        let settings = Arc::clone(&self.settings);
        let signals = tx.signals.clone();
        let (tx, envelope) = Envelope::watch(tx);
        let looked = |body: Body| {
            body.then(move |body| async move { settings.look(body, &signals, &envelope).await })
        };
        self.inner.call(tx.map_body(looked))
    }
}

impl<P: Scanner> Settings<P> {
    /// Returns the message once it may go on.
    async fn look(
        &self,
        body: Body,
        signals: &Signals,
        envelope: &Envelope,
    ) -> Result<Body, BodyError> {
        // A signal of another version that cannot be read here counts as "nothing known".
        let known = signals.find_durable::<P::Signal>().ok().flatten();
        let known = known.map(Into::<Finding>::into);
        if let Some(known) = known.filter(|known| known.result != ScanResult::Unscanned) {
            return match self.refusal(&known) {
                Some(reply) => Err(Rejection::new(reply).into()),
                None => Ok(body),
            };
        }
        let kept = Kept::of(body, signals, &self.blobs).await?;
        let broken = Broken::default();
        let begin = Instant::now();
        let asked = self.ask(&kept, &broken, envelope).await;
        if let Some(error) = broken.take() {
            return Err(error);
        }
        let (finding, reply) = match asked {
            Ok(finding) => {
                let reply = self.refusal(&finding);
                (finding, reply)
            }
            Err(error) => self.unscanned(&error),
        };
        self.count(&finding, begin.elapsed());
        let untold = self.tell(finding, signals);
        match reply.or(untold) {
            Some(reply) => Err(Rejection::new(reply).into()),
            None => Ok(kept.body()),
        }
    }

    async fn ask(
        &self,
        kept: &Kept,
        broken: &Broken,
        envelope: &Envelope,
    ) -> Result<Finding, ScanError> {
        if kept.size > self.max_size {
            return Err(ScanError::TooLarge);
        }
        let question = || Question {
            message: Message::new(kept.body(), broken.clone()),
            size: kept.size,
            envelope,
        };
        let ask = |wire| async {
            let asked = self.scanner.ask(wire, question()).await;
            match broken.is_noted() {
                true => Err(ScanError::Unread),
                false => asked,
            }
        };
        let client = envelope.context.client();
        let asking = Asking::new(P::Signal::NAME, &self.observers, client);
        let ping = |wire| self.scanner.ping(wire);
        self.server.ask(&asking, ask, ping).await
    }

    fn count(&self, finding: &Finding, duration: Duration) {
        let result = match finding.reason {
            Some(Unscanned::Unavailable) => "unavailable",
            Some(Unscanned::TooLarge) => "too_large",
            None => finding.result.as_str(),
        };
        let scanned = Scanned::new(P::Signal::NAME, result, duration);
        self.observers.tell(&Event::Scanned(scanned));
    }

    /// Sets the signal, unless it is set already. Returns a reply where that fails and rules that need the signal
    /// were to decide.
    fn tell(&self, finding: Finding, signals: &Signals) -> Option<Reply> {
        match signals.set_durable(&P::Signal::from(finding)) {
            Ok(()) | Err(SetDurableError::AlreadySet(_)) => None,
            Err(error) => {
                let error = Causes(&error);
                tracing::warn!(%error, "a scanner's finding could not be stored as a signal");
                let passes = self.refuses || self.fails_open;
                (!passes).then(Reply::scanner_unavailable)
            }
        }
    }

    /// The reply that refuses a message with this finding, if any.
    fn refusal(&self, finding: &Finding) -> Option<Reply> {
        if finding.result == ScanResult::Unscanned || !self.refuses {
            return None;
        }
        self.scanner.refusal(finding)
    }

    /// The finding and, if the message is refused, the reply for a message that could not be
    /// scanned.
    fn unscanned(&self, error: &ScanError) -> (Finding, Option<Reply>) {
        let (reason, passes, reply) = match error {
            ScanError::TooLarge => (
                Unscanned::TooLarge,
                self.passes_large,
                Reply::message_too_big().with_text("message too big to be scanned"),
            ),
            _ => (
                Unscanned::Unavailable,
                self.fails_open,
                Reply::scanner_unavailable(),
            ),
        };
        if UNSCANNED.is_first() {
            let (scanner, error) = (P::Signal::NAME, Causes(error));
            tracing::warn!(scanner, %error, passes, "a message was not looked at by a scanner");
        }
        (Finding::unscanned(reason), (!passes).then_some(reply))
    }
}
