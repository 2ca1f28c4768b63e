//! The service.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::future::BoxFuture;
use jiff::Timestamp;
use tower::Service;

use crate::{
    message::dsn::Words,
    path::Mailbox,
    random::{SharedRandom, SystemRandom},
    reply::Reply,
    storage::{
        AttemptEnd, BackendError, Lease,
        record::{Attempt, FinalReason, Recipient, Work},
    },
};

use super::{
    AttemptOutcome, Chains, Notifications, RetryPolicy,
    attempt::{Exchange, Halted},
    delayed::{Delayed, Delays},
    elsewhere,
    meeting::{self, Waits},
    notification::Notifier,
    report,
    rules::{RetryRules, SharedRules},
    schedule, success, turn_away,
};

/// Makes one attempt at a leased transaction, or sends the notification of its failure.
///
/// It is a `Service<Lease>`, so tower's limits can be put around it. A lease that these drop counts as
/// an attempt, and the next one follows later.
pub struct OutputHandler<C> {
    pub(super) chains: Arc<C>,
    pub(super) notifier: Arc<Notifier>,
    random: SharedRandom,
    rules: SharedRules,
    pub(super) delay: Option<Duration>,
    /// Those of which senders are told together.
    pub(super) delays: Arc<Delays>,
}

impl<C: Chains> OutputHandler<C> {
    /// An output handler with these chains and notifications.
    pub fn new(chains: C, notifications: Notifications) -> Self {
        Self::notifying(chains, Some(notifications))
    }

    /// An output handler that notifies nobody, for transactions whose originators wait for the outcome. What should have
    /// been a notification is logged as a warning.
    pub fn without_notifications(chains: C) -> Self {
        Self::notifying(chains, None)
    }

    fn notifying(chains: C, notifications: Option<Notifications>) -> Self {
        Self {
            chains: Arc::new(chains),
            notifier: Arc::new(Notifier {
                notifications,
                words: Words::default(),
            }),
            random: Arc::new(SystemRandom),
            rules: None,
            delay: None,
            delays: Arc::default(),
        }
    }

    /// Sets retry policies for mail to some domains. The first recipient decides.
    #[must_use]
    pub fn with_retry_rules(mut self, rules: impl RetryRules) -> Self {
        self.rules = Some(Arc::new(rules));
        self
    }

    pub(super) fn retry(&self, lease: &Lease, general: RetryPolicy) -> RetryPolicy {
        match &self.rules {
            Some(_) => self.retry_of(&lease.recipients(), general),
            None => general,
        }
    }

    pub(super) fn retry_of(&self, recipients: &[Recipient], general: RetryPolicy) -> RetryPolicy {
        let Some(rules) = &self.rules else {
            return general;
        };
        let first = recipients.first();
        let mailbox = first.and_then(|first| first.rcpt.forward_path.mailbox());
        rules.retry(mailbox.map_or("", Mailbox::domain_text), general)
    }

    /// Sets the templates of notifications, which may be replaced at any time.
    #[must_use]
    pub fn with_words(mut self, words: Words) -> Self {
        let notifications = self.notifier.notifications.clone();
        self.notifier = Arc::new(Notifier {
            notifications,
            words,
        });
        self
    }

    /// Notifies senders once that their message is delayed: with the first attempt that ends after
    /// this time. Recipients that are delayed together are in one notification, for which that attempt
    /// waits two seconds. It applies to transactions whose failures are notified.
    #[must_use]
    pub fn with_delay_notices(mut self, after: Duration) -> Self {
        self.delay = Some(after);
        self
    }

    /// Sets the source of randomness for the time between attempts.
    #[must_use]
    pub fn with_random(mut self, random: SharedRandom) -> Self {
        self.random = random;
        self
    }

