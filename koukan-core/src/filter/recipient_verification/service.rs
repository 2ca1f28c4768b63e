use std::{sync::Arc, task};

use tokio::time::Instant;
use tower::Service;

use crate::{
    context::Context,
    event::{Event, RecipientVerified},
    reply::Reply,
    service::MailService,
    signals::{Expansions, Signals},
    transaction::{Command, Rcpt, Transaction},
};

use super::{
    RecipientVerificationLayer,
    found::{Answer, OfRecipients, Told},
};

/// Asks destinations before recipients are accepted; see the [module documentation](super).
///
/// # Cancel safety
///
/// Dropping the call abandons a question that nobody else waits for.
#[derive(Debug, Clone)]
pub struct VerifyRecipients<S> {
    inner: S,
    layer: RecipientVerificationLayer,
}

impl<S> VerifyRecipients<S> {
    pub(super) fn new(inner: S, layer: RecipientVerificationLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S: MailService> Service<Transaction> for VerifyRecipients<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> S::Future {
        let layer = self.layer.clone();
        let (context, signals) = (Arc::clone(&tx.context), tx.signals.clone());
        let found = OfRecipients::of(&signals, layer.verifier.time());
        self.inner.call(tx.map_recipients(move |recipients| {
            recipients.then(move |rcpt| {
                let (layer, found) = (layer.clone(), Arc::clone(&found));
                let (context, signals) = (Arc::clone(&context), signals.clone());
                async move { layer.look_at(rcpt, &context, &signals, &found).await }
            })
        }))
    }
}

impl RecipientVerificationLayer {
    /// Returns the recipient, unless it was answered.
    async fn look_at(
        &self,
        rcpt: Command<Rcpt>,
        context: &Context,
        signals: &Signals,
        found: &OfRecipients,
    ) -> Option<Command<Rcpt>> {
        let position = rcpt.position();
        let expansions = signals.find::<Expansions>();
        if expansions.is_some_and(|expansions| expansions.of(position).is_some()) {
            return Some(rcpt);
        }
        let began = Instant::now();
        let path = rcpt.forward_path();
        let told = self.verifier.ask(context, path, found.left()).await;
        let took = began.elapsed();
        found.spend(took);
        let Some(Told { answer, is_asked }) = told else {
            return Some(rcpt);
        };
        let verification = answer.verification();
        found.note(position, verification);
        let result = verification.as_str();
        let event = RecipientVerified::new(&context.sender, result, is_asked, took);
        self.observers.tell(&Event::RecipientVerified(event));
        let reply = match answer {
            Answer::Refused(reply) if self.refuses => reply,
            Answer::Unknown if self.refuses_unknown => Reply::unverified_recipient(),
            Answer::Accepted | Answer::Refused(_) | Answer::Unknown => return Some(rcpt),
        };
        rcpt.answer(reply);
        None
    }
}
