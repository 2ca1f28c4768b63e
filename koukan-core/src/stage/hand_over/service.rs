use std::{
    fmt,
    sync::Arc,
    task::{self, Poll},
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Service, ServiceExt};

use crate::{
    context::{Context, Sender},
    rate::Promise,
    reply::{FinalReplies, Handover, Reply},
    service::MailService,
    signals::{Carried, Forced, HandedOver, HearsEach, NextSender, Queued, Signals, TraceId},
    stage::output_handler::Chains,
    transaction::Transaction,
};

/// Hands over what a router has routed to a sender; see the [module documentation](super).
///
/// # Cancel safety
///
/// Dropping the call drops the other chain's call.
#[derive(Clone)]
pub struct HandOver<S> {
    inner: S,
    chains: Arc<dyn Chains>,
}

impl<S> HandOver<S> {
    pub(super) fn new(inner: S, chains: Arc<dyn Chains>) -> Self {
        Self { inner, chains }
    }
}

impl<S: MailService> Service<Transaction> for HandOver<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), BoxError>> {
        // It is not known yet which chain must be ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        let Self { inner, chains } = self.clone();
        Box::pin(async move {
            let Some(tx) = tx.with_recipient().await? else {
                return Ok(Reply::no_valid_recipients());
            };
            match tx.signals.find::<NextSender>() {
                Some(next) => hand_over(&*chains, &next.0, tx).await,
                None => inner.oneshot(tx).await.map_err(Into::into),
            }
        })
    }
}

async fn hand_over(
    chains: &dyn Chains,
    sender: &Sender,
    mut tx: Transaction,
) -> Result<Reply, BoxError> {
    let Some(chain) = chains.find(sender) else {
        tracing::error!(%sender, "a router names a sender that has no chain");
        return Ok(Reply::misconfigured());
    };
    let before = tx.signals.find_above::<HandedOver>();
    let times = before.as_ref().map_or(1, |before| before.times + 1);
    if times > TIMES_MAX {
        tracing::error!(%sender, "chains hand a message over to each other without end");
        return Ok(Reply::loops_back());
    }
    let is_believed = before.is_none_or(|before| before.is_sender_believed);
    let is_believed = is_believed && tx.signals.is_spf_pass() != Some(false);
    tx.context = Arc::new(Context::new(sender.clone()));
    tx.signals = known_there(&tx.signals, HandedOver::new(times, is_believed));
    let there = tx.signals.clone();
    // Other copies of the message share nothing with this one.
    drop(tx.body.take_token());
    let reply = chain.service.oneshot(tx).await?;
    let handed_over = there.find::<HandedOver>();
    Ok(match handed_over.is_some_and(|it| it.is_success_told()) {
        true => passed_on(reply),
        false => reply,
    })
}

/// How often a message is handed over in one attempt at most.
const TIMES_MAX: usize = 8;

/// The signals that are passed on.
fn known_there(signals: &Signals, handed_over: HandedOver) -> Signals {
    let there = Signals::of_carried(Carried::of_trace(TraceId::of(signals)));
    // Nobody else has set it.
    let _ = there.set(handed_over);
    if let Some(account) = signals.account() {
        there.account_or(|| account.clone());
    }
    if signals.find::<HearsEach>().is_some() {
        let _ = there.set(HearsEach);
    }
    // Also whether a client waits, whether an operator asked for the attempt, and its turn.
    if signals.find::<Queued>().is_some() {
        let _ = there.set(Queued);
    }
    if signals.find::<Forced>().is_some() {
        let _ = there.set(Forced);
    }
    if let Some(promise) = signals.find::<Promise>() {
        let _ = there.set(Promise::clone(&promise));
    }
    // The endpoint there says when the message leaves.
    match signals.departure() {
        Some(departure) => there.with_departure(Arc::clone(departure)),
        None => there,
    }
}

/// The reply that says that others notify of success.
fn passed_on(reply: Reply) -> Reply {
    let note = |reply: &Reply| match reply.is_positive() {
        true => reply.clone().with_extension(Handover::PassedOn),
        false => reply.clone(),
    };
    let Some(each) = reply.final_replies() else {
        return note(&reply);
    };
    let mut replies = FinalReplies::default();
    for (position, reply) in each.iter() {
        replies.push(position, note(reply));
    }
    let whole = note(&reply).without_final_replies();
    replies.into_reply_or(whole)
}

impl<S: fmt::Debug> fmt::Debug for HandOver<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandOver")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
