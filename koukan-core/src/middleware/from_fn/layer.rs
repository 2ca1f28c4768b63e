use std::{any::type_name, fmt};

use tower::{BoxError, Layer};

use crate::{
    reply::Reply,
    service::{BoxMailService, MailService},
    transaction::Transaction,
};

use super::{FromFn, Next, State};

/// Makes a layer from `async fn(Transaction, Next) -> Result<Reply, BoxError>`.
pub fn from_fn<F, Fut>(f: F) -> FromFnLayer<F>
where
    F: Fn(Transaction, Next) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply, BoxError>> + Send + 'static,
{
    FromFnLayer { f }
}

/// Makes a layer from `async fn(State<S>, Transaction, Next) -> Result<Reply, BoxError>`.
///
/// Each call gets a clone of `state`.
pub fn from_fn_with_state<S, F, Fut>(
    state: S,
    f: F,
) -> FromFnLayer<impl Fn(Transaction, Next) -> Fut + Clone + Send + Sync + 'static>
where
    S: Clone + Send + Sync + 'static,
    F: Fn(State<S>, Transaction, Next) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply, BoxError>> + Send + 'static,
{
    from_fn(move |transaction, next| f(State(state.clone()), transaction, next))
}

/// Puts a function in front of a service; made by [`from_fn`] and [`from_fn_with_state`].
#[derive(Clone, Copy)]
pub struct FromFnLayer<F> {
    f: F,
}

impl<F: Clone, S: MailService> Layer<S> for FromFnLayer<F> {
    type Service = FromFn<F>;

    fn layer(&self, inner: S) -> FromFn<F> {
        FromFn::new(self.f.clone(), Next::new(BoxMailService::new(inner)))
    }
}

impl<F> fmt::Debug for FromFnLayer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromFnLayer")
            .field(&type_name::<F>())
            .finish()
    }
}
