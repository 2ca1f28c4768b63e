//! The service.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::Either;
use tower::Service;

use crate::{reply::Reply, service::MailService, transaction::Transaction};

use super::{
    PolicyRule,
    course::{Course, at_mail},
    results::Results,
    rule::Outcome,
};

/// Applies a rule; see the [module documentation](super).
#[derive(Debug, Clone)]
pub struct PolicyService<S> {
    inner: S,
    rule: Arc<PolicyRule>,
}

impl<S> PolicyService<S> {
    pub(super) fn new(inner: S, rule: Arc<PolicyRule>) -> Self {
        Self { inner, rule }
    }
}

impl<S: MailService> Service<Transaction> for PolicyService<S> {
    type Response = Reply;
    type Error = S::Error;
    type Future = Either<Ready<Result<Reply, S::Error>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> Self::Future {
        let results = Results::of(&tx.signals);
        if self.rule.is_per_recipient {
            let course = Course::new(&self.rule, &tx, results);
            let checked = tx.map_recipients(|recipients| {
                recipients.filter_map(move |rcpt| course.recipient(rcpt))
            });
            return Either::Right(self.inner.call(checked));
        }
        match at_mail(&self.rule, &tx, &results) {
            Outcome::Done => Either::Right(self.inner.call(tx)),
            Outcome::Refused(reply) => Either::Left(ready(Ok(reply))),
            Outcome::Open => {
                let course = Arc::new(Course::new(&self.rule, &tx, results));
                let of_message = Arc::clone(&course);
                let followed = tx
                    .map_recipients(|recipients| {
                        recipients.filter_map(move |rcpt| course.at_recipient(rcpt))
                    })
                    .map_body(|body| body.then(move |body| of_message.message(body)));
                Either::Right(self.inner.call(followed))
            }
        }
    }
}
