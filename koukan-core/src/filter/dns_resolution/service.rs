//! The service.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::join;
use tokio::time::{Instant, timeout};
use tower::Service;

use crate::{
    context,
    envelope::Rcpt,
    network::Resolver,
    path::ReversePath,
    reply::Reply,
    service::MailService,
    signals::{Destination, DurableSignal, NamedBy, Signals},
    transaction::Transaction,
};

use super::{
    DnsResolution, DnsResolutionLayer, Resolution,
    of_recipients::{Found, OfRecipients, Question},
    question::any,
};

/// How many hosts of a next hop are looked up.
const NEXT_HOPS_MAX: usize = 5;

/// Asks the DNS for domains; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct ResolveDomains<S> {
    inner: S,
    settings: DnsResolutionLayer,
}

impl<S> ResolveDomains<S> {
    pub(super) fn new(inner: S, settings: DnsResolutionLayer) -> Self {
        Self { inner, settings }
    }
}

impl<S: MailService> Service<Transaction> for ResolveDomains<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        let next = self.inner.clone();
        // Keeps the clone for later, and calls the one that is ready.
        let mut inner = mem::replace(&mut self.inner, next);
        let settings = self.settings.clone();
        Box::pin(async move {
            if !tx.signals.has_durable(DnsResolution::NAME) {
                let path = &tx.mail.request().reverse_path;
                let found = settings.of_mail(path).await;
                if let Err(error) = tx.signals.set_durable(&found) {
                    tracing::warn!(%error, "the DNS results for a sender could not be stored");
                }
            }
            let (context, signals) = (Arc::clone(&tx.context), tx.signals.clone());
            let known = OfRecipients::of(&signals, settings.time);
            let tx = tx.map_recipients(move |recipients| {
                recipients.then(move |rcpt| {
                    let (settings, known) = (settings.clone(), Arc::clone(&known));
                    let (context, signals) = (Arc::clone(&context), signals.clone());
                    async move {
                        let found = settings.of_rcpt(rcpt.request(), &context, &signals, &known);
                        let found = found.await;
                        known.note(rcpt.position(), found);
                        Some(rcpt)
                    }
                })
            });
            inner.call(tx).await
        })
    }
}

impl DnsResolutionLayer {
    async fn of_mail(&self, path: &ReversePath) -> DnsResolution {
        let mail_result = match path.mailbox().map(Question::of_mailbox) {
            None => None,
            Some(Err(known)) => Some(known),
            Some(Ok(question)) => {
                let asked = timeout(self.time, question.ask(&*self.resolver)).await;
                Some(asked.unwrap_or(Resolution::Temp))
            }
        };
        DnsResolution { mail_result }
    }

    async fn of_rcpt(
        &self,
        rcpt: &Rcpt,
        context: &context::Context,
        signals: &Signals,
        known: &OfRecipients,
    ) -> Found {
        let mailbox = rcpt.forward_path.mailbox();
        let rcpt = async {
            match mailbox.map(Question::of_mailbox) {
                None => None,
                Some(Err(known)) => Some(known),
                Some(Ok(question)) => Some(known.ask(question, &*self.resolver).await),
            }
        };
        let next_hop = async {
            let hops = next_hop(context, signals);
            let asked = hops.into_iter().take(NEXT_HOPS_MAX);
            let asked = asked.map(|hop| known.ask(hop, &*self.resolver));
            let mut asked = asked.peekable();
            asked.peek()?;
            Some(any(asked).await)
        };
        let (began, left) = (Instant::now(), known.left());
        let (rcpt, next_hop) = join(within(left, rcpt), within(left, next_hop)).await;
        known.spend(began.elapsed());
        Found { rcpt, next_hop }
    }
}

/// The result after at most this time.
async fn within(
    time: Duration,
    asked: impl Future<Output = Option<Resolution>>,
) -> Option<Resolution> {
    let asked = timeout(time, asked).await;
    asked.unwrap_or(Some(Resolution::Temp))
}

impl OfRecipients {
    /// Asks the DNS, unless the same was asked before.
    async fn ask(&self, question: Question, resolver: &dyn Resolver) -> Resolution {
        if let Some(answer) = self.answer(&question) {
            return answer;
        }
        let answer = question.ask(resolver).await;
        self.keep(question, answer);
        answer
    }
}

/// The questions for the next hop: for a domain its hosts, otherwise each host.
fn next_hop(context: &context::Context, signals: &Signals) -> Vec<Question> {
    match signals.find::<Destination>() {
        Some(to) => {
            let hosts = to.hosts.iter().map(|host| host.host.clone());
            match to.named_by {
                NamedBy::Domain => hosts.map(Question::MailDomain).collect(),
                NamedBy::Operator | NamedBy::Other => hosts.map(Question::Host).collect(),
            }
        }
        None => {
            let named = context.next_hop.iter();
            named.map(|hop| Question::Host(hop.host.clone())).collect()
        }
    }
}
