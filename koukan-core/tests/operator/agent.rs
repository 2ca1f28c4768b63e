//! A handler that makes transactions, and the operator beside it, over one storage.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use koukan_core::{
    blob::BlobPool,
    clock::SharedClock,
    context::Sender,
    event::{Observer, Observers},
    path::{ForwardPath, ReversePath},
    resource::{
        BodySource, Caller, Create, Draft, Location, Operation, QueueFilter, QueueList,
        QueueListed, QueueOperation, QueueRequest, QueueResponse, QueuedDetails, Refusal,
        ResourceRequest, ResourceResponse, Role, WaitFor,
    },
    service::{BoxMailService, MailService},
    shares::Client,
    stage::{
        dispatcher::Dispatcher,
        operator::Operator,
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        rest_handler::{RestHandler, RestHandlerSettings, SenderPolicy},
    },
    storage::{MemoryBackend, QueueState, Search, Storage},
    test_util::TokioClock,
    transaction::{Mail, Rcpt},
};
use tower::ServiceExt;

pub(crate) const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) storage: Storage,
    output: OutputHandler<Chain>,
    pub(crate) handler: RestHandler<OutputHandler<Chain>>,
    pub(crate) operator: Operator,
}

/// A caller that may act as operator.
pub(crate) fn operator() -> Caller {
    let olga = Caller::unrestricted().with_client(Client::named("olga"));
    olga.with_role(Role::Operate)
}

impl Agent {
    pub(crate) async fn over(upstream: impl MailService) -> Self {
        Self::with(upstream, Observers::default()).await
    }

    pub(crate) async fn observed(upstream: impl MailService, observer: Arc<impl Observer>) -> Self {
        Self::with(upstream, Observers::default().with(observer)).await
    }

    async fn with(upstream: impl MailService, observers: Observers) -> Self {
        let clock: SharedClock = Arc::new(TokioClock::default());
        let backend = Arc::new(MemoryBackend::new());
        let storage = Storage::open_observed(backend, BlobPool::default(), clock, observers);
        let storage = storage.await.unwrap();
        let chain = Chain {
            service: BoxMailService::new(upstream),
            retry: RetryPolicy::default()
                .with_min_attempt_time(Duration::from_secs(60))
                .with_max_attempt_time(Duration::from_secs(600))
                .with_max_attempts(Some(3))
                .with_deadline(Duration::from_secs(3600)),
        };
        let notifications = Notifications {
            reporting_mta: "mx.example.com".into(),
            sender: Sender::new("notification"),
        };
        let output = OutputHandler::new(chain, notifications);
        let senders = ["app", "other"].map(|name| (Sender::new(name), SenderPolicy::default()));
        let senders = HashMap::from(senders);
        let handler = RestHandler::new(
            storage.clone(),
            output.clone(),
            senders,
            RestHandlerSettings::default(),
        );
        Self {
            operator: Operator::new(storage.clone()),
            storage,
            output,
            handler,
        }
    }

    /// Makes a transaction, and waits for the result of its first attempt.
    pub(crate) async fn send(&self, sender: &str, to: &str) -> Location {
        self.send_at(sender, &[to], None).await
    }

    /// As `send`, to several recipients, and at that time.
    pub(crate) async fn send_at(
        &self,
        sender: &str,
        to: &[&str],
        at: Option<Timestamp>,
    ) -> Location {
        let to = to.iter().map(|to| to.parse::<ForwardPath>().unwrap());
        let create = Create {
            sender: Sender::new(sender),
            draft: Draft {
                send_at: at,
                mail_from: Some(Mail::new(
                    "alice@example.com".parse::<ReversePath>().unwrap(),
                )),
                rcpt_to: to.map(Rcpt::new).collect(),
                body: Some(BodySource::Inline(Bytes::from_static(MESSAGE.as_bytes()))),
                ..Draft::default()
            },
            wait: Some(Duration::from_secs(20)),
            wait_for: WaitFor::Attempt,
            idempotency_key: None,
        };
        let request = ResourceRequest::trusted(Operation::Create(Box::new(create)));
        match self.handler.clone().oneshot(request).await.unwrap() {
            ResourceResponse::Created(created) => created.location,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn ask_as(
        &self,
        caller: Caller,
        operation: QueueOperation,
    ) -> Result<QueueResponse, Refusal> {
        let request = QueueRequest { caller, operation };
        match self.operator.clone().oneshot(request).await.unwrap() {
            QueueResponse::Refused(refusal) => Err(refusal),
            response => Ok(response),
        }
    }

    pub(crate) async fn ask(&self, operation: QueueOperation) -> Result<QueueResponse, Refusal> {
        self.ask_as(operator(), operation).await
    }

    pub(crate) async fn list(&self, list: QueueList) -> QueueListed {
        match self.ask(QueueOperation::List(list)).await {
            Ok(QueueResponse::Listed(listed)) => listed,
            other => panic!("{other:?}"),
        }
    }

    /// Searches in one state or in all.
    pub(crate) async fn list_of(&self, state: Option<QueueState>, search: Search) -> QueueListed {
        let filter = QueueFilter {
            sender: None,
            state,
            search,
        };
        self.list(QueueList {
            filter,
            ..QueueList::default()
        })
        .await
    }

    /// Dispatches due transactions from now on.
    pub(crate) fn dispatch(&self) {
        let dispatcher = Dispatcher::new(self.storage.clone(), self.output.clone(), 8);
        tokio::spawn(dispatcher.run(std::future::pending()));
    }

    pub(crate) async fn show(&self, transaction: &Location) -> QueuedDetails {
        match self.ask(QueueOperation::Show(id(transaction))).await {
            Ok(QueueResponse::Shown(details)) => *details,
            other => panic!("{other:?}"),
        }
    }
}

/// The identity in a location.
pub(crate) fn id(transaction: &Location) -> Box<str> {
    let uri = transaction.as_str();
    uri.strip_prefix("/transactions/").unwrap().into()
}

/// The locations of listed transactions.
pub(crate) fn locations(listed: &QueueListed) -> Vec<Location> {
    let details = listed.transactions.iter();
    let details = details.map(|queued| queued.view.details.as_ref().unwrap());
    details.map(|details| details.location.clone()).collect()
}
