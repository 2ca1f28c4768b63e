use std::sync::Arc;

use jiff::ToSpan;
use koukan_core::{
    reply::{RemoteMta, Reply},
    resource::{
        Caller, DestinationAction, DestinationName, DestinationOperation, DestinationView,
        DestinationsListed, HostRoom, HostRooms, QueueOperation, QueueResponse, RefusalKind,
    },
    signals::HostPort,
    storage::{QueueState, Search, record::QueueAction},
    test_util::Script,
};

use crate::agent::{Agent, id};

async fn busy() -> Agent {
    Agent::over(Script::new().other_rcpts(Reply::mailbox_busy())).await
}

fn named(name: &str) -> DestinationName {
    DestinationName::parse(name).unwrap()
}

impl Agent {
    async fn destinations(&self, limit: usize) -> DestinationsListed {
        let list = DestinationOperation::List { limit };
        match self.ask(QueueOperation::Destinations(list)).await {
            Ok(QueueResponse::Destinations(listed)) => listed,
            other => panic!("{other:?}"),
        }
    }

    async fn destination(
        &self,
        operation: DestinationOperation,
    ) -> Result<DestinationView, RefusalKind> {
        match self.ask(QueueOperation::Destinations(operation)).await {
            Ok(QueueResponse::Destination(view)) => Ok(*view),
            Err(refusal) => Err(refusal.kind),
            other => panic!("{other:?}"),
        }
    }

    async fn operate(
        &self,
        name: &str,
        action: DestinationAction,
    ) -> Result<DestinationView, RefusalKind> {
        let change = DestinationOperation::Change(named(name), action);
        self.destination(change).await
    }
}

