//! Legs that share and can be dropped one by one.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use koukan_core::{
    blob::BlobPool,
    reply::Reply,
    service::MailService,
    signals::HostPort,
    stage::{
        exploder::{Exploder, ReplyPolicy},
        sharing::{Demand, Sharing},
    },
    test_util::{Script, context, mail, rcpt},
    transaction::{Driver, Pending, Transaction},
};
use tokio::{
    sync::{Semaphore, oneshot},
    time::sleep,
};
use tower::{BoxError, Service, ServiceExt};

pub(crate) const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// An exploder whose legs share `inner`, without calls of their own.
pub(crate) fn exploder(inner: impl MailService) -> impl MailService {
    let legs = Sharing::new(inner).boxed();
    Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default())
}

/// Makes calls between legs and `inner` droppable.
#[derive(Clone)]
pub(crate) struct Droppable<S> {
    inner: S,
    droppers: Droppers,
}

/// Drops calls, by their numbers from 0.
#[derive(Clone, Default)]
pub(crate) struct Droppers(Arc<Mutex<Calls>>);

/// The calls so far, and the means to drop those under way.
#[derive(Default)]
struct Calls {
    count: usize,
    droppers: HashMap<usize, oneshot::Sender<()>>,
}

impl Droppers {
    pub(crate) fn around<S>(&self, inner: S) -> Droppable<S> {
        let droppers = self.clone();
        Droppable { inner, droppers }
    }

    /// Drops that call, which then ends with [`Reply::bad_content`].
    pub(crate) fn drop_call(&self, number: usize) {
        let dropper = self.0.lock().unwrap().droppers.remove(&number);
        dropper.unwrap().send(()).unwrap();
    }
}

impl<S: MailService> Service<Transaction> for Droppable<S> {
    type Response = Reply;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, transaction: Transaction) -> Self::Future {
        let (dropper, dropped) = oneshot::channel();
        {
            let calls = &mut *self.droppers.0.lock().unwrap();
            calls.droppers.insert(calls.count, dropper);
            calls.count += 1;
        }
        let call = self.inner.clone().oneshot(transaction);
        Box::pin(async move {
            tokio::select! {
                biased;
                Ok(()) = dropped => Ok(Reply::bad_content()),
                result = call => result.map_err(Into::into),
            }
        })
    }
}

/// A client that waits for each reply.
pub(crate) struct Client {
    pub(crate) driver: Driver,
    _mail: Pending,
}

impl Client {
    pub(crate) fn new(service: impl MailService) -> Self {
        let (driver, mail) = Driver::start(service, context(), mail("a@x"));
        Self {
            driver,
            _mail: mail,
        }
    }

    pub(crate) async fn rcpt(&mut self, to: &str) -> Reply {
        let pending = self.driver.rcpt(rcpt(to)).await;
        self.driver.wait(pending).await
    }

    /// Sends the message; returns the final reply.
    pub(crate) async fn message(&mut self) -> Reply {
        self.driver.send(MESSAGE.into()).await.unwrap();
        self.driver.finish().await
    }

    /// Lets the legs run as far as they can.
    pub(crate) async fn rest(&mut self) {
        let second = std::time::Duration::from_millis(10);
        let _ = tokio::time::timeout(second, self.driver.progress()).await;
    }
}

/// The recipients of each delivered message, in the order in which the messages ended.
pub(crate) fn delivered(script: &Script) -> Vec<Vec<String>> {
    let received = script.received().into_iter();
    let whole = received.filter(|received| received.body.ends_with(MESSAGE.as_bytes()));
    whole
        .map(|received| {
            let texts = received.recipient_texts().into_iter();
            texts.map(str::to_owned).collect()
        })
        .collect()
}

/// A destination with one connection, as a pool keeps it.
#[derive(Clone)]
pub(crate) struct OneAtATime {
    script: Script,
    connection: Arc<Semaphore>,
    demand: Demand,
    host: HostPort,
}

impl OneAtATime {
    pub(crate) fn new(demand: Demand, host: HostPort) -> Self {
        Self {
            script: Script::new(),
            connection: Arc::new(Semaphore::new(1)),
            demand,
            host,
        }
    }

    pub(crate) fn script(&self) -> &Script {
        &self.script
    }
}

impl Service<Transaction> for OneAtATime {
    type Response = Reply;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Reply, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, transaction: Transaction) -> Self::Future {
        let this = self.clone();
        let holdings = transaction.body.holdings();
        Box::pin(async move {
            let connection = Arc::clone(&this.connection);
            let _connection = match Arc::clone(&connection).try_acquire_owned() {
                Ok(connection) => connection,
                Err(_) => {
                    let _wanted = this.demand.want(&this.host, &holdings);
                    tokio::select! {
                        biased;
                        connection = connection.acquire_owned() => connection?,
                        () = async { holdings.held().await; sleep(Duration::from_secs(1)).await } => {
                            return Ok(Reply::overloaded());
                        }
                    }
                }
            };
            let _held = holdings.hold();
            this.script.oneshot(transaction).await
        })
    }
}