    async fn attempt(self, mut lease: Lease) -> Result<AttemptOutcome, BackendError> {
        let chain = self.chains.find(&lease.context().sender);
        let read_failures = lease.read_failures();
        let retry = chain.as_ref().map(|chain| chain.retry);
        let retry = self.retry(&lease, retry.unwrap_or_default());
        if let Some(last) = used_up(&lease, retry) {
            return Box::pin(conclude(lease, last)).await;
        }
        if lease.is_suspended() && Box::pin(lease.stays_suspended()).await {
            Box::pin(lease.give_back()).await;
            return Ok(AttemptOutcome::GivenBack);
        }
        let unit = lease.unit(|| self.random.unit());
        let ended = match chain {
            Some(chain) => {
                let sender = &lease.context().sender.name;
                let service = turn_away::around(lease.storage(), sender, chain.service);
                Exchange::new(&mut lease, service).await
            }
            None => Ok(without_chain(&lease)),
        };
        // What is rare is boxed, so that each attempt is no larger than it need be.
        let mut attempt = match ended {
            Ok(attempt) => attempt,
            Err(Halted::Cancelled(mut attempt)) => {
                // If all recipients are refused, nothing more is known of them.
                lease.storage().suppress_bad(&lease, &mut attempt);
                if lease.is_stored() {
                    // The attempt is not written.
                    lease.storage().keep_found(attempt.suppresses);
                }
                Box::pin(lease.give_up(FinalReason::Cancelled)).await?;
                return Ok(AttemptOutcome::Cancelled);
            }
            Err(Halted::GivenBack) => {
                Box::pin(lease.give_back()).await;
                return Ok(AttemptOutcome::GivenBack);
            }
        };
        let left = elsewhere::left(&lease, &attempt);
        let is_of_several = !left.is_empty();
        let is_broken_off = is_of_several
            && Box::pin(elsewhere::go_on(
                &*self.chains,
                &mut lease,
                &mut attempt,
                left,
            ))
            .await;
        let is_unread = lease.read_failures() != read_failures;
        let is_in_vain = attempt.final_reply.is_transient() && !attempt.is_any_delivered();
        if is_unread && is_in_vain && lease.terms().is_some() {
            let until = schedule::after_failed_read(lease.begins(), attempt.ended);
            tracing::error!(
                id = %lease.trace_id(),
                transaction = %lease.id(),
                %until,
                "a stored message cannot be read; this does not count as an attempt"
            );
            Box::pin(lease.postpone(until)).await?;
            return Ok(AttemptOutcome::Postponed { until });
        }
        let attempts = lease.attempt_count() + 1;
        let mut retry_at = retry.after(&attempt, lease.begins(), attempts, unit);
        if is_broken_off || schedule::is_stopped(&attempt, lease.is_stopping()) {
            // The recipients that are left were not attempted.
            retry_at = Some(attempt.ended);
        }
        // One of several destinations must not hold back the others.
        let waits = match is_of_several {
            true => Waits::No,
            false => meeting::note(&lease, &attempt),
        };
        if waits != Waits::No
            && let Some(next) = retry.next_look(lease.begins(), attempt.ended, unit)
        {
            if lease.may_be_held_back() && !self.is_delay_due(&lease, attempt.ended) {
                return Box::pin(hold_back(lease, waits, next)).await;
            }
            // It is held back with the others.
            retry_at = Some(attempt.ended);
        }
        lease.storage().suppress_bad(&lease, &mut attempt);
        report::attempted(&lease, &attempt);
        if Notifier::is_lost(&lease, &attempt, retry_at.is_none()) {
            Box::pin(Notifier::tell_of_loss(&lease, &attempt)).await;
        }
        if success::is_told(&lease, &attempt) {
            Box::pin(success::tell(&self.notifier, &lease, &mut attempt)).await;
        }
        let is_told = retry_at.is_some() && self.is_delay_due(&lease, attempt.ended);
        let final_reply = attempt.final_reply.clone();
        let end = AttemptEnd { attempt, retry_at };
        match is_told {
            true => {
                let until = retry.deadline_of(lease.begins());
                Box::pin(self.finish_delayed(Delayed { lease, end, until })).await?;
            }
            false => lease.finish(end).await?,
        }
        Ok(AttemptOutcome::Attempted {
            final_reply,
            retry_at,
        })
    }

