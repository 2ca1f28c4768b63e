//! Messages: one transaction for each recipient, all of them or none.

mod refused;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use koukan_core::{
    reply::{Rejection, Reply},
    resource::{
        BodySource, Create, Location, MessageId, MessageOperation, MessageRequest, MessageResponse,
        MessageView, ReadMessage, RecipientState, Refusal, RefusalKind, Version, WaitFor,
    },
    service::MailService,
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::Script,
    transaction::Transaction,
};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

use crate::{
    agent::{Agent, MESSAGE, rcpt, whole},
    failing::Failing,
    restart::{after_crash, process},
};

const TO: [&str; 3] = ["bob@example.com", "carol@example.com", "dave@example.com"];

/// A create of a message to these recipients.
fn to(recipients: &[&str]) -> Create {
    let mut create = whole();
    create.draft.rcpt_to = recipients.iter().map(|to| rcpt(to)).collect();
    create
}

/// As [`to`], with a described message.
fn described(recipients: &[&str]) -> Create {
    let mut create = to(recipients);
    create.draft.body = Some(BodySource::MessageBuilder(json!({
        "headers": [["subject", "hi"]],
        "text_body": [{"content_type": "text/plain", "content": {"inline": "hello"}}],
        "file_attachments": [{"content_type": "image/png", "content": {"base64": "AAEC/w=="}}],
    })));
    create
}

impl Agent {
    async fn ask_message(&self, operation: MessageOperation) -> Result<MessageResponse, Refusal> {
        let request = MessageRequest {
            caller: self.caller.clone(),
            operation,
        };
        match self.handler.clone().oneshot(request).await.unwrap() {
            MessageResponse::Refused(refusal) => Err(refusal),
            response => Ok(response),
        }
    }

    async fn try_send(&self, create: Create) -> Result<(MessageView, bool), Refusal> {
        let operation = MessageOperation::Create(Box::new(create));
        match self.ask_message(operation).await? {
            MessageResponse::Created {
                message,
                is_replayed,
            } => Ok((message, is_replayed)),
            other => panic!("{other:?}"),
        }
    }

    async fn send(&self, create: Create) -> MessageView {
        let (message, is_replayed) = self.try_send(create).await.unwrap();
        assert!(!is_replayed);
        message
    }

    async fn read_message(&self, read: ReadMessage) -> Result<MessageResponse, Refusal> {
        self.ask_message(MessageOperation::Read(read)).await
    }

    async fn message(&self, id: MessageId) -> MessageView {
        match self.read_message(now(id)).await.unwrap() {
            MessageResponse::Current(message) => message,
            other => panic!("{other:?}"),
        }
    }

    /// The message once all is over.
    async fn message_end(&self, id: MessageId) -> MessageView {
        loop {
            let waiting = ReadMessage {
                wait: Some(Duration::from_secs(10)),
                ..now(id)
            };
            if let MessageResponse::Current(message) = self.read_message(waiting).await.unwrap()
                && message.transactions.iter().all(|it| it.view.is_final())
            {
                return message;
            }
        }
    }
}

fn now(message: MessageId) -> ReadMessage {
    ReadMessage {
        message,
        if_none_match: None,
        wait: None,
        wait_for: WaitFor::End,
    }
}

/// Each recipient and its state.
fn states(message: &MessageView) -> Vec<(String, RecipientState)> {
    let transactions = message.transactions.iter();
    let states = transactions.map(|transaction| {
        let details = transaction.view.details.as_ref().unwrap();
        let [recipient] = &details.recipients[..] else {
            panic!("each has one");
        };
        let address = recipient.rcpt.forward_path.as_str().to_owned();
        (address, recipient.state)
    });
    states.collect()
}

fn all_are(state: RecipientState) -> Vec<(String, RecipientState)> {
    TO.iter().map(|to| ((*to).to_owned(), state)).collect()
}

