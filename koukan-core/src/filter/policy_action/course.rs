//! The course of a rule through one transaction.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context as TaskContext, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;

use crate::{
    body::{Body, BodyError},
    context::Context,
    signals::Signals,
    transaction::{Command, Mail, Rcpt, Transaction},
};

use super::{Facts, Moment, PolicyRule, header::Header, results::Results, rule::Outcome};

/// A rule in one transaction: what it reads, and its outcome so far.
pub(super) struct Course {
    rule: Arc<PolicyRule>,
    context: Arc<Context>,
    signals: Signals,
    mail: Mail,
    results: Arc<Results>,
    /// The outcome for the whole transaction.
    outcome: Mutex<Outcome>,
    /// The number of accepted recipients, if the rule needs it.
    accepted: Option<Arc<AtomicUsize>>,
    /// The header section, once it is there, if the rule needs it.
    header: OnceLock<Arc<Header>>,
}

/// Evaluates a rule at MAIL, before anything is kept for it.
pub(super) fn at_mail(rule: &PolicyRule, tx: &Transaction, results: &Results) -> Outcome {
    rule.look(&Facts {
        context: &tx.context,
        signals: &tx.signals,
        mail: tx.mail.request(),
        rcpt: None,
        accepted: 0,
        header: None,
        moment: Moment::Mail,
        results,
    })
}

impl Course {
    pub(super) fn new(rule: &Arc<PolicyRule>, tx: &Transaction, results: Arc<Results>) -> Self {
        Self {
            rule: Arc::clone(rule),
            context: Arc::clone(&tx.context),
            signals: tx.signals.clone(),
            mail: tx.mail.request().clone(),
            results,
            outcome: Mutex::new(Outcome::Open),
            accepted: rule.expression.counts_recipients().then(Arc::default),
            header: OnceLock::new(),
        }
    }

    /// Evaluates the rule for one recipient. A refused recipient is answered.
    pub(super) fn recipient(&self, rcpt: Command<Rcpt>) -> Option<Command<Rcpt>> {
        let moment = Moment::Rcpt(rcpt.position());
        if let Outcome::Refused(reply) = self.look(moment, Some(rcpt.request())) {
            rcpt.answer(reply);
            return None;
        }
        let Some(accepted) = &self.accepted else {
            return Some(rcpt);
        };
        accepted.fetch_add(1, Ordering::Relaxed);
        let accepted = Arc::clone(accepted);
        Some(rcpt.map_reply(move |reply| {
            if reply.is_negative() {
                accepted.fetch_sub(1, Ordering::Relaxed);
            }
            reply
        }))
    }

    /// Evaluates the rule for the transaction at a RCPT. A refusal stays.
    pub(super) fn at_recipient(&self, rcpt: Command<Rcpt>) -> Option<Command<Rcpt>> {
        match self.at(Moment::Rcpt(rcpt.position())) {
            Outcome::Refused(reply) => {
                rcpt.answer(reply);
                None
            }
            Outcome::Open | Outcome::Done => Some(rcpt),
        }
    }

    /// Evaluates the rule before the message goes on; and before its end, if it is not known before.
    pub(super) async fn message(self: Arc<Self>, body: Body) -> Result<Body, BodyError> {
        let body = self.with_header(body).await?;
        match self.at(Moment::Message) {
            Outcome::Done => Ok(body),
            Outcome::Open => Ok(Body::from_stream(AtEnd {
                inner: body,
                course: self,
            })),
            refused @ Outcome::Refused(_) => match refused.refusal() {
                Some(rejection) => Err(rejection.into()),
                None => Ok(body),
            },
        }
    }

    /// Reads the header section, if the rule still needs it.
    async fn with_header(&self, body: Body) -> Result<Body, BodyError> {
        if !self.rule.expression.reads_header() || *self.outcome() != Outcome::Open {
            return Ok(body);
        }
        let (body, header) = Header::read(body, &self.signals).await?;
        // The message comes once.
        let _ = self.header.set(header);
        Ok(body)
    }

    /// Evaluates the rule for the transaction, unless its outcome is known.
    fn at(&self, moment: Moment) -> Outcome {
        let known = self.outcome().clone();
        if known != Outcome::Open {
            return known;
        }
        // Matchers and observers may be an embedder's own: they are called without the lock.
        let found = self.look(moment, None);
        let mut outcome = self.outcome();
        if *outcome == Outcome::Open {
            *outcome = found;
        }
        outcome.clone()
    }

    fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accepted(&self) -> usize {
        let accepted = self.accepted.as_ref();
        accepted.map_or(0, |accepted| accepted.load(Ordering::Relaxed))
    }

    fn look(&self, moment: Moment, rcpt: Option<&Rcpt>) -> Outcome {
        self.rule.look(&Facts {
            context: &self.context,
            signals: &self.signals,
            mail: &self.mail,
            rcpt,
            accepted: self.accepted(),
            header: self.header.get().map(|header| &header.section),
            moment,
            results: &self.results,
        })
    }
}

/// A body whose end waits until the rule was evaluated.
struct AtEnd {
    inner: Body,
    course: Arc<Course>,
}

impl Stream for AtEnd {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.inner.poll_chunk(cx));
        Poll::Ready(match item {
            None => {
                let refused = self.course.at(Moment::End).refusal();
                refused.map(|rejection| Err(rejection.into()))
            }
            item => item,
        })
    }
}