    async fn notify(self, lease: Lease) -> Result<AttemptOutcome, BackendError> {
        for lease in lease.into_told_apart() {
            let notification = self.notifier.make(&lease).await;
            lease.notified(notification).await?;
        }
        Ok(AttemptOutcome::Notified)
    }
}

/// The last attempt, if it was broken off by the holder of the lease and has used up attempts or
/// time, which that holder did not know.
fn used_up(lease: &Lease, retry: RetryPolicy) -> Option<Attempt> {
    let last = lease.last_attempt()?;
    if last.given_final_reply().is_some() {
        return None;
    }
    let next = retry.next_attempt(lease.begins(), lease.attempt_count(), last.ended, 0.5);
    next.is_none().then(|| last.clone())
}

/// Ends a transaction with what its last attempt has brought.
async fn conclude(lease: Lease, last: Attempt) -> Result<AttemptOutcome, BackendError> {
    if Notifier::is_lost(&lease, &last, true) {
        Notifier::tell_of_loss(&lease, &last).await;
    }
    lease.conclude(last).await?;
    Ok(AttemptOutcome::UsedUp)
}

/// Ends an attempt that has not reached its destination, which is known to be down, without counting it.
/// A transaction that has waited long is looked at by `next`, so that its deadline is noticed.
async fn hold_back(
    lease: Lease,
    waits: Waits,
    next: Timestamp,
) -> Result<AttemptOutcome, BackendError> {
    if waits == Waits::ForTurn {
        lease.give_back().await;
        return Ok(AttemptOutcome::HeldBack { until: None });
    }
    tracing::debug!(id = %lease.trace_id(), transaction = %lease.id(), "the destination is down; the transaction waits");
    meeting::waits(&lease);
    let until = lease.is_late().then_some(next);
    match until {
        Some(until) => lease.postpone(until).await?,
        None => lease.give_back().await,
    }
    Ok(AttemptOutcome::HeldBack { until })
}

/// Gives up a transaction whose message was never completed.
async fn abandon(lease: Lease) -> Result<AttemptOutcome, BackendError> {
    let reason = lease.end_of_draft();
    lease.give_up(reason).await?;
    Ok(AttemptOutcome::Abandoned)
}

/// The result of an attempt if the configuration no longer has a chain for the sender: the
/// transaction waits, since the configuration can be corrected.
fn without_chain(lease: &Lease) -> Box<Attempt> {
    let sender = &lease.context().sender;
    tracing::error!(id = %lease.trace_id(), transaction = %lease.id(), %sender, "no chain for the sender of a stored transaction");
    let now = lease.storage().clock().now();
    Box::new(Attempt {
        started: now,
        ended: now,
        mail_reply: None,
        recipient_replies: Vec::new(),
        final_reply: Reply::local_error(),
        final_replies: Vec::new(),
        remote: None,
        shown: None,
        tls: None,
        conversation: None,
        suppresses: Vec::new(),
    })
}

impl<C: Chains> Service<Lease> for OutputHandler<C> {
    type Response = AttemptOutcome;
    type Error = BackendError;
    type Future = BoxFuture<'static, Result<AttemptOutcome, BackendError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BackendError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, lease: Lease) -> Self::Future {
        let this = self.clone();
        match lease.work() {
            Work::Attempt if lease.is_overdue() => Box::pin(this.expire(lease)),
            Work::Attempt => Box::pin(this.attempt(lease)),
            Work::Notify => Box::pin(this.notify(lease)),
            Work::Abandon => Box::pin(abandon(lease)),
        }
    }
}

impl<C> Clone for OutputHandler<C> {
    fn clone(&self) -> Self {
        Self {
            chains: Arc::clone(&self.chains),
            notifier: Arc::clone(&self.notifier),
            random: Arc::clone(&self.random),
            rules: self.rules.clone(),
            delay: self.delay,
            delays: Arc::clone(&self.delays),
        }
    }
}

impl<C> fmt::Debug for OutputHandler<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputHandler")
            .field("notifications", &self.notifier.notifications)
            .finish_non_exhaustive()
    }
}
