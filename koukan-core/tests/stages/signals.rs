//! Filter results of a message go with it, and one id follows it.

use std::sync::{Arc, Mutex};

use koukan_core::{
    middleware::{Next, from_fn},
    reply::Reply,
    service::MailService,
    signals::{DurableSignal, Queued, Signals, TraceId},
    stage::exploder::ReplyPolicy,
    storage::{MemoryBackend, record::TransactionId},
    test_util::{CapturedLog, Received, Script, at_rest, context, mail, rcpt, send},
    transaction::{Driver, Transaction},
};
use serde::{Deserialize, Serialize};
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tracing::Level;

use crate::{
    agent::{Agent, turns, until},
    queued::{MESSAGE, queued},
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Spf {
    result: String,
}

impl DurableSignal for Spf {
    const NAME: &'static str = "spf";
}

/// A result that is known only at the end of the message.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Dkim(Vec<String>);

impl DurableSignal for Dkim {
    const NAME: &'static str = "dkim";
}

/// Another definition of `spf`.
#[derive(Debug, Serialize, Deserialize)]
struct OtherSpf(u32);

impl DurableSignal for OtherSpf {
    const NAME: &'static str = "spf";
}

fn pass() -> Spf {
    Spf {
        result: "pass".into(),
    }
}

/// A filter of ingress: it has one result at MAIL, and another when it has seen the message.
async fn find_out(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    tx.signals.set_durable(&pass())?;
    let signals = tx.signals.clone();
    let tx = tx.then_whole(1 << 20, move |octets| async move {
        let domains = Dkim(vec!["example.com".into()]);
        signals
            .set_durable(&domains)
            .expect("nobody else has written it");
        Ok(octets.into())
    });
    next.run(tx).await
}

fn finds_out(inner: impl MailService) -> impl MailService {
    from_fn(find_out).layer(inner)
}

fn busy() -> Script {
    Script::new().other_rcpts(Reply::mailbox_busy())
}

fn assert_known(received: &Received) {
    let signals = &received.signals;
    assert_eq!(signals.find_durable::<Spf>().unwrap(), Some(pass()));
    let domains = signals.find_durable::<Dkim>().unwrap();
    assert_eq!(domains, Some(Dkim(vec!["example.com".into()])));
}

/// What upstream receives of the two queued transactions, from another process.
async fn after_restart(backend: &MemoryBackend) -> Vec<Received> {
    let up = Script::new();
    let agent = Agent::on(backend.another_process(), up.clone()).await;
    let dispatching = agent.dispatch();
    until(|| async { up.received().len() == 2 }).await;
    dispatching.stop().await;
    up.received()
}

#[tokio::test(start_paused = true)]
async fn what_ingress_found_out_is_known_in_each_leg_and_after_a_restart() {
    let backend = MemoryBackend::new();
    let agent = Agent::on(backend.another_process(), busy()).await;
    let front = finds_out(agent.exploder(ReplyPolicy::Submission));
    let to = [rcpt("b@y"), rcpt("c@y")];
    let outcome = send(front, mail("a@x"), to, "\r\nhello\r\n").await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    drop(agent);

    after_restart(&backend).await.iter().for_each(assert_known);
}

#[tokio::test(start_paused = true)]
async fn what_ingress_found_out_is_known_while_the_client_waits() {
    let up = Script::new();
    let agent = Agent::over(up.clone()).await;
    let front = finds_out(agent.exploder(ReplyPolicy::Ingress));
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert_known(&up.only_received());
}

/// Each attempt has results of its own.
#[tokio::test(start_paused = true)]
async fn what_an_attempt_finds_out_is_gone_with_it() {
    let up = Script::new();
    let agent = Agent::over(finds_out(turns([busy(), up.clone()]))).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let dispatching = agent.dispatch();
    until(|| async { !up.received().is_empty() }).await;
    dispatching.stop().await;
    assert_known(&up.only_received());
}

#[tokio::test(start_paused = true)]
async fn a_signal_that_cannot_be_understood_is_an_error_that_names_it() {
    async fn judge(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
        match tx.signals.find_durable::<OtherSpf>() {
            Err(error) => Ok(Reply::local_error().with_text(error.to_string())),
            Ok(_) => next.run(tx).await,
        }
    }
    let up = Script::new();
    let agent = Agent::over(from_fn(judge).layer(up.clone())).await;
    let front = finds_out(agent.exploder(ReplyPolicy::Ingress));
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
    let reply = &outcome.recipients[0];
    assert_eq!(reply.text(), "signal spf cannot be understood");
    assert!(reply.is_transient());
}

/// Sends a message whose id is known, to two recipients.
async fn send_with_id(front: impl MailService) -> TraceId {
    let signals = Signals::default();
    let id = TraceId::of(&signals);
    let (mut driver, _mail) = Driver::start_with(front, context(), mail("a@x"), signals);
    for to in ["b@y", "c@y"] {
        let pending = driver.rcpt(rcpt(to)).await;
        assert!(driver.wait(pending).await.is_positive());
    }
    driver.data();
    driver.send("Subject: hi\r\n\r\n".into()).await.unwrap();
    assert!(driver.finish().await.is_positive());
    id
}

fn told(recipient: &str) -> String {
    format!("Final-Recipient: rfc822; {recipient}")
}

#[tokio::test(start_paused = true)]
async fn one_id_follows_a_message_to_its_notification() {
    let log = CapturedLog::at(Level::INFO);
    let up = Script::new()
        .rcpt("b@y", Reply::no_such_user())
        .rcpt("c@y", Reply::no_such_user());
    let agent = Agent::over(turns([busy(), busy(), up.clone()])).await;
    let id = send_with_id(agent.exploder(ReplyPolicy::Submission)).await;

    // The transaction of the first recipient is found by the id itself.
    let first = agent.storage.watch(TransactionId::from(id)).await.unwrap();
    let first = first.expect("it is kept").snapshot();
    assert_eq!(first.recipients, [rcpt("b@y")]);
    let queued: Vec<_> = log
        .text()
        .lines()
        .filter(|line| line.contains("queued, next attempt"))
        .map(str::to_owned)
        .collect();
    assert_eq!(queued.len(), 2);
    for line in &queued {
        assert!(line.contains(&format!(" id={id} ")), "{line}");
    }
    assert!(queued[0].contains(&format!(" transaction={id} ")));
    assert!(!queued[1].contains(&format!(" transaction={id} ")));

    let dispatching = agent.dispatch();
    let notifications = || {
        let mut received = up.received();
        received.retain(|received| received.reverse_path().is_null());
        received
    };
    until(|| async { !notifications().is_empty() }).await;
    dispatching.stop().await;
    let [notification] = &notifications()[..] else {
        panic!("it is told more than once");
    };
    assert_eq!(TraceId::of(&notification.signals), id);
    for field in [format!("X-Koukan-Id: {id}"), told("b@y"), told("c@y")] {
        let text = notification.text();
        assert!(text.contains(&format!("{field}\r\n")), "{field}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_id_is_the_same_after_a_restart() {
    let backend = MemoryBackend::new();
    let agent = Agent::on(backend.another_process(), busy()).await;
    let id = send_with_id(agent.exploder(ReplyPolicy::Submission)).await;
    drop(agent);

    for received in after_restart(&backend).await {
        assert_eq!(TraceId::of(&received.signals), id);
    }
}

/// Endpoints leave room for attempts with a waiting client.
#[tokio::test(start_paused = true)]
async fn attempts_from_the_queue_say_so() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let upstream = {
        let said = Arc::clone(&said);
        service_fn(move |tx: Transaction| {
            let is_queued = tx.signals.find::<Queued>().is_some();
            said.lock().unwrap().push(is_queued);
            Script::new().oneshot(tx)
        })
    };
    let agent = Agent::over(upstream).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let message = queued("c@y", agent.clock.now());
    agent.storage.backend().insert(message).await.unwrap();
    let dispatching = agent.dispatch();
    until(async || said.lock().unwrap().len() > 1).await;
    dispatching.stop().await;
    assert_eq!(*said.lock().unwrap(), [false, true]);
}

/// Whoever keeps what an attempt has shown him keeps neither its agent nor the session of that.
#[tokio::test(start_paused = true)]
async fn signals_that_outlive_an_attempt_keep_nothing_of_the_agent() {
    let upstream = Script::new();
    let backend = Arc::new(MemoryBackend::new());
    let agent = Agent::on_shared(Arc::clone(&backend) as _, upstream.clone()).await;
    let front = agent.exploder(ReplyPolicy::Ingress);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    agent.storage.flush().await;
    drop(agent);
    at_rest().await;
    let received = upstream.only_received();
    assert!(received.signals.departure().is_some());
    assert_eq!(Arc::strong_count(&backend), 1);
}