fn names(listed: &DestinationsListed) -> Vec<(&str, &str, u64)> {
    let views = listed.destinations.iter();
    views
        .map(|view| (&*view.census.host, view.state(), view.census.queued))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_destination_is_stopped_and_goes_on() {
    use DestinationAction::{Resume, Retry, Suspend};
    let agent = busy().await;
    let sent = agent.send("app", "a@x.example").await;
    agent.send("other", "b@x.example").await;
    agent.send("app", "a@y.example").await;
    agent.storage.given_back().await;
    agent.dispatch();
    let listed = agent.destinations(0).await;
    assert_eq!(
        names(&listed),
        [("x.example", "up", 2), ("y.example", "up", 1)]
    );
    assert!(!listed.is_cut);
    let census = &listed.destinations[0].census;
    assert_eq!(census.last_reply(), Some(Reply::mailbox_busy()));
    assert!(census.next.is_some());

    let view = agent.operate("Y.example", Suspend).await.unwrap();
    assert_eq!(view.state(), "suspended");
    assert_eq!(&*view.suspension.unwrap().by, "olga");
    agent.operate("z.example", Suspend).await.unwrap();
    let expected = [
        ("y.example", "suspended", 1),
        ("z.example", "suspended", 0),
        ("x.example", "up", 2),
    ];
    assert_eq!(names(&agent.destinations(0).await), expected);
    let cut = agent.destinations(1).await;
    assert_eq!((names(&cut).len(), cut.is_cut), (1, true));
    let shown = DestinationOperation::Show(named("unknown.example"));
    let shown = agent.destination(shown).await.unwrap();
    assert_eq!((shown.state(), shown.census.queued), ("up", 0));

    // Transactions that wait for it show that, and cannot be retried meanwhile.
    let y = Search {
        destination: Some("y.example".into()),
        ..Search::default()
    };
    let listed = agent.list_of(None, y).await.transactions;
    assert!(listed[0].suspended.is_some());
    assert!(agent.show(&sent).await.queued.suspended.is_none());
    let location = listed[0].view.details.as_ref().unwrap().location.clone();
    let retried = agent
        .ask(QueueOperation::ChangeOne(id(&location), QueueAction::Retry))
        .await;
    assert_eq!(retried.unwrap_err().kind, RefusalKind::Conflict);
    let retried = agent.operate("y.example", Retry).await;
    assert_eq!(retried, Err(RefusalKind::Conflict));
    let attempts = async || agent.show(&location).await.attempts.len();
    assert_eq!(attempts().await, 1);

    let view = agent.operate("y.example", Resume).await.unwrap();
    assert_eq!(view.state(), "up");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(attempts().await, 2);
    agent.operate("x.example", Retry).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(agent.show(&sent).await.attempts.len(), 2);
}

/// The destination is resumed; scheduled transactions wait for their time.
#[tokio::test(start_paused = true)]
async fn what_is_to_be_sent_later_is_not_sent_with_the_others() {
    use DestinationAction::{Resume, Retry, Suspend};
    let agent = busy().await;
    let at = agent.storage.clock().now() + 3.hours();
    let waits = agent.send("app", "a@x.example").await;
    let later = agent.send_at("app", &["b@x.example"], Some(at)).await;
    agent.storage.given_back().await;
    agent.dispatch();
    let attempts = async |location| agent.show(location).await.attempts.len();
    agent.operate("x.example", Suspend).await.unwrap();
    for (action, expected) in [(Resume, 2), (Retry, 3)] {
        agent.operate("x.example", action).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        assert_eq!(
            (attempts(&waits).await, attempts(&later).await),
            (expected, 0)
        );
    }
    let state = agent.show(&later).await.queued.state;
    assert_eq!(state, QueueState::Scheduled);
}

/// A transaction with other destinations as well is attempted, so it does not wait.
#[tokio::test(start_paused = true)]
async fn what_goes_to_several_destinations_is_not_suspended_with_one() {
    let agent = busy().await;
    agent
        .operate("x.example", DestinationAction::Suspend)
        .await
        .unwrap();
    let to = ["a@x.example", "b@y.example"];
    let several = agent.send_at("app", &to, None).await;
    let one = agent.send("app", "a@x.example").await;
    assert!(agent.show(&several).await.queued.suspended.is_none());
    assert!(agent.show(&one).await.queued.suspended.is_some());
}

#[tokio::test(start_paused = true)]
async fn only_who_operates_the_agent_sees_and_changes_destinations() {
    let agent = busy().await;
    let change = DestinationOperation::Change(named("x.example"), DestinationAction::Suspend);
    for operation in [DestinationOperation::List { limit: 0 }, change] {
        let operation = QueueOperation::Destinations(operation);
        let refused = agent.ask_as(Caller::unrestricted(), operation).await;
        assert_eq!(refused.unwrap_err().kind, RefusalKind::Forbidden);
    }
    assert!(!agent.storage.is_any_suspended());
}

/// Knows two hosts.
#[derive(Debug)]
struct Rooms;

impl HostRooms for Rooms {
    fn room(&self, host: &HostPort) -> Option<HostRoom> {
        (&*host.host == "mx.example").then(|| HostRoom {
            host: host.clone(),
            connections: 3,
            max_connections: 20,
            max_of_all: 20,
            rate: None,
        })
    }
}

/// By the destination's name, or by the host that was connected to last.
#[tokio::test(start_paused = true)]
async fn what_a_host_takes_is_told() {
    let remote = RemoteMta {
        host: "mx.example".into(),
        address: "192.0.2.1:2525".parse().unwrap(),
    };
    let reply = Reply::mailbox_busy().with_extension(remote);
    let mut agent = Agent::over(Script::new().message(reply)).await;
    agent.operator = agent.operator.clone().with_rooms(Arc::new(Rooms));
    agent.send("app", "a@x.example").await;
    agent.storage.given_back().await;
    agent.dispatch();
    let mut ports = Vec::new();
    for name in [
        "x.example",
        "mx.example:25",
        "other.example:25",
        "y.example",
    ] {
        let shown = agent.destination(DestinationOperation::Show(named(name)));
        let room = shown.await.unwrap().room;
        ports.push(room.map(|room| (room.host.port, room.connections)));
    }
    assert_eq!(ports, [Some((2525, 3)), Some((25, 3)), None, None]);
    let listed = agent.destinations(0).await;
    assert!(listed.destinations[0].room.is_some());
}
