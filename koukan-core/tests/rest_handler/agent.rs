//! A `RestHandler` with everything behind it except sockets and disks.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use koukan_core::{
    blob::BlobPool,
    body::Body,
    clock::SharedClock,
    context::Sender,
    path::{ForwardPath, ReversePath},
    resource::{
        Append, BodySource, Caller, Create, Created, Draft, Location, Operation, Range, Read,
        Refusal, ResourceRequest, ResourceResponse, Upload, Uploaded, Version, View, WaitFor,
    },
    service::{BoxMailService, MailService},
    stage::{
        dispatcher::Dispatcher,
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        rest_handler::{RestHandler, RestHandlerSettings, SenderPolicy},
    },
    storage::{Backend, MemoryBackend, Storage},
    test_util::TokioClock,
    transaction::{Mail, Rcpt},
};
use tower::ServiceExt;

pub(crate) const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) storage: Storage,
    pub(crate) output: OutputHandler<Chain>,
    pub(crate) handler: RestHandler<OutputHandler<Chain>>,
    pub(crate) caller: Caller,
}

impl Agent {
    pub(crate) async fn over(upstream: impl MailService) -> Self {
        Self::on(
            MemoryBackend::new(),
            upstream,
            RestHandlerSettings::default(),
        )
        .await
    }

    pub(crate) async fn on(
        backend: impl Backend,
        upstream: impl MailService,
        settings: RestHandlerSettings,
    ) -> Self {
        Self::with_all(backend, BlobPool::default(), upstream, settings).await
    }

    pub(crate) async fn with_pool(pool: BlobPool, upstream: impl MailService) -> Self {
        Self::with_all(
            MemoryBackend::new(),
            pool,
            upstream,
            RestHandlerSettings::default(),
        )
        .await
    }

    async fn with_all(
        backend: impl Backend,
        pool: BlobPool,
        upstream: impl MailService,
        settings: RestHandlerSettings,
    ) -> Self {
        let clock: SharedClock = Arc::new(TokioClock::default());
        let storage = Storage::open(Arc::new(backend), pool, clock);
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
        let senders = HashMap::from([
            (Sender::new("app"), SenderPolicy::default()),
            (Sender::new("other"), SenderPolicy::default()),
            (
                Sender::new("relay"),
                SenderPolicy {
                    has_next_hop: true,
                    needs_next_hop: true,
                    ..SenderPolicy::incremental()
                },
            ),
            (
                Sender::new("gateway").with_tag("mx"),
                SenderPolicy::incremental(),
            ),
            (
                Sender::new("output"),
                SenderPolicy {
                    has_next_hop: true,
                    ..SenderPolicy::incremental()
                },
            ),
        ]);
        let handler = RestHandler::new(storage.clone(), output.clone(), senders, settings);
        Self {
            storage,
            output,
            handler,
            caller: Caller::trusted(),
        }
    }

    pub(crate) fn acting_for(&self, sender: &str) -> Self {
        Self {
            caller: Caller::of_senders([sender.into()]),
            ..self.clone()
        }
    }

    pub(crate) fn dispatch(&self) {
        let dispatcher = Dispatcher::new(self.storage.clone(), self.output.clone(), 8);
        tokio::spawn(dispatcher.run(std::future::pending()));
    }

    pub(crate) async fn ask(&self, operation: Operation) -> ResourceResponse {
        let request = ResourceRequest {
            caller: self.caller.clone(),
            operation,
        };
        self.handler.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn try_create(&self, create: Create) -> Result<Created, Refusal> {
        match self.ask(Operation::Create(Box::new(create))).await {
            ResourceResponse::Created(created) => Ok(created),
            ResourceResponse::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn create(&self, create: Create) -> Created {
        self.try_create(create).await.unwrap()
    }

    pub(crate) async fn try_read(&self, read: Read) -> Result<(View, Version), Refusal> {
        match self.ask(Operation::Read(read)).await {
            ResourceResponse::Current { view, version } => Ok((*view, version)),
            ResourceResponse::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn view(&self, transaction: &Location) -> View {
        self.try_read(read(transaction)).await.unwrap().0
    }

    /// The transaction once it is over.
    pub(crate) async fn end(&self, transaction: &Location) -> View {
        loop {
            let waiting = Read {
                wait: Some(Duration::from_secs(10)),
                wait_for: WaitFor::End,
                ..read(transaction)
            };
            let (view, _) = self.try_read(waiting).await.unwrap();
            if view.is_final() {
                return view;
            }
        }
    }

    pub(crate) async fn upload(
        &self,
        to: &Location,
        range: Option<Range>,
        content: impl Into<Body>,
    ) -> Result<Uploaded, Refusal> {
        let upload = Upload {
            to: to.clone(),
            range,
            content: content.into(),
        };
        match self.ask(Operation::Upload(upload)).await {
            ResourceResponse::Uploaded(uploaded) => Ok(uploaded),
            ResourceResponse::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn append(
        &self,
        transaction: &Location,
        if_match: Option<&Version>,
        draft: Draft,
        rcpt_to_list_offset: Option<usize>,
    ) -> Result<(View, Version), Refusal> {
        let append = Append {
            transaction: transaction.clone(),
            if_match: if_match.cloned(),
            draft,
            rcpt_to_list_offset,
        };
        match self.ask(Operation::Append(Box::new(append))).await {
            ResourceResponse::Current { view, version } => Ok((*view, version)),
            ResourceResponse::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn octets(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

pub(crate) fn mail(from: &str) -> Mail {
    Mail::new(from.parse::<ReversePath>().unwrap())
}

pub(crate) fn rcpt(to: &str) -> Rcpt {
    Rcpt::new(to.parse::<ForwardPath>().unwrap())
}

pub(crate) fn read(transaction: &Location) -> Read {
    Read {
        transaction: transaction.clone(),
        if_none_match: None,
        wait: None,
        wait_for: WaitFor::End,
    }
}

/// A create for the sender `app`, whose message is to be uploaded.
pub(crate) fn to_upload() -> Create {
    Create {
        sender: Sender::new("app"),
        draft: Draft {
            mail_from: Some(mail("alice@example.com")),
            rcpt_to: vec![rcpt("bob@example.com")],
            ..Draft::default()
        },
        wait: None,
        wait_for: WaitFor::End,
        idempotency_key: None,
    }
}

/// A create for the sender `app` with its message.
pub(crate) fn whole() -> Create {
    let mut create = to_upload();
    create.draft.body = Some(BodySource::Inline(octets(MESSAGE)));
    create.wait = Some(Duration::from_secs(20));
    create
}
