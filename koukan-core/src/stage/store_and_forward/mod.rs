//! A complete queue in a few lines: [`StoreAndForward`].
//!
//! It assembles the parts of an agent from an endpoint and a [`Backend`](crate::storage::Backend):
//!
//! ```text
//! submission(), ingress()  Exploder → StorageWriter ─┐
//! resources()              RestHandler ──────────────┼─► Storage ─► OutputHandler ─► the endpoint
//! run()                    Dispatcher ───────────────┘
//! ```
//!
//! Mail is delivered while its client waits if possible. Otherwise it is committed to the backend, attempted
//! again, and reported to its sender if it fails: the durability rule of [`storage`](crate::storage) holds.
//! For other parts, combine the stages by hand.
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
mod unattended;

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

use self::unattended::Attended;

/// A queue, and the services that take mail into it. Clones share it.
///
/// Queued mail is worked on only while [`StoreAndForward::run`] is polled: without that, mail answered with 250 may
/// wait forever. If it was not called a minute after the queue was opened, that is logged as a warning.
#[derive(Clone)]
pub struct StoreAndForward<C: Chains = Chain> {
    storage: Storage,
    output: OutputHandler<C>,
    dispatcher: Dispatcher<OutputHandler<C>>,
    retention: Retention,
    /// Held by the call of `run` that works on queued mail.
    turn: Arc<Semaphore>,
    attended: Attended,
}

impl<C: Chains> StoreAndForward<C> {
    /// Takes mail from users' programs: mail that may succeed later is queued and answered with 250.
    pub fn submission(&self) -> Exploder<StorageWriter<OutputHandler<C>>> {
        self.take(ReplyPolicy::Submission, StorageWriterTimeouts::default())
    }

    /// Takes mail from other agents, which retry by themselves: they get the destination's reply.
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

    /// Takes transactions as resources on behalf of these senders, as the REST API does.
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

    /// The storage of the queue.
    ///
    /// If other processes share the backend, call [`Storage::leave`] last, after [`StoreAndForward::run`] and all
    /// listeners have ended: the others then take over the remaining mail at once.
    pub fn storage(&self) -> &Storage {
        &self.storage
    }
}

impl<C: Chains> std::fmt::Debug for StoreAndForward<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreAndForward").finish_non_exhaustive()
    }
}
