//! A queue of one's own in a few lines: [`StoreAndForward`].
//!
//! It puts together what an agent is made of, from an endpoint and a [`Backend`](crate::storage::Backend):
//!
//! ```text
//! submission(), ingress()  Exploder → StorageWriter ─┐
//! resources()              RestHandler ──────────────┼─► Storage ─► OutputHandler ─► the endpoint
//! run()                    Dispatcher ───────────────┘
//! ```
//!
//! What comes in is delivered while its client waits where that is possible, and is committed to the backend,
//! attempted again and reported to its sender where it is not: the durability rule of
//! [`storage`](crate::storage) holds. Whoever wants other parts puts the stages together by hand.
//!
//! # Example
//!
//! ```
//! use koukan_core::{
//!     stage::store_and_forward::StoreAndForward,
//!     test_util::{Script, mail, rcpt, send},
//! };
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let endpoint = Script::new();
//! let queue = StoreAndForward::builder(endpoint.clone()).open().await?;
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! let running = tokio::spawn({
//!     let queue = queue.clone();
//!     async move { queue.run(async { stopped.await.unwrap_or_default() }).await }
//! });
//! let outcome = send(queue.submission(), mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
//! assert!(outcome.message.unwrap().is_positive());
//! assert_eq!(endpoint.only_received().text(), "\r\nhello\r\n");
//! stop.send(()).unwrap();
//! running.await?;
//! # Ok::<(), tower::BoxError>(())
//! # }).unwrap();
//! ```

mod builder;
mod run;

pub use self::builder::StoreAndForwardBuilder;

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::{
    context::Sender,
    storage::{Retention, Storage},
};

use super::{
    dispatcher::Dispatcher,
    exploder::{Exploder, ReplyPolicy},
    output_handler::{Chain, Chains, OutputHandler},
    rest_handler::{RestHandler, RestHandlerSettings, SenderPolicy},
    storage_writer::{StorageWriter, StorageWriterTimeouts},
};

/// A queue, and what takes mail into it. Clones share it.
///
/// It works on what is kept for later while [`StoreAndForward::run`] is polled: without that, what is answered with
/// 250 may wait for ever.
#[derive(Clone)]
pub struct StoreAndForward<C: Chains = Chain> {
    storage: Storage,
    output: OutputHandler<C>,
    dispatcher: Dispatcher<OutputHandler<C>>,
    retention: Retention,
    /// Whose turn it is to work on what is kept.
    turn: Arc<Semaphore>,
}

impl<C: Chains> StoreAndForward<C> {
    /// Takes mail of users' programs: what can succeed later is kept and answered with 250.
    pub fn submission(&self) -> Exploder<StorageWriter<OutputHandler<C>>> {
        self.take(ReplyPolicy::Submission, StorageWriterTimeouts::default())
    }

    /// Takes mail of other agents, which try again by themselves: they hear what the destination said.
    pub fn ingress(&self) -> Exploder<StorageWriter<OutputHandler<C>>> {
        self.take(ReplyPolicy::Ingress, StorageWriterTimeouts::of_ingress())
    }

    fn take(
        &self,
        policy: ReplyPolicy,
        timeouts: StorageWriterTimeouts,
    ) -> Exploder<StorageWriter<OutputHandler<C>>> {
        let writer = StorageWriter::new(self.storage.clone(), self.output.clone());
        let writer = writer.with_timeouts(timeouts);
        Exploder::new(writer, policy, self.storage.pool().clone())
    }

    /// Takes transactions as resources, on behalf of these senders: what the REST API is a face of.
    pub fn resources(
        &self,
        senders: impl IntoIterator<Item = (Sender, SenderPolicy)>,
    ) -> RestHandler<OutputHandler<C>> {
        let senders = senders
            .into_iter()
            .collect::<std::collections::HashMap<_, _>>();
        let (storage, output) = (self.storage.clone(), self.output.clone());
        RestHandler::new(storage, output, senders, RestHandlerSettings::default())
    }

    /// What is kept.
    ///
    /// Where other processes share the backend, [`Storage::leave`] is called last of all, after
    /// [`StoreAndForward::run`] and whoever accepts connections have ended: the others have at once what is left.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }
}

impl<C: Chains> std::fmt::Debug for StoreAndForward<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreAndForward").finish_non_exhaustive()
    }
}
