use std::{
    any::type_name,
    fmt,
    task::{Context, Poll},
};

use tower::{BoxError, Service};

use crate::{reply::Reply, transaction::Transaction};

use super::Next;

/// A function in front of a service.
#[derive(Clone)]
pub struct FromFn<F> {
    f: F,
    next: Next,
}

impl<F> FromFn<F> {
    pub(super) fn new(f: F, next: Next) -> Self {
        Self { f, next }
    }
}

impl<F, Fut> Service<Transaction> for FromFn<F>
where
    F: Fn(Transaction, Next) -> Fut,
    Fut: Future<Output = Result<Reply, BoxError>> + Send + 'static,
{
    type Response = Reply;
    type Error = BoxError;
    type Future = Fut;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, transaction: Transaction) -> Fut {
        (self.f)(transaction, self.next.clone())
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromFn").field(&type_name::<F>()).finish()
    }
}
