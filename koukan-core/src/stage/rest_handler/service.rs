//! The service.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use tower::{BoxError, Service};

use crate::{
    resource::{
        Caller, Location, MessageRequest, MessageResponse, Operation, Refusal, RefusalKind,
        ResourceRequest, ResourceResponse, Role, Target,
    },
    stage::output_handler::AttemptService,
    storage::{Storage, Watch, record::TransactionId},
};

use super::{
    Attempts, RestHandlerSettings, Senders,
    attempts::Admitted,
    open_transaction::{OpenTransaction, Registry, attend},
    refusals::unknown_transaction,
    unfinished_uploads::UnfinishedUploads,
};

/// Answers requests for transactions from [`Storage`], and has `output`, an [`AttemptService`],
/// attempt each transaction.
///
/// A [`ResourceService`](crate::resource::ResourceService) and a
/// [`MessageService`](crate::resource::MessageService). Clones share everything.
pub struct RestHandler<O> {
    pub(super) shared: Arc<Shared>,
    pub(super) output: O,
}

pub(super) struct Shared {
    pub(super) storage: Storage,
    pub(super) senders: Box<dyn Senders>,
    pub(super) settings: RestHandlerSettings,
    pub(super) registry: Registry,
    pub(super) attempts: Attempts,
    pub(super) unfinished: UnfinishedUploads,
    /// Held while a draft is resumed.
    pub(super) resuming: tokio::sync::Mutex<()>,
}

impl<O: AttemptService> RestHandler<O> {
    /// A handler that keeps transactions in `storage`, for the senders in `senders`.
    pub fn new(
        storage: Storage,
        output: O,
        senders: impl Senders,
        settings: RestHandlerSettings,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                storage,
                senders: Box::new(senders),
                registry: Registry::default(),
                attempts: Attempts::new(settings.max_in_flight),
                unfinished: UnfinishedUploads::default(),
                resuming: tokio::sync::Mutex::default(),
                settings,
            }),
            output,
        }
    }

    /// Attends a transaction beside the requests, in a task of its own.
    pub(super) fn attend(&self, transaction: &Arc<OpenTransaction>, admitted: Option<Admitted>) {
        let (shared, transaction) = (Arc::clone(&self.shared), Arc::clone(transaction));
        let output = self.output.clone();
        tokio::spawn(attend(shared, transaction, admitted, output));
    }

    /// The attempts that were begun.
    pub fn attempts(&self) -> &Attempts {
        &self.shared.attempts
    }

    async fn handle(self, request: ResourceRequest) -> Result<ResourceResponse, Refusal> {
        let caller = request.caller;
        if request.operation.changes() && caller.role() < Role::Submit {
            let detail = "the role of the token is to read only";
            return Err(Refusal::new(RefusalKind::Forbidden, detail));
        }
        match request.operation {
            Operation::Create(create) => self.create(caller, *create).await,
            Operation::Read(read) => self.shared.read(&caller, read).await,
            Operation::Append(append) => self.shared.append(&caller, *append).await,
            Operation::Upload(upload) => self.upload(&caller, upload).await,
            Operation::Parsed(_) => {
                let detail = "parsed messages are not taken here: this is not a receiver";
                Err(Refusal::malformed(detail))
            }
            Operation::Cancel(location) => self.shared.cancel(&caller, &location).await,
            Operation::List(list) => self.shared.list(&caller, list).await,
        }
    }
}

impl Shared {
    /// The transaction at a location, if the caller may act for its sender.
    pub(super) async fn find(&self, caller: &Caller, id: &str) -> Result<Watch, Refusal> {
        let id: TransactionId = id.parse().map_err(|_| unknown_transaction())?;
        let watch = self.storage.watch(id).await?;
        let mut watch = watch.ok_or_else(unknown_transaction)?;
        let snapshot = watch.snapshot();
        let sender = &snapshot.context.sender.name;
        if !caller.may_act_for(sender) {
            let detail = "the transaction is another sender's";
            return Err(Refusal::new(RefusalKind::Forbidden, detail));
        }
        Ok(watch)
    }

    /// The transaction at a location that denotes one.
    pub(super) async fn find_at(
        &self,
        caller: &Caller,
        location: &Location,
    ) -> Result<Watch, Refusal> {
        match location.target() {
            Ok(Target::Transaction(id) | Target::Cancel(id)) => self.find(caller, id).await,
            _ => Err(unknown_transaction()),
        }
    }
}

impl<O: AttemptService> Service<ResourceRequest> for RestHandler<O> {
    type Response = ResourceResponse;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<ResourceResponse, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ResourceRequest) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { Ok(this.handle(request).await.unwrap_or_else(Into::into)) })
    }
}

impl<O: AttemptService> Service<MessageRequest> for RestHandler<O> {
    type Response = MessageResponse;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<MessageResponse, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: MessageRequest) -> Self::Future {
        let handled = self.clone().handle_message(request);
        Box::pin(async move { Ok(handled.await.unwrap_or_else(Into::into)) })
    }
}

impl<O: Clone> Clone for RestHandler<O> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            output: self.output.clone(),
        }
    }
}

impl<O> fmt::Debug for RestHandler<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestHandler")
            .field("settings", &self.shared.settings)
            .field("attempts", &self.shared.attempts)
            .finish_non_exhaustive()
    }
}
