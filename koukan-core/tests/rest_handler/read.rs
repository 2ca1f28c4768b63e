use std::time::Duration;

use koukan_core::{
    reply::Reply,
    resource::{Caller, Location, Operation, Read, RefusalKind, ResourceResponse, Role, WaitFor},
    test_util::{Answer, Script},
};

use crate::agent::{Agent, read, whole};

#[tokio::test(start_paused = true)]
async fn a_hanging_read_returns_as_soon_as_something_changes() {
    let slow = Script::new().message(Answer::After(
        Duration::from_secs(5),
        Reply::message_accepted(),
    ));
    let agent = Agent::over(slow).await;
    let mut create = whole();
    create.wait = None;
    let created = agent.create(create).await;
    let mut version = agent.try_read(read(&created.location)).await.unwrap().1;
    let mut views = Vec::new();
    loop {
        let next = Read {
            if_none_match: Some(version.clone()),
            wait: Some(Duration::from_secs(20)),
            wait_for: WaitFor::End,
            ..read(&created.location)
        };
        let (view, next) = agent.try_read(next).await.unwrap();
        assert_ne!(next, version);
        version = next;
        let is_final = view.is_final();
        views.push(view);
        if is_final {
            break;
        }
    }
    assert!(views.iter().any(|view| view.mail_response.is_some()));
    assert_eq!(views.last().unwrap().rcpt_to, 1);
}

#[tokio::test(start_paused = true)]
async fn a_known_version_is_unchanged_when_the_time_is_up() {
    let agent = Agent::over(Script::new().mail(Answer::Never)).await;
    let mut create = whole();
    create.wait = None;
    let created = agent.create(create).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (_, version) = agent.try_read(read(&created.location)).await.unwrap();
    let start = tokio::time::Instant::now();
    let waiting = Read {
        if_none_match: Some(version.clone()),
        wait: Some(Duration::from_secs(7)),
        wait_for: WaitFor::End,
        ..read(&created.location)
    };
    let response = agent.ask(Operation::Read(waiting)).await;
    assert_eq!(response, ResourceResponse::Unchanged(version));
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_reads_the_same_when_it_is_no_longer_in_memory() {
    let agent = Agent::over(Script::new()).await;
    let created = agent.create(whole()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let view = agent.view(&created.location).await;
    assert_eq!(view.data_response, created.view.data_response);
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
}

#[tokio::test(start_paused = true)]
async fn unknown_transactions_are_not_found_and_those_of_others_forbidden() {
    let agent = Agent::over(Script::new()).await;
    let created = agent.create(whole()).await;
    let other = agent.acting_for("other");
    let refusal = other.try_read(read(&created.location)).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Forbidden);
    for unknown in ["nonsense", "00000000000000000000000000"] {
        let location = Location::of_transaction(unknown);
        let refusal = agent.try_read(read(&location)).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::NotFound);
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_only_read_changes_nothing() {
    let agent = Agent::over(Script::new()).await;
    let created = agent.create(whole()).await;
    let reader = Agent {
        caller: Caller::unrestricted().with_role(Role::Read),
        ..agent.clone()
    };
    assert!(reader.try_read(read(&created.location)).await.is_ok());
    let refused = reader.try_create(whole()).await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Forbidden);
    let cancel = Operation::Cancel(created.location);
    let ResourceResponse::Refused(refused) = reader.ask(cancel).await else {
        panic!("it was cancelled");
    };
    assert_eq!(refused.kind, RefusalKind::Forbidden);
}
