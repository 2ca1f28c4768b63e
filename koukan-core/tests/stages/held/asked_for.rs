//! Transactions that are held back and then requested.

use koukan_core::{
    resource::{
        Caller, DestinationAction, DestinationName, DestinationOperation, DestinationView,
        QueueOperation, QueueRequest, QueueResponse, Role,
    },
    stage::operator::Operator,
    storage::record::QueueAction,
};
use tower::ServiceExt;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// An operator requests one that is held back with the others.
#[tokio::test(start_paused = true)]
async fn what_is_asked_for_tries_the_host_and_the_others_wait() {
    let hosts = Hosts::default();
    let agent = Agent::over(hosts.service()).await;
    let mut ids = Vec::new();
    for number in 0..50 {
        ids.push(queue(&agent, &format!("waits{number}@dead.d")).await);
    }
    let _dispatching = agent.dispatch();
    sleep(100 * SECOND).await;
    let retry = async |id| {
        let watch = agent.storage.watch(id).await.unwrap().unwrap();
        agent.storage.retry_now(&watch).await.unwrap().unwrap();
        sleep(SECOND / 10).await;
    };
    let attempts = async || {
        let stored = agent.storage.backend().find(ids[49]).await;
        stored.unwrap().unwrap().attempt_count
    };
    let (before, tried, told) = (attempts().await, hosts.tried(), hosts.told());
    retry(ids[49]).await;
    assert_eq!(attempts().await, before + 1);
    assert_eq!(hosts.tried(), tried + 1);
    // It may be the time at which another one is checked.
    assert!(hosts.told() < told + 10, "the others wait");
    assert!(hosts.delivered("waits").is_empty());
    hosts.set_up();
    retry(ids[48]).await;
    assert_eq!(hosts.delivered("waits48").len(), 1);
    sleep(5 * SECOND).await;
    let delivered = hosts.delivered("waits").len();
    assert!(
        delivered + hosts.tried() >= 50,
        "the others go with it: {delivered}"
    );
}

/// An operator requests everything for that destination: one tries the host, whatever is known of it.
#[tokio::test(start_paused = true)]
async fn a_destination_that_is_retried_is_tried_by_one_and_the_others_follow() {
    let hosts = Hosts::default();
    let agent = Agent::over(hosts.service()).await;
    for number in 0..50 {
        queue(&agent, &format!("waits{number}@dead.d")).await;
    }
    let _dispatching = agent.dispatch();
    sleep(100 * SECOND).await;
    let tried = hosts.tried();
    let view = retry_destination(&agent).await;
    sleep(SECOND / 10).await;
    assert_eq!(hosts.tried(), tried + 1);
    assert_eq!((view.state(), view.census.queued), ("down", 50));
    let down = view.down.unwrap();
    assert_eq!(down.hosts.len(), 1);
    assert!(down.since < down.until && down.since <= agent.clock.now());
    hosts.set_up();
    retry_destination(&agent).await;
    sleep(SECOND).await;
    let delivered = hosts.delivered("waits").len();
    assert!(delivered + hosts.tried() >= 50, "{delivered}");
    assert!(delivered > 1);
}

/// However many newer ones are not to be attempted now.
#[tokio::test(start_paused = true)]
async fn of_a_destination_that_is_retried_any_one_tries() {
    let hosts = Hosts::default();
    let agent = Agent::over(hosts.service()).await;
    queue(&agent, "waits@dead.d").await;
    let _dispatching = agent.dispatch();
    sleep(100 * SECOND).await;
    let mut held = Vec::new();
    for number in 0..60 {
        let mut newer = queued(&format!("newer{number}@dead.d"), agent.clock.now() + HOUR);
        if number % 2 == 0 {
            newer.signals = newer.signals.with_send_at(Some(agent.clock.now() + HOUR));
        } else {
            held.push(newer.id);
        }
        agent.storage.backend().insert(newer).await.unwrap();
    }
    let changed = agent.storage.change(held, QueueAction::Hold, false).await;
    assert!(changed.unwrap().iter().all(|(_, verdict)| verdict.is_ok()));
    let tried = hosts.tried();
    let view = retry_destination(&agent).await;
    assert_eq!(view.census.queued, 61);
    sleep(SECOND / 10).await;
    assert_eq!(hosts.tried(), tried + 1);
}

/// What an operator sees after a retry of the destination.
async fn retry_destination(agent: &Agent) -> DestinationView {
    let name = DestinationName::parse("dead.d").unwrap();
    let operation = DestinationOperation::Change(name, DestinationAction::Retry);
    let request = QueueRequest {
        caller: Caller::unrestricted().with_role(Role::Operate),
        operation: QueueOperation::Destinations(operation),
    };
    let operator = Operator::new(agent.storage.clone());
    match operator.oneshot(request).await.unwrap() {
        QueueResponse::Destination(view) => *view,
        other => panic!("{other:?}"),
    }
}
