use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use koukan_core::{
    path::Parameter,
    reply::Reply,
    resource::{
        Create, ListState, ListTransactions, Location, Operation, RefusalKind, ResourceResponse,
        TransactionsListed,
    },
    stage::rest_handler::RestHandlerSettings,
    storage::{MemoryBackend, Search, record::QueueAction},
    test_util::{Answer, Script},
};
use tokio::time::{Instant, sleep};

use crate::{
    agent::{Agent, MESSAGE, octets, to_upload, whole},
    restart::{after_crash, process},
};

fn now(agent: &Agent) -> Timestamp {
    agent.storage.clock().now()
}

/// The create, to be sent in that many seconds.
fn in_seconds(agent: &Agent, seconds: i64, mut create: Create) -> Create {
    create.draft.send_at = Some(now(agent) + seconds.seconds());
    create
}

async fn listed(agent: &Agent, state: ListState) -> usize {
    let list = ListTransactions {
        sender: "app".into(),
        state: Some(state),
        search: Search::default(),
        limit: 10,
        cursor: None,
    };
    match agent.ask(Operation::List(list)).await {
        ResourceResponse::Listed(TransactionsListed { transactions, .. }) => transactions.len(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_sent_later_is_sent_then() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    agent.dispatch();
    let began = Instant::now();
    let create = in_seconds(&agent, 3600, whole());
    let send_at = create.draft.send_at;
    let created = agent.create(create).await;
    // Nothing happens before that time, so the create does not wait.
    assert_eq!(began.elapsed(), Duration::ZERO);
    let details = created.view.details.unwrap();
    let micros = send_at.map(|at| at.as_microsecond());
    assert_eq!(details.send_at.map(|at| at.as_microsecond()), micros);
    assert_eq!(details.next_attempt, details.send_at);
    assert_eq!(created.view.attempt_count, 0);
    assert!(created.view.filter_output.is_empty());
    for (state, count) in [
        (ListState::Scheduled, 1),
        (ListState::Waiting, 1),
        (ListState::Active, 0),
    ] {
        assert_eq!(listed(&agent, state).await, count, "{state:?}");
    }
    sleep(Duration::from_secs(3599)).await;
    assert!(upstream.received().is_empty());
    let view = agent.end(&created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert_eq!(began.elapsed().as_secs(), 3600);
    assert_eq!(upstream.only_received().text(), MESSAGE);
    assert_eq!(listed(&agent, ListState::Scheduled).await, 0);
    assert!(view.details.unwrap().send_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_time_that_has_passed_is_now_and_one_too_far_away_is_refused() {
    let upstream = Script::new();
    let settings = RestHandlerSettings::default().with_max_send_at(Duration::from_secs(100));
    let agent = Agent::on(MemoryBackend::new(), upstream.clone(), settings).await;
    for seconds in [-1, 0] {
        let create = in_seconds(&agent, seconds, whole());
        let created = agent.create(create).await;
        assert!(created.view.is_final(), "{seconds}");
        assert_eq!(created.view.details.unwrap().send_at, None);
    }
    let refusal = agent.try_create(in_seconds(&agent, 101, whole())).await;
    let refusal = refusal.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Malformed);
    assert_eq!(refusal.field.as_deref(), Some("send_at"));
    assert!(refusal.detail.contains("100 seconds"), "{refusal}");
    agent.create(in_seconds(&agent, 100, whole())).await;
    assert_eq!(upstream.received().len(), 2);
    assert_eq!(listed(&agent, ListState::Scheduled).await, 1);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_replies_cannot_have_it_sent_later() {
    let agent = Agent::over(Script::new()).await;
    let mut create = in_seconds(&agent, 10, whole());
    create.sender = koukan_core::context::Sender::new("gateway").with_tag("mx");
    create.draft.body = None;
    let refusal = agent.try_create(create).await.unwrap_err();
    assert_eq!(refusal.field.as_deref(), Some("send_at"));
}

/// The time for retries starts at the time of sending.
#[tokio::test(start_paused = true)]
async fn deadlines_count_from_when_it_is_sent() {
    let busy = Answer::Return(Reply::mailbox_busy());
    let upstream = Script::new().message(busy);
    let agent = Agent::over(upstream.clone()).await;
    agent.dispatch();
    let began = Instant::now();
    // The sender's deadline is an hour, and there are at most three attempts.
    let created = agent.create(in_seconds(&agent, 7200, whole())).await;
    let view = agent.end(&created.location).await;
    assert_eq!(view.attempt_count, 3);
    assert!(began.elapsed() > Duration::from_secs(7200 + 60));
}

/// A message uploaded before the time waits for it; one uploaded later is sent at once.
#[tokio::test(start_paused = true)]
async fn what_is_uploaded_is_sent_then_as_well() {
    for (uploaded, sent) in [(10, 100), (200, 200)] {
        let upstream = Script::new();
        let agent = Agent::over(upstream.clone()).await;
        agent.dispatch();
        let began = Instant::now();
        let created = agent.create(in_seconds(&agent, 100, to_upload())).await;
        sleep(Duration::from_secs(uploaded)).await;
        let body = created.location.join("body");
        agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
        let view = agent.end(&created.location).await;
        assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
        assert_eq!(began.elapsed().as_secs(), sent);
        assert_eq!(upstream.only_received().text(), MESSAGE);
    }
}

/// An accepted transaction is there after a crash, with its time of sending, even if its message is
/// still to come.
#[test]
fn a_crash_changes_nothing() {
    let backend = MemoryBackend::new();
    let made: [Location; 2] = process(async {
        let process = backend.another_process();
        let agent = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
        let whole = agent.create(in_seconds(&agent, 1000, whole())).await;
        let draft = agent.create(in_seconds(&agent, 1000, to_upload())).await;
        [whole.location, draft.location]
    });
    process(async {
        let upstream = Script::new();
        let agent = after_crash(&backend, &upstream).await;
        let body = made[1].join("body");
        agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
        assert_eq!(listed(&agent, ListState::Scheduled).await, 2);
        sleep(Duration::from_secs(990)).await;
        assert!(upstream.received().is_empty());
        for location in &made {
            let view = agent.end(location).await;
            assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
        }
        assert_eq!(upstream.received().len(), 2);
    });
}

#[tokio::test(start_paused = true)]
async fn it_can_be_cancelled_until_it_goes() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    agent.dispatch();
    for create in [whole(), to_upload()] {
        let created = agent.create(in_seconds(&agent, 100, create)).await;
        sleep(Duration::from_secs(90)).await;
        agent.ask(Operation::Cancel(created.location.clone())).await;
        let view = agent.view(&created.location).await;
        assert!(view.cancelled);
    }
    sleep(Duration::from_secs(1000)).await;
    assert!(upstream.received().is_empty());
    assert_eq!(listed(&agent, ListState::Scheduled).await, 0);
}

/// An operator has it sent at once.
#[tokio::test(start_paused = true)]
async fn it_is_sent_at_once_by_a_retry() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    agent.dispatch();
    let created = agent.create(in_seconds(&agent, 3600, whole())).await;
    let began = Instant::now();
    let (_, id) = created.location.as_str().rsplit_once('/').unwrap();
    let id = id.parse().unwrap();
    let changed = agent
        .storage
        .change(vec![id], QueueAction::Retry, false)
        .await;
    assert_eq!(changed.unwrap(), [(id, Ok(1))]);
    let view = agent.end(&created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    assert!(began.elapsed() < Duration::from_secs(60));
}

/// REST has `send_at`; the values that gateways pass on from SMTP have the same limit.
#[tokio::test(start_paused = true)]
async fn what_smtp_says_of_it_is_for_gateways() {
    let agent = Agent::over(Script::new()).await;
    let held = |seconds: u32, mut create: Create| {
        let parameter = Parameter::new("HOLDFOR", Some(&seconds.to_string()));
        let mail = create.draft.mail_from.as_mut().unwrap();
        mail.parameters.push(parameter.unwrap()).unwrap();
        create
    };
    let gateway = || {
        let mut create = to_upload();
        create.sender = koukan_core::context::Sender::new("gateway").with_tag("mx");
        create
    };
    for create in [held(10, whole()), held(999_999_999, gateway())] {
        let refusal = agent.try_create(create).await.unwrap_err();
        assert_eq!(refusal.field.as_deref(), Some("mail_from.e"));
    }
    agent.create(held(10, gateway())).await;
}