#[tokio::test(start_paused = true)]
async fn each_recipient_has_a_transaction_with_the_same_octets() {
    for (count, create) in [(3, to(&TO)), (3, described(&TO)), (1, described(&TO[..1]))] {
        let upstream = Script::new();
        let agent = Agent::over(upstream.clone()).await;
        agent.dispatch();
        let message = agent.send(create).await;
        assert_eq!(message.id.count(), count);
        assert_eq!(
            states(&message),
            all_are(RecipientState::Delivered)[..count]
        );
        let ids: Vec<_> = message.id.transactions().collect();
        let locations = message.transactions.iter().map(|it| it.location.clone());
        let expected: Vec<_> = ids.iter().map(Location::of_transaction).collect();
        assert_eq!(locations.collect::<Vec<_>>(), expected);
        // One id belongs to all transactions of the message.
        for later in &message.transactions[1..] {
            let trace = &later.view.filter_output["trace_id"];
            assert_eq!(*trace, json!(ids[0].to_string()));
        }
        let received = upstream.received();
        assert_eq!(received.len(), count);
        let texts: BTreeSet<_> = received.iter().map(|it| it.text().to_owned()).collect();
        assert_eq!(texts.len(), 1, "{texts:?}");
        let text = texts.first().unwrap();
        let is_described = text.contains("Message-ID: ") && text.contains("AAEC/w==");
        assert!(text == MESSAGE || is_described, "{text}");
        // Each is a normal transaction.
        let view = agent.view(&message.transactions[0].location).await;
        assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
        assert_eq!(agent.message(message.id).await, message);
    }
}

#[test]
fn all_of_them_are_delivered_after_a_crash() {
    let backend = MemoryBackend::new();
    let (id, created) = process(async {
        let agent = Agent::on(
            backend.another_process(),
            Script::new(),
            RestHandlerSettings::default(),
        )
        .await;
        // Nothing dispatches the queue.
        let mut create = described(&TO);
        create.wait = None;
        let message = agent.send(create).await;
        assert_eq!(states(&message), all_are(RecipientState::Pending));
        let created: Vec<_> = message.transactions.iter().map(|it| it.created).collect();
        (message.id, created)
    });
    process(async {
        let upstream = Script::new();
        let agent = after_crash(&backend, &upstream).await;
        let message = agent.message_end(id).await;
        assert_eq!(states(&message), all_are(RecipientState::Delivered));
        assert_eq!(upstream.received().len(), 3);
        // It is shown as before, whether it was read back or not.
        for (transaction, before) in message.transactions.iter().zip(created) {
            assert_eq!(transaction.created, before);
        }
    });
}

/// Neither accepts nor refuses a message for that recipient.
fn hanging_for(to: &'static str, live: Script) -> impl MailService {
    tower::service_fn(move |tx: Transaction| {
        let hangs = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&hangs);
        let tx = tx.filter_recipients(move |rcpt| {
            seen.fetch_or(rcpt.forward_path.as_str() == to, Ordering::Relaxed);
            Ok::<(), Rejection>(())
        });
        live.clone().oneshot(tx.map_body(|body| {
            body.then(|body| async move {
                match hangs.load(Ordering::Relaxed) {
                    true => std::future::pending().await,
                    false => Ok(body),
                }
            })
        }))
    })
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_hangs_holds_up_itself_alone_and_is_given_up() {
    let upstream = Script::new().rcpt(TO[2], Reply::no_such_user());
    let agent = Agent::over(hanging_for(TO[1], upstream)).await;
    agent.dispatch();
    let mut create = to(&TO);
    create.wait = Some(Duration::from_secs(5));
    let began = Instant::now();
    let message = agent.send(create).await;
    // One was waited for in vain.
    assert_eq!(began.elapsed().as_secs(), 5);
    let now = [
        RecipientState::Delivered,
        RecipientState::Pending,
        RecipientState::Failed,
    ];
    let named = |states: [RecipientState; 3]| -> Vec<_> {
        TO.iter().map(|to| (*to).to_owned()).zip(states).collect()
    };
    assert_eq!(states(&message), named(now));
    let cancel = MessageOperation::Cancel(message.id);
    let MessageResponse::Current(cancelled) = agent.ask_message(cancel).await.unwrap() else {
        panic!("it is cancelled");
    };
    let then = [now[0], RecipientState::Cancelled, now[2]];
    assert_eq!(states(&cancelled), named(then));
}

