//! What observers receive, and in which order.

use std::sync::{Arc, Mutex};

use koukan_core::{
    event::{Custodian, Event, Observer, Observers, Outcome},
    middleware::TraceLayer,
    reply::{RemoteMta, Reply},
    service::MailService,
    stage::exploder::ReplyPolicy,
    storage::{
        MemoryBackend,
        record::{FinalReason, Terms},
    },
    test_util::{Answer, Script, context, mail, rcpt, send},
};
use tower::Layer;

use crate::agent::{Agent, turns, until};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// Keeps what it receives, one line each.
#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn is_told(&self, beginning: &str) -> bool {
        self.lines().iter().any(|line| line.starts_with(beginning))
    }
}

impl Observer for Told {
    fn observe(&self, event: &Event<'_>) {
        let line = match event {
            Event::RecipientRefused(refused) => {
                format!("refused {}: {}", refused.recipient, refused.reply)
            }
            Event::Accepted(accepted) => {
                let sender = &accepted.message.context.sender;
                format!("accepted from {sender}, custody {:?}", accepted.custody)
            }
            Event::Ended(ended) => {
                let host = ended.remote.map_or("-", |remote| &*remote.host);
                let octets = ended.octets;
                format!("ended: {:?} {octets} {host}", ended.outcome)
            }
            Event::Attempted(attempted) => {
                let host = attempted.remote.map_or("-", |remote| &*remote.host);
                format!(
                    "attempted {} for {}: {} by {host} in {} s",
                    attempted.number,
                    attempted.recipients,
                    attempted.final_reply.code(),
                    attempted.duration.as_secs()
                )
            }
            Event::Delivered(delivered) => {
                let address = delivered.remote.map(|remote| remote.address.to_string());
                format!(
                    "delivered {} to {} in {} s",
                    delivered.recipient,
                    address.as_deref().unwrap_or("-"),
                    delivered.duration.as_secs()
                )
            }
            Event::Deferred(deferred) => format!(
                "deferred {} after {}: {}",
                deferred.recipients[0],
                deferred.attempts,
                deferred.reply.map_or("-".into(), Reply::to_string)
            ),
            Event::Failed(failed) => {
                let attempts = failed.attempts;
                format!(
                    "failed {} after {attempts}: {}",
                    failed.recipient, failed.reply
                )
            }
            Event::Cancelled(message) => format!("cancelled {}", message.reverse_path.unwrap()),
            Event::Abandoned(message) => format!("abandoned {}", message.reverse_path.unwrap()),
            Event::Notified(notified) => {
                format!("notified {}", notified.message.reverse_path.unwrap())
            }
            Event::NotificationLost(lost) => {
                format!("lost {} about {}", lost.recipients[0], lost.about[0])
            }
            other => panic!("not told of here: {other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

fn by_remote(reply: Reply) -> Reply {
    reply.with_extension(RemoteMta {
        host: "mx.example.net".into(),
        address: "192.0.2.1:25".parse().unwrap(),
    })
}

/// An agent with an observer, both where clients come in and at the destinations.
async fn observed(
    upstreams: impl IntoIterator<Item = Script>,
    policy: ReplyPolicy,
) -> (Agent, impl MailService, Told) {
    let told = Told::default();
    let observers = Observers::new(told.clone());
    let trace = TraceLayer::new(observers.clone());
    let agent = Agent::observed(MemoryBackend::new(), turns(upstreams), observers).await;
    let front = trace.layer(agent.exploder(policy));
    (agent, front, told)
}

#[tokio::test(start_paused = true)]
async fn a_relayed_message_is_told_of_step_by_step() {
    let up = Script::new().message(Answer::After(
        std::time::Duration::from_secs(2),
        by_remote(Reply::message_accepted()),
    ));
    let (agent, front, told) = observed([up], ReplyPolicy::Ingress).await;
    let _ = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    agent.census().await;
    let expected = [
        "attempted 1 for b@y=250: 250 by mx.example.net in 2 s",
        "delivered b@y to 192.0.2.1:25 in 2 s",
        "accepted from test, custody Upstream",
        "ended: Accepted(Upstream) 22 -",
    ];
    assert_eq!(told.lines(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_queued_message_is_promised_deferred_and_delivered() {
    let busy = Script::new().other_rcpts(by_remote(Reply::mailbox_busy()));
    let up = Script::new().message(by_remote(Reply::message_accepted()));
    let (agent, front, told) = observed([busy, up], ReplyPolicy::Submission).await;
    let _ = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 1 }).await;
    dispatching.stop().await;
    let expected = [
        "attempted 1 for b@y=450: 450 by mx.example.net in 0 s",
        "deferred b@y after 1: 450 4.2.1 mailbox unavailable, try again later",
        "accepted from test, custody Own",
        "ended: Accepted(Own) 22 -",
        "attempted 2 for b@y=250: 250 by mx.example.net in 0 s",
        "delivered b@y to 192.0.2.1:25 in 0 s",
    ];
    assert_eq!(told.lines(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_refused_recipient_is_told_of_with_the_text() {
    let refusing = Script::new().rcpt("no@y", by_remote(Reply::no_such_user()));
    let (agent, front, told) = observed([refusing.clone()], ReplyPolicy::Ingress).await;
    let _ = send(front, mail("a@x"), [rcpt("no@y")], "").await;
    agent.census().await;
    let expected = [
        "refused no@y: 550 5.1.1 no such user here",
        "attempted 1 for no@y=550: 550 by mx.example.net in 0 s",
        "ended: Refused 0 -",
    ];
    let mut lines = told.lines();
    // The client has its reply while the connection to the destination is still being closed.
    lines.sort_by_key(|line| !line.starts_with("refused"));
    assert_eq!(lines, expected);
}

#[tokio::test(start_paused = true)]
async fn the_eleventh_refused_recipient_is_told_of_too() {
    let refusing = Script::new().other_rcpts(Reply::no_such_user());
    let (_agent, front, told) = observed([refusing], ReplyPolicy::Ingress).await;
    let to = (0..25).map(|n| rcpt(&format!("b{n}@y")));
    let _ = send(front, mail("a@x"), to, "").await;
    let lines = told.lines();
    let refused = lines.iter().filter(|line| line.starts_with("refused b"));
    assert_eq!(refused.count(), 25);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_fails_in_custody_is_told_of_with_its_notification() {
    let down = Script::new().mail(Answer::Return(Reply::connection_failed()));
    let refusing = Script::new().other_rcpts(Answer::Return(Reply::no_such_user()));
    // The notification is refused as well.
    let (agent, front, told) = observed([down, refusing], ReplyPolicy::Submission).await;
    let _ = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 2 }).await;
    dispatching.stop().await;
    let expected = [
        "attempted 1 for b@y=451: 451 by - in 0 s",
        "deferred b@y after 1: 451 4.4.1 no answer from destination host",
        "accepted from test, custody Own",
        "ended: Accepted(Own) 22 -",
        "attempted 2 for b@y=550: 550 by - in 0 s",
        "failed b@y after 2: 550 5.1.1 no such user here",
        "notified a@x",
        "attempted 1 for a@x=550: 550 by - in 0 s",
        "lost a@x about b@y",
        "failed a@x after 1: 550 5.1.1 no such user here",
    ];
    assert_eq!(told.lines(), expected);
}

#[tokio::test(start_paused = true)]
async fn where_recipients_differ_each_has_its_own_end() {
    let mixed = Script::new()
        .message_for("no@y", Reply::bad_content())
        .message_for("later@y", Reply::mailbox_busy());
    let (agent, front, told) =
        observed(std::iter::repeat_n(mixed, 3), ReplyPolicy::Submission).await;
    let to = ["yes@y", "no@y", "later@y"].map(rcpt);
    let _ = send(front, mail("a@x"), to, MESSAGE).await;
    agent.census().await;
    for line in [
        "delivered yes@y",
        "failed no@y after 1: 554",
        "deferred later@y after 1",
    ] {
        assert!(told.is_told(line), "{line}: {:?}", told.lines());
    }
    assert!(told.is_told("accepted from test, custody Own"));
    assert!(!told.is_told("delivered no@y") && !told.is_told("failed later@y"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_has_nothing_accepted() {
    let (_agent, front, told) = observed([Script::new()], ReplyPolicy::Submission).await;
    let (mut driver, pending) =
        koukan_core::transaction::Driver::start(front, context(), mail("a@x"));
    driver.wait(pending).await;
    drop(driver);
    assert!(told.is_told("ended: Aborted"), "{:?}", told.lines());
    assert!(!told.is_told("accepted"));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_and_an_abandoned_transaction_are_told_of_once() {
    let (agent, _front, told) = observed([Script::new()], ReplyPolicy::Submission).await;
    let begin = |from: &str| {
        let (recorder, lease) = agent.storage.begin(context(), mail(from)).unwrap();
        recorder.rcpt(rcpt("b@y"));
        (recorder, lease)
    };
    // Cancelled in the queue, and cancelled again.
    let (recorder, lease) = begin("queued@x");
    let blob = koukan_core::blob::Blob::from_bytes(MESSAGE.into());
    recorder.body(Vec::new(), blob);
    drop(lease);
    // A dropped attempt counts as one that failed.
    let terms = Terms {
        retry: true,
        notify: false,
    };
    recorder.commit(terms, None).await.unwrap();
    let id = recorder.id();
    drop(recorder);
    for _ in 0..2 {
        let watch = agent.storage.watch(id).await.unwrap().unwrap();
        agent.storage.cancel(&watch).await.unwrap();
    }
    // Cancelled while it is attempted.
    let (recorder, lease) = begin("attempted@x");
    agent.storage.cancel(&recorder.watch()).await.unwrap();
    drop(tower::ServiceExt::oneshot(agent.output.clone(), lease).await);
    let (recorder, lease) = begin("abandoned@x");
    recorder.give_up(FinalReason::DownstreamTimeout);
    drop(tower::ServiceExt::oneshot(agent.output.clone(), lease).await);
    agent.census().await;
    let mut lines = told.lines();
    lines.retain(|line| !line.starts_with("deferred"));
    let expected = [
        "accepted from test, custody Own",
        "cancelled queued@x",
        "cancelled attempted@x",
        "abandoned abandoned@x",
    ];
    assert_eq!(lines, expected);
}

/// An observer that follows no transactions.
#[derive(Debug)]
struct Deaf;

impl Observer for Deaf {
    fn observe(&self, event: &Event<'_>) {
        assert!(!matches!(event, Event::Ended(_) | Event::Accepted(_)));
    }

    fn follows_transactions(&self) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn who_follows_no_transactions_is_not_told_of_their_end() {
    let trace = TraceLayer::new(Deaf.into());
    let outcome = send(
        trace.layer(Script::new()),
        mail("a@x"),
        [rcpt("b@y")],
        MESSAGE,
    )
    .await;
    assert!(outcome.is_delivered());
}

#[tokio::test(start_paused = true)]
async fn all_observers_are_told_in_order() {
    let (first, second) = (Told::default(), Told::default());
    let observers = Observers::new(first.clone()).with(Arc::new(second.clone()));
    let _ = send(
        TraceLayer::new(observers).layer(Script::new()),
        mail("a@x"),
        [rcpt("b@y")],
        MESSAGE,
    )
    .await;
    assert_eq!(first.lines(), second.lines());
    let accepted = format!("ended: {:?} 22 -", Outcome::Accepted(Custodian::Upstream));
    assert_eq!(first.lines().last(), Some(&accepted));
}
