//! Cancels in every state, with a slow backend and a crash afterwards: what the client was told is
//! what happens.

use std::{sync::atomic::Ordering, time::Duration};

use koukan_core::{
    context::{Context, Sender},
    reply::Reply,
    resource::{BodySource, Location, Operation, ResourceResponse, View},
    service::{BoxMailService, MailService},
    stage::rest_handler::RestHandlerSettings,
    storage::{
        MemoryBackend,
        record::{FinalReason, Status, Terms},
    },
    test_util::{Answer, End, Script},
    transaction::Transaction,
};
use serde_json::json;
use tokio::time::sleep;
use tower::{ServiceExt, service_fn};

use crate::{
    agent::{Agent, MESSAGE, mail, octets, rcpt, to_upload, whole},
    cancel::stuck,
    failing::Failing,
    restart::{after_crash, process},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Draft,
    DraftWithPart,
    /// Its upload has arrived, and it is being committed.
    Committing,
    /// As `Committing`, and upstream will have the message soon.
    CommittingAndSent,
    Attempted,
    Sent,
    SentAndDeferred,
    Waiting,
    Notifying,
    Delivered,
}

const STATES: [State; 10] = [
    State::Draft,
    State::DraftWithPart,
    State::Committing,
    State::CommittingAndSent,
    State::Attempted,
    State::Sent,
    State::SentAndDeferred,
    State::Waiting,
    State::Notifying,
    State::Delivered,
];

/// The upstream that brings a transaction to that state.
fn upstream(state: State, script: &Script) -> impl MailService + use<> {
    match state {
        State::Draft | State::DraftWithPart | State::Committing | State::Attempted => {
            BoxMailService::new(service_fn(stuck))
        }
        _ => BoxMailService::new({
            let script = script.clone();
            service_fn(move |tx: Transaction| script.clone().oneshot(tx))
        }),
    }
}

fn script(state: State) -> Script {
    let later = |reply| Answer::After(Duration::from_secs(100), reply);
    match state {
        State::CommittingAndSent | State::Sent => {
            Script::new().message(later(Reply::message_accepted()))
        }
        State::SentAndDeferred => Script::new().message(later(Reply::mailbox_busy())),
        State::Waiting => Script::new().other_rcpts(Reply::mailbox_busy()),
        State::Notifying => Script::new().other_rcpts(Reply::no_such_user()),
        _ => Script::new(),
    }
}

/// Makes a transaction in that state.
async fn make(state: State, agent: &Agent, backend: &Failing) -> Location {
    let mut create = match state {
        State::Draft | State::Committing | State::CommittingAndSent => to_upload(),
        State::DraftWithPart => {
            let mut create = to_upload();
            create.draft.body = Some(BodySource::MessageBuilder(json!({
                "text_body": [
                    {"content_type": "text/plain", "content": {"create_id": "one"}},
                    {"content_type": "text/html", "content": {"create_id": "two"}},
                ],
            })));
            create
        }
        _ => whole(),
    };
    create.wait = Some(Duration::from_secs(1));
    if state == State::Notifying {
        create.draft.notification = Some(true);
    }
    let location = agent.create(create).await.location;
    match state {
        State::DraftWithPart => {
            let part = location.join("blob").join("one");
            agent.upload(&part, None, octets("one")).await.unwrap();
        }
        State::Committing | State::CommittingAndSent => {
            backend.slow_completes.store(1, Ordering::Relaxed);
            let (agent, body) = (agent.clone(), location.join("body"));
            tokio::spawn(async move { agent.upload(&body, None, octets(MESSAGE)).await });
        }
        _ => {}
    }
    sleep(Duration::from_secs(1)).await;
    location
}

async fn cancel(agent: &Agent, transaction: &Location) -> View {
    match agent.ask(Operation::Cancel(transaction.clone())).await {
        ResourceResponse::Current { view, .. } => *view,
        other => panic!("{other:?}"),
    }
}

fn has_message(up: &Script) -> bool {
    let received = up.received();
    received
        .iter()
        .any(|one| matches!(&one.end, End::Replied(reply) if reply.is_positive()))
}