#[tokio::test(start_paused = true)]
async fn readers_wait_for_another_version_or_for_all_ends() {
    let agent = Agent::over(Script::new()).await;
    let mut create = to(&TO);
    create.wait = None;
    let message = agent.send(create).await;
    let known = |version: &Version| ReadMessage {
        if_none_match: Some(version.clone()),
        wait: Some(Duration::from_secs(7)),
        ..now(message.id)
    };
    let began = Instant::now();
    let unchanged = agent.read_message(known(&message.version)).await.unwrap();
    assert_eq!(
        unchanged,
        MessageResponse::Unchanged(message.version.clone())
    );
    assert_eq!(began.elapsed().as_secs(), 7);
    let other = Version::new("other");
    let current = agent.read_message(known(&other)).await.unwrap();
    assert!(matches!(current, MessageResponse::Current(_)));
    assert_eq!(began.elapsed().as_secs(), 7);
    // From now on the queue is dispatched.
    let reading = agent.clone();
    let read = known(&message.version);
    let read = tokio::spawn(async move { reading.read_message(read).await });
    sleep(Duration::from_secs(1)).await;
    agent.dispatch();
    let MessageResponse::Current(changed) = read.await.unwrap().unwrap() else {
        panic!("it has changed");
    };
    assert_ne!(changed.version, message.version);
    assert!(began.elapsed().as_secs() < 12);
    let end = agent.message_end(message.id).await;
    assert_eq!(states(&end), all_are(RecipientState::Delivered));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_repeated_with_its_key_also_after_a_restart() {
    let backend = MemoryBackend::new();
    let keyed = |mut create: Create| {
        create.idempotency_key = Some("key".into());
        create.wait = None;
        create
    };
    let agent = Agent::on(
        backend.another_process(),
        Script::new(),
        RestHandlerSettings::default(),
    )
    .await;
    let first = agent.send(keyed(described(&TO))).await;
    for _ in 0..2 {
        let (again, is_replayed) = agent.try_send(keyed(described(&TO))).await.unwrap();
        assert!(is_replayed);
        assert_eq!(again, first);
    }
    let upstream = Script::new();
    let later = after_crash(&backend, &upstream).await;
    let (again, is_replayed) = later.try_send(keyed(described(&TO))).await.unwrap();
    assert_eq!((again.id, is_replayed), (first.id, true));
    for agent in [&agent, &later] {
        let others = [keyed(described(&TO[..2])), keyed(to(&TO))];
        for other in others {
            let refusal = agent.try_send(other).await.unwrap_err();
            assert_eq!(refusal.kind, RefusalKind::KeyReused);
        }
        // It is not a transaction with three recipients.
        let refusal = agent.try_create(keyed(described(&TO))).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::KeyReused);
    }
    later.message_end(first.id).await;
    assert_eq!(upstream.received().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn all_of_it_is_sent_later_where_that_is_said() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    agent.dispatch();
    let began = Instant::now();
    let mut create = described(&TO);
    create.draft.send_at = Some(agent.storage.clock().now() + Duration::from_secs(3600));
    let message = agent.send(create).await;
    // Nothing happens before that time, so the create does not wait.
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(states(&message), all_are(RecipientState::Pending));
    sleep(Duration::from_secs(3599)).await;
    assert!(upstream.received().is_empty());
    let end = agent.message_end(message.id).await;
    assert_eq!(states(&end), all_are(RecipientState::Delivered));
    assert_eq!(began.elapsed().as_secs(), 3600);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_leaves_nothing_and_is_made_by_the_next() {
    let backend = Failing::default();
    let upstream = Script::new();
    let agent = Agent::on(
        backend.clone(),
        upstream.clone(),
        RestHandlerSettings::default(),
    )
    .await;
    agent.dispatch();
    let mut create = described(&TO);
    create.idempotency_key = Some("key".into());
    backend.full_inserts.store(1, Ordering::Relaxed);
    let refusal = agent.try_send(create.clone()).await.unwrap_err();
    assert!(
        matches!(refusal.kind, RefusalKind::Unavailable { .. }),
        "{refusal}"
    );
    sleep(Duration::from_secs(600)).await;
    assert!(upstream.received().is_empty());
    let message = agent.send(create).await;
    assert_eq!(states(&message), all_are(RecipientState::Delivered));
    assert_eq!(upstream.received().len(), 3);
}
