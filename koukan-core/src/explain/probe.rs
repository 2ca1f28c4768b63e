//! The probes between filters.

use std::task::{Context, Poll};

use bytes::Bytes;
use tower::{Layer, Service};

use crate::{
    blob::Blob,
    body::{BodyError, Observer},
    reply::Reply,
    resource::NotePhase,
    service::MailService,
    signals::Signals,
    transaction::Transaction,
};

use super::{Explainer, recorder::Here};

/// Applies [`Probe`].
///
/// # Example
///
/// ```
/// use koukan_core::{
///     context::{Context, Sender},
///     explain::{Entry, Explainer, ProbeLayer, run},
///     filter::router::{AddressList, Decision, RouterLayer},
///     resource::Explain,
///     service::BoxMailService,
///     test_util::{Script, mail, rcpt},
/// };
/// use tower::Layer;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let explainer = Explainer::new();
/// let probe = |depth| ProbeLayer::new(explainer.clone(), depth);
/// let router = RouterLayer::new(AddressList::new(["example.com"], Decision::Accept));
/// let chain = probe(0).layer(router.layer(probe(1).layer(Script::new())));
/// let chain = Entry::new(explainer.clone(), "in", ["router".into()], BoxMailService::new(chain));
/// let explain = Explain {
///     context: Context::new(Sender::new("in")),
///     mail: mail("alice@example.org"),
///     recipients: vec![rcpt("bob@elsewhere.example")],
///     message: None,
/// };
/// let explanation = run(explain, &explainer, chain).await;
/// assert!(!explanation.recipients[0].is_positive());
/// assert_eq!(explanation.passages.len(), 1);
/// # Ok::<(), tower::BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct ProbeLayer {
    explainer: Explainer,
    depth: usize,
}

impl ProbeLayer {
    /// Stands below this many filters of its chain.
    pub fn new(explainer: Explainer, depth: usize) -> Self {
        Self { explainer, depth }
    }
}

impl<S> Layer<S> for ProbeLayer {
    type Service = Probe<S>;

    fn layer(&self, inner: S) -> Probe<S> {
        Probe {
            inner,
            explainer: self.explainer.clone(),
            depth: self.depth,
        }
    }
}

/// Notes what passes, and changes nothing.
#[derive(Debug, Clone)]
pub struct Probe<S> {
    inner: S,
    explainer: Explainer,
    depth: usize,
}

impl<S: MailService> Service<Transaction> for Probe<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut tx: Transaction) -> S::Future {
        let Some(here) = tx.signals.find::<Here>() else {
            return self.inner.call(tx);
        };
        let Here(here) = *here;
        let (explainer, depth) = (self.explainer.clone(), self.depth);
        let signals = tx.signals.clone();
        explainer.mail(
            here,
            depth,
            tx.mail.request().reverse_path.as_str(),
            &signals,
        );
        if depth == 0 {
            let explainer = explainer.clone();
            tx = tx.map_mail(|mail| {
                mail.map_reply(move |reply| {
                    explainer.mail_answered(here, &reply);
                    reply
                })
            });
        }
        let seeing = (explainer.clone(), signals.clone());
        let tx = tx.map_recipients(|recipients| {
            recipients.map(move |rcpt| {
                let (explainer, signals) = &seeing;
                let position = rcpt.position();
                explainer.rcpt(here, depth, (position, rcpt.forward_path()), signals);
                if depth > 0 {
                    return rcpt;
                }
                let to: Box<str> = rcpt.forward_path().as_str().into();
                let explainer = explainer.clone();
                rcpt.map_reply(move |reply| {
                    explainer.rcpt_answered(here, position, &to, &reply);
                    reply
                })
            })
        });
        let watched = Watched {
            explainer,
            here,
            depth,
            signals,
            is_begun: false,
        };
        self.inner.call(tx.map_body(|body| body.observe(watched)))
    }
}

/// A message that passes.
struct Watched {
    explainer: Explainer,
    here: usize,
    depth: usize,
    signals: Signals,
    is_begun: bool,
}

impl Watched {
    fn see(&self, phase: NotePhase) {
        let (here, depth) = (self.here, self.depth);
        self.explainer.message(here, phase, depth, &self.signals);
    }
}

impl Observer for Watched {
    fn passed(&mut self, _: &Bytes) {
        if !self.is_begun {
            self.is_begun = true;
            self.see(NotePhase::Header);
        }
    }

    fn ended(&mut self) {
        self.see(NotePhase::End);
    }

    fn failed(&mut self, _: &BodyError) {
        self.explainer.broken(self.here, self.depth);
    }

    fn taken(&mut self, _: u64, _: &[Blob]) {
        self.see(NotePhase::Header);
    }
}
