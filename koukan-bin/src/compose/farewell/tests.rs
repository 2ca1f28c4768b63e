//! What clients meet while an agent takes its leave.

use std::{collections::HashMap, future::ready, sync::Arc};

use bytes::Bytes;
use koukan_core::{
    blob::BlobPool,
    clock::SharedClock,
    context::Sender,
    path::{ForwardPath, ReversePath},
    reply::Reply,
    resource::{
        BodySource, Caller, Create, Draft, Location, Operation, Read, Refusal, RefusalKind,
        ResourceRequest, ResourceResponse, View, WaitFor,
    },
    service::BoxMailService,
    stage::{
        output_handler::{Chain, Notifications, OutputHandler, RetryPolicy},
        rest_handler::{RestHandler, RestHandlerSettings, SenderPolicy},
    },
    storage::MemoryBackend,
    test_util::{Answer, Script, TokioClock},
    transaction::{Mail, Rcpt},
};
use tokio::time::Instant;
use tower::ServiceExt;

use super::*;

const ADDRESS: &str = "http://one.example";

/// A gateway: its transactions are made step by step, and are not kept.
struct Agent {
    handler: RestHandler<OutputHandler<Chain>>,
    storage: Storage,
    start: Instant,
}

impl Agent {
    /// Upstream takes so long for a message.
    async fn over(patience: Duration) -> Self {
        let clock: SharedClock = Arc::new(TokioClock::default());
        let backend = MemoryBackend::new();
        let backend = backend.with_session_term(Duration::from_secs(6), Arc::clone(&clock));
        let storage = Storage::open(Arc::new(backend), BlobPool::default(), clock);
        let storage = storage.await.unwrap();
        storage.publish_address(ADDRESS).await.unwrap();
        let upstream = Script::new().message(Answer::After(patience, Reply::message_accepted()));
        let chain = Chain {
            service: BoxMailService::new(upstream),
            retry: RetryPolicy::default(),
        };
        let notifications = Notifications {
            reporting_mta: "mx.example.com".into(),
            sender: Sender::new("notification"),
        };
        let output = OutputHandler::new(chain, notifications);
        let senders = HashMap::from([(Sender::new("gateway"), SenderPolicy::incremental())]);
        let settings = RestHandlerSettings::default();
        Self {
            handler: RestHandler::new(storage.clone(), output, senders, settings),
            storage,
            start: Instant::now(),
        }
    }

    fn say(&self) -> tokio::task::JoinHandle<Duration> {
        let (start, farewell) = (
            self.start,
            Farewell {
                storage: self.storage.clone(),
                attempts: self.handler.attempts().clone(),
                keeps: false,
                is_asked_again: true,
                is_known: true,
            },
        );
        tokio::spawn(async move {
            farewell.say(ready(())).await;
            start.elapsed()
        })
    }

    async fn at(&self, seconds: f64) {
        tokio::time::sleep_until(self.start + Duration::from_secs_f64(seconds)).await;
    }

    async fn ask(&self, operation: Operation) -> ResourceResponse {
        let request = ResourceRequest {
            caller: Caller::trusted(),
            operation,
        };
        self.handler.clone().oneshot(request).await.unwrap()
    }

    async fn create(&self) -> Result<Location, Refusal> {
        let create = Create {
            sender: Sender::new("gateway"),
            draft: Draft {
                mail_from: Some(Mail::new("a@example.org".parse::<ReversePath>().unwrap())),
                rcpt_to: vec![Rcpt::new("b@example.com".parse::<ForwardPath>().unwrap())],
                body: Some(BodySource::Inline(Bytes::from_static(b"\r\nhello\r\n"))),
                ..Draft::default()
            },
            wait: None,
            wait_for: WaitFor::End,
            idempotency_key: None,
        };
        match self.ask(Operation::Create(Box::new(create))).await {
            ResourceResponse::Created(created) => Ok(created.location),
            ResourceResponse::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    async fn read(&self, transaction: &Location) -> View {
        let read = Read {
            transaction: transaction.clone(),
            if_none_match: None,
            wait: None,
            wait_for: WaitFor::End,
        };
        match self.ask(Operation::Read(read)).await {
            ResourceResponse::Current { view, .. } => *view,
            other => panic!("{other:?}"),
        }
    }

    /// Where other processes send requests.
    async fn address(&self) -> Option<Box<str>> {
        let live = self.storage.backend().live_sessions().await.unwrap();
        live.into_iter().find_map(|session| session.address)
    }
}

#[tokio::test(start_paused = true)]
async fn who_begins_in_time_hears_the_end_from_this_agent_and_who_comes_later_is_refused() {
    let agent = Agent::over(Duration::from_secs(10)).await;
    agent.create().await.unwrap();
    let said = agent.say();
    agent.at(0.9).await;
    let last = agent.create().await.unwrap();
    agent.at(1.1).await;
    let refused = agent.create().await.unwrap_err();
    assert!(matches!(refused.kind, RefusalKind::Unavailable { .. }));
    agent.at(10.8).await;
    assert!(!agent.read(&last).await.is_final());
    // Its client asks again, by a connection that it has to make, and perhaps of another process.
    agent.at(11.8).await;
    assert_eq!(agent.address().await.as_deref(), Some(ADDRESS));
    let view = agent.read(&last).await;
    assert_eq!(view.data_response, Some(Reply::message_accepted()));
    agent.at(12.8).await;
    assert!(!said.is_finished());
    assert_eq!(agent.address().await, None);
    let took = said.await.unwrap();
    assert!(took < Duration::from_secs(13), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn clients_without_end_do_not_hold_up_the_end() {
    let agent = Agent::over(Duration::from_millis(300)).await;
    // Else there is nobody to wait for.
    agent.create().await.unwrap();
    let said = agent.say();
    let (mut begun, mut refused) = (0, 0);
    while !said.is_finished() {
        match agent.create().await {
            Ok(_) => begun += 1,
            Err(_) => refused += 1,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(begun >= 9 && refused > 0, "{begun} {refused}");
    let took = said.await.unwrap();
    assert!(took < Duration::from_millis(3500), "{took:?}");
}
