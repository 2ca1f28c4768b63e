//! One method of [`ServiceBuilder`] for each layer of this crate.

use tower::{ServiceBuilder, layer::util::Stack};

use crate::{
    blob::BlobPool,
    event::Observers,
    filter::{
        received_header::ReceivedHeaderLayer,
        router::{Policy, RouterLayer},
    },
    middleware::{
        ChargeLayer, DeliverLayer, TraceLayer,
        callbacks::{CallbackLayer, Callbacks, callbacks},
        from_fn::{FromFnLayer, Next, from_fn},
    },
    reply::Reply,
    service::RescueLayer,
    transaction::Transaction,
};

/// Adds the layers of this crate to a [`ServiceBuilder`] by name. Sealed.
///
/// # Example
///
/// ```
/// use koukan_core::{
///     ServiceBuilderExt,
///     filter::router::{AddressList, Decision},
///     observer::Log,
///     reply::Reply,
///     test_util::{Script, mail, rcpt, send},
/// };
/// use tower::ServiceBuilder;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let service = ServiceBuilder::new()
///     .trace_transactions(Log.into())
///     .route(AddressList::new(["example.com"], Decision::Accept))
///     .service(Script::new());
/// let outcome = send(service, mail("a@x"), [rcpt("b@example.com")], "\r\nhello\r\n").await;
/// assert_eq!(outcome.message, Some(Reply::message_accepted()));
/// # });
/// ```
pub trait ServiceBuilderExt<L>: sealed::Sealed + Sized {
    /// Reports each transaction to observers at its end: [`TraceLayer`].
    fn trace_transactions(self, observers: Observers) -> ServiceBuilder<Stack<TraceLayer, L>>;

    /// Charges the octets of transactions to their clients: [`ChargeLayer`].
    fn charge(self, pool: BlobPool) -> ServiceBuilder<Stack<ChargeLayer, L>>;

    /// Turns failures into replies: [`RescueLayer`].
    fn rescue(self) -> ServiceBuilder<Stack<RescueLayer, L>>;

    /// Makes a filter of a function: [`from_fn`].
    fn filter_fn<F, Fut>(self, f: F) -> ServiceBuilder<Stack<FromFnLayer<F>, L>>
    where
        F: Fn(Transaction, Next) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Reply, tower::BoxError>> + Send + 'static;

    /// Makes a filter of callbacks: [`callbacks`].
    fn callbacks<F, C>(self, start: F) -> ServiceBuilder<Stack<CallbackLayer<F>, L>>
    where
        F: Fn(&Transaction) -> C + Clone + Send + Sync + 'static,
        C: Callbacks;

    /// Adds the trace header field: [`ReceivedHeaderLayer`].
    fn received_header(
        self,
        layer: ReceivedHeaderLayer,
    ) -> ServiceBuilder<Stack<ReceivedHeaderLayer, L>>;

    /// Decides where each recipient goes: [`RouterLayer`].
    fn route(self, policy: impl Policy) -> ServiceBuilder<Stack<RouterLayer, L>>;

    /// Takes a whole transaction as one request: [`DeliverLayer`].
    fn deliver(self) -> ServiceBuilder<Stack<DeliverLayer, L>>;
}

impl<L> ServiceBuilderExt<L> for ServiceBuilder<L> {
    fn trace_transactions(self, observers: Observers) -> ServiceBuilder<Stack<TraceLayer, L>> {
        self.layer(TraceLayer::new(observers))
    }

    fn charge(self, pool: BlobPool) -> ServiceBuilder<Stack<ChargeLayer, L>> {
        self.layer(ChargeLayer::new(pool))
    }

    fn rescue(self) -> ServiceBuilder<Stack<RescueLayer, L>> {
        self.layer(RescueLayer)
    }

    fn filter_fn<F, Fut>(self, f: F) -> ServiceBuilder<Stack<FromFnLayer<F>, L>>
    where
        F: Fn(Transaction, Next) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Reply, tower::BoxError>> + Send + 'static,
    {
        self.layer(from_fn(f))
    }

    fn callbacks<F, C>(self, start: F) -> ServiceBuilder<Stack<CallbackLayer<F>, L>>
    where
        F: Fn(&Transaction) -> C + Clone + Send + Sync + 'static,
        C: Callbacks,
    {
        self.layer(callbacks(start))
    }

    fn received_header(
        self,
        layer: ReceivedHeaderLayer,
    ) -> ServiceBuilder<Stack<ReceivedHeaderLayer, L>> {
        self.layer(layer)
    }

    fn route(self, policy: impl Policy) -> ServiceBuilder<Stack<RouterLayer, L>> {
        self.layer(RouterLayer::new(policy))
    }

    fn deliver(self) -> ServiceBuilder<Stack<DeliverLayer, L>> {
        self.layer(DeliverLayer)
    }
}

mod sealed {
    /// Only a [`ServiceBuilder`](tower::ServiceBuilder) has the methods.
    pub trait Sealed {}

    impl<L> Sealed for tower::ServiceBuilder<L> {}
}
