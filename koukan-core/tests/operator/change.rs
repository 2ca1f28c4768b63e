use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use koukan_core::{
    event::{Event, Observer},
    reply::Reply,
    resource::{
        Location, QueueChange, QueueChanged, QueueFilter, QueueOperation, QueueResponse,
        RefusalKind,
    },
    storage::{
        QueueState, Search,
        record::{QueueAction, Skipped},
    },
    test_util::Script,
};

use crate::agent::{Agent, id};

async fn busy() -> Agent {
    Agent::over(Script::new().other_rcpts(Reply::mailbox_busy())).await
}

impl Agent {
    async fn change(&self, action: QueueAction, domain: &str, is_dry: bool) -> QueueChanged {
        let search = Search {
            domain: Some(domain.into()),
            ..Search::default()
        };
        let change = QueueChange {
            action,
            filter: QueueFilter {
                search,
                ..QueueFilter::default()
            },
            is_dry,
        };
        match self.ask(QueueOperation::Change(change)).await {
            Ok(QueueResponse::Changed(changed)) => changed,
            other => panic!("{other:?}"),
        }
    }

    async fn change_one(
        &self,
        of: &Location,
        action: QueueAction,
    ) -> Result<QueueState, RefusalKind> {
        match self.ask(QueueOperation::ChangeOne(id(of), action)).await {
            Ok(QueueResponse::Shown(shown)) => Ok(shown.queued.state),
            Err(refusal) => Err(refusal.kind),
            other => panic!("{other:?}"),
        }
    }

    async fn attempts(&self, of: &Location) -> usize {
        self.show(of).await.attempts.len()
    }
}

fn all(count: u64) -> QueueChanged {
    QueueChanged {
        matched: count,
        changed: count,
        recipients: count,
        ..QueueChanged::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_an_attempt_now() {
    let agent = busy().await;
    let sent = agent.send("app", "a@x.example").await;
    agent.dispatch();
    agent.storage.given_back().await;
    assert_eq!(agent.attempts(&sent).await, 1);
    assert!(agent.change_one(&sent, QueueAction::Retry).await.is_ok());
    // Long before the next one would be due.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(agent.attempts(&sent).await, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_waits_until_it_is_released() {
    let agent = busy().await;
    let held = agent.send("app", "a@x.example").await;
    let other = agent.send("app", "a@y.example").await;
    agent.dispatch();
    agent.storage.given_back().await;
    assert_eq!(
        agent.change(QueueAction::Hold, "x.example", true).await,
        all(1)
    );
    assert_eq!(agent.show(&held).await.queued.state, QueueState::Waiting);
    assert_eq!(
        agent.change(QueueAction::Hold, "x.example", false).await,
        all(1)
    );
    let shown = agent.show(&held).await.queued;
    assert_eq!(shown.state, QueueState::Held);
    assert!(shown.held.is_some());
    assert_eq!(shown.view.details.unwrap().next_attempt, None);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(agent.attempts(&held).await, 1);
    assert!(agent.attempts(&other).await > 1);

    let skipped = agent.change(QueueAction::Retry, "x.example", false).await;
    let expected = QueueChanged {
        matched: 1,
        changed: 0,
        recipients: 0,
        skipped: [(Skipped::Held, 1)].into(),
    };
    assert_eq!(skipped, expected);
    let again = agent.change_one(&held, QueueAction::Hold).await;
    assert_eq!(again, Err(RefusalKind::Conflict));
    assert!(agent.change_one(&held, QueueAction::Release).await.is_ok());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(agent.attempts(&held).await, 2);
}

/// Who names one recipient of several is told that the others are concerned too.
#[tokio::test(start_paused = true)]
async fn all_recipients_of_what_is_changed_are_counted() {
    let agent = busy().await;
    let to = ["a@x.example", "b@y.example", "c@z.example"];
    let sent = agent.send_at("app", &to, None).await;
    agent.storage.given_back().await;
    let expected = QueueChanged {
        matched: 1,
        changed: 1,
        recipients: 3,
        ..QueueChanged::default()
    };
    for is_dry in [true, false] {
        let changed = agent.change(QueueAction::Cancel, "x.example", is_dry).await;
        assert_eq!(changed, expected);
    }
    assert_eq!(agent.show(&sent).await.queued.state, QueueState::Finished);
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_is_over_and_nobody_is_told() {
    let agent = busy().await;
    let sent = agent.send("app", "a@x.example").await;
    agent.storage.given_back().await;
    // Held or not.
    agent.change(QueueAction::Hold, "x.example", false).await;
    let cancelled = agent.change(QueueAction::Cancel, "x.example", false).await;
    assert_eq!(cancelled, all(1));
    let shown = agent.show(&sent).await.queued;
    assert_eq!(shown.state, QueueState::Finished);
    let reason = shown.view.final_attempt_reason;
    assert_eq!(reason.as_deref(), Some("cancelled"));
    let census = agent.storage.backend().census().await.unwrap();
    assert_eq!(census.waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_told_to_its_sender() {
    let agent = busy().await;
    let sent = agent.send("app", "a@x.example").await;
    agent.storage.given_back().await;
    let bounced = agent.change(QueueAction::Bounce, "x.example", false).await;
    assert_eq!(bounced, all(1));
    let again = agent.change(QueueAction::Bounce, "x.example", false).await;
    let expected = QueueChanged {
        matched: 1,
        changed: 0,
        recipients: 0,
        skipped: [(Skipped::Notifying, 1)].into(),
    };
    assert_eq!(again, expected);
    agent.dispatch();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let shown = agent.show(&sent).await.queued;
    let reason = shown.view.final_attempt_reason;
    assert_eq!(reason.as_deref(), Some("failed"));
    let recipient = &shown.view.details.unwrap().recipients[0];
    assert_eq!(recipient.reply, Some(Reply::returned()));
    // The notification goes to the sender of the message.
    let notification = Search {
        recipient: Some("alice@example.com".into()),
        ..Search::default()
    };
    let listed = agent.list_of(None, notification).await;
    assert_eq!(listed.transactions.len(), 1);
}

/// Who did what to which selection, and how many transactions were selected and changed.
type Told = (String, String, String, u64, u64);

#[derive(Debug, Default)]
struct Audit(Mutex<Vec<Told>>);

impl Observer for Audit {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Operated(operated) = event {
            self.0.lock().unwrap().push((
                operated.by.to_string(),
                operated.action.into(),
                operated.target.into(),
                operated.matched,
                operated.changed,
            ));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_change_is_told_with_who_has_made_it() {
    let audit = Arc::new(Audit::default());
    let script = Script::new().other_rcpts(Reply::mailbox_busy());
    let agent = Agent::observed(script, Arc::clone(&audit)).await;
    let sent = agent.send("app", "a@x.example").await;
    agent.storage.given_back().await;
    agent.change(QueueAction::Hold, "x.example", true).await;
    agent.change(QueueAction::Hold, "x.example", false).await;
    agent
        .change_one(&sent, QueueAction::Retry)
        .await
        .unwrap_err();
    let filter = "state=unfinished&domain=x.example".to_owned();
    let expected = [
        ("olga".into(), "hold".into(), filter, 1, 1),
        ("olga".into(), "retry".into(), id(&sent).into(), 1, 0),
    ];
    assert_eq!(*audit.0.lock().unwrap(), expected);
}
