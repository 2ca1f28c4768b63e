use std::time::Duration;

use koukan_core::{
    reply::Reply,
    resource::{Caller, QueueFilter, QueueList, QueueOperation, QueueResponse, RefusalKind, Role},
    storage::{QueueState, Search},
    test_util::Script,
};

use crate::agent::{Agent, MESSAGE, id, locations};

async fn busy() -> Agent {
    Agent::over(Script::new().other_rcpts(Reply::mailbox_busy())).await
}

#[tokio::test(start_paused = true)]
async fn everybodys_mail_is_listed_page_by_page() {
    let agent = busy().await;
    let mut sent = Vec::new();
    for (sender, to) in [
        ("app", "a@x.example"),
        ("other", "b@y.example"),
        ("app", "c@x.example"),
    ] {
        sent.insert(0, agent.send(sender, to).await);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    agent.storage.given_back().await;
    assert_eq!(locations(&agent.list(QueueList::default()).await), sent);
    let first = QueueList {
        limit: 2,
        ..QueueList::default()
    };
    let first = agent.list(first).await;
    assert_eq!(locations(&first), sent[..2]);
    let states: Vec<_> = first.transactions.iter().map(|one| one.state).collect();
    assert_eq!(states, [QueueState::Waiting; 2]);
    let destinations = first.transactions.iter().map(|one| &*one.destination);
    assert_eq!(destinations.collect::<Vec<_>>(), ["x.example", "y.example"]);
    let rest = QueueList {
        limit: 2,
        cursor: first.next,
        ..QueueList::default()
    };
    assert_eq!(locations(&agent.list(rest).await), sent[2..]);

    let filtered = |filter| {
        agent.list(QueueList {
            filter,
            ..QueueList::default()
        })
    };
    let of_sender = QueueFilter {
        sender: Some("other".into()),
        ..QueueFilter::default()
    };
    assert_eq!(locations(&filtered(of_sender).await), sent[1..2]);
    let of_domain = QueueFilter {
        search: Search {
            domain: Some("x.example".into()),
            ..Search::default()
        },
        ..QueueFilter::default()
    };
    assert_eq!(
        locations(&filtered(of_domain).await),
        [sent[0].clone(), sent[2].clone()]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_over_is_listed_where_it_is_asked_for() {
    let agent = Agent::over(Script::new()).await;
    let sent = agent.send("app", "a@x.example").await;
    agent.storage.flush().await;
    assert!(locations(&agent.list(QueueList::default()).await).is_empty());
    for state in [None, Some(QueueState::Finished)] {
        let list = QueueList {
            filter: QueueFilter {
                state,
                ..QueueFilter::default()
            },
            ..QueueList::default()
        };
        let listed = agent.list(list).await;
        assert_eq!(locations(&listed), std::slice::from_ref(&sent));
        assert_eq!(listed.transactions[0].state, QueueState::Finished);
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_is_shown_with_what_the_other_side_said() {
    let agent = busy().await;
    let sent = agent.send("app", "a@x.example").await;
    agent.storage.given_back().await;
    let shown = agent.show(&sent).await;
    assert_eq!((shown.attempts.len(), shown.first_attempt), (1, 1));
    let replies = &shown.attempts[0].recipient_replies;
    assert_eq!(*replies, [Some(Reply::mailbox_busy())]);
    let details = shown.queued.view.details.unwrap();
    assert!(details.next_attempt.is_some());
    assert_eq!(shown.queued.state, QueueState::Waiting);
}

#[tokio::test(start_paused = true)]
async fn its_message_is_read_as_it_came() {
    let agent = busy().await;
    let sent = agent.send("app", "a@x.example").await;
    match agent.ask(QueueOperation::Message(id(&sent))).await {
        Ok(QueueResponse::Message(body)) => {
            assert_eq!(body.collect(usize::MAX).await.unwrap(), MESSAGE);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_shown() {
    let agent = busy().await;
    for unknown in ["x", "00000000000000000000000000"] {
        for operation in [
            QueueOperation::Show(unknown.into()),
            QueueOperation::Message(unknown.into()),
        ] {
            let refused = agent.ask(operation).await.unwrap_err();
            assert_eq!(refused.kind, RefusalKind::NotFound, "{unknown}");
        }
    }
    let nonsense = QueueList {
        cursor: Some("nonsense".into()),
        ..QueueList::default()
    };
    let refused = agent.ask(QueueOperation::List(nonsense)).await.unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("cursor"));
}

#[tokio::test(start_paused = true)]
async fn who_only_sends_or_reads_does_not_see_the_queue() {
    let agent = busy().await;
    let sent = agent.send("app", "a@x.example").await;
    for caller in [
        Caller::unrestricted(),
        Caller::trusted(),
        Caller::unrestricted().with_role(Role::Read),
        Caller::of_senders(["app".into()]).with_role(Role::Operate),
    ] {
        for operation in [
            QueueOperation::List(QueueList::default()),
            QueueOperation::Show(id(&sent)),
            QueueOperation::Message(id(&sent)),
        ] {
            let refused = agent.ask_as(caller.clone(), operation).await.unwrap_err();
            assert_eq!(refused.kind, RefusalKind::Forbidden);
        }
    }
}