#[test]
fn what_the_client_was_told_is_what_happens() {
    for state in STATES {
        // Right after the answer, while it is being written, and when everything is quiet.
        for seconds in [0, 45, 1000] {
            let case = format!("{state:?}, crash after {seconds} s");
            let store = MemoryBackend::new();
            let up = script(state);
            let (location, told) = process(async {
                let backend = Failing {
                    inner: store.another_process(),
                    ..Failing::default()
                };
                let upstream = upstream(state, &up);
                let agent =
                    Agent::on(backend.clone(), upstream, RestHandlerSettings::default()).await;
                let location = make(state, &agent, &backend).await;
                for slow in [&backend.slow_leases, &backend.slow_settlements] {
                    slow.store(1000, Ordering::Relaxed);
                }
                let first = cancel(&agent, &location).await;
                sleep(Duration::from_secs(seconds)).await;
                let told = [first, agent.view(&location).await];
                (location, told)
            });
            let [first, last] = &told;
            assert!(last.cancelled || !first.cancelled, "{case}");
            let is_told = last.cancelled;
            let expects_cancel = !matches!(
                state,
                State::CommittingAndSent | State::Sent | State::Notifying | State::Delivered
            );
            if seconds == 1000 {
                assert_eq!(is_told, expects_cancel, "{case}: {last:?}");
            }
            process(async {
                let again = Script::new();
                let agent = after_crash(&store, &again).await;
                if is_told {
                    let body = location.join("body");
                    let uploaded = agent.upload(&body, None, octets(MESSAGE)).await;
                    assert!(uploaded.is_err(), "{case}");
                }
                sleep(Duration::from_secs(7200)).await;
                let view = agent.view(&location).await;
                if is_told {
                    assert!(view.cancelled, "{case}: {view:?}");
                    assert!(!has_message(&again), "{case}");
                } else if last.is_final() {
                    let reason = &last.final_attempt_reason;
                    assert_eq!(&view.final_attempt_reason, reason, "{case}");
                }
                // Nothing is left without someone working on it.
                let census = agent.storage.backend().census().await.unwrap();
                assert_eq!(census.leased, 0, "{case}");
            });
        }
    }
}

#[test]
fn a_draft_that_is_cancelled_while_it_is_committed_is_none() {
    for seconds in [0, 45, 1000] {
        for amount in [0, 1] {
            let store = MemoryBackend::new();
            let (id, told) = process(async {
                let backend = Failing {
                    inner: store.another_process(),
                    ..Failing::default()
                };
                let up = service_fn(stuck);
                let agent = Agent::on(backend.clone(), up, RestHandlerSettings::default()).await;
                let context = std::sync::Arc::new(Context::new(Sender::new("app")));
                let begun = agent.storage.begin(context, mail("alice@example.com"));
                let (recorder, lease) = begun.unwrap();
                recorder.rcpt(rcpt("bob@example.com"));
                let (id, watch) = (recorder.id(), recorder.watch());
                backend.slow_inserts.store(1, Ordering::Relaxed);
                backend.slow_settlements.store(amount, Ordering::Relaxed);
                let until = agent.storage.clock().now() + Duration::from_secs(3600);
                let commit = async { recorder.commit_draft(Terms::default(), None, until).await };
                let cancel = async {
                    sleep(Duration::from_secs(1)).await;
                    agent.storage.cancel(&watch).await
                };
                let (committed, cancelled) = tokio::join!(commit, cancel);
                committed.unwrap();
                cancelled.unwrap();
                sleep(Duration::from_secs(seconds)).await;
                drop(lease);
                let mut watch = recorder.watch();
                (id, watch.snapshot().final_reason)
            });
            if seconds == 1000 {
                assert_eq!(told, Some(FinalReason::Cancelled));
            }
            process(async {
                let again = Script::new();
                let agent = after_crash(&store, &again).await;
                sleep(Duration::from_secs(1)).await;
                let found = agent.storage.backend().find(id).await.unwrap().unwrap();
                if told.is_some() {
                    assert_eq!(found.status, Status::Final(FinalReason::Cancelled));
                }
            });
        }
    }
}
