//! A message from another agent that nobody accepts is refused, and nobody is notified.

use koukan_core::{
    reply::Reply,
    signals::DurableSignal,
    stage::exploder::{Exploder, NotifyWhen, ReplyPolicy},
    test_util::{Script, mail, rcpt, send},
    transaction::Transaction,
};
use serde::{Deserialize, Serialize};
use tower::{ServiceExt, service_fn};

use crate::agent::{Agent, turns, until};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

/// The reply to a client whose recipients end with these replies, and the agent.
async fn sent(ends: &[Reply], notify: NotifyWhen) -> (Reply, Agent, Script) {
    let up = Script::new();
    let ends = ends.iter().cloned();
    let scripts = ends.map(|end| Script::new().message(end));
    let agent = Agent::over(turns(scripts.chain([up.clone()]))).await;
    let pool = agent.storage.pool().clone();
    let front = Exploder::new(agent.writer.clone(), ReplyPolicy::Ingress, pool).with_notify(notify);
    let to = [rcpt("b@y"), rcpt("c@y"), rcpt("d@y")];
    let outcome = send(front, mail("forged@x"), to, MESSAGE).await;
    assert_eq!(outcome.recipients, vec![Reply::recipient_ok(); 3]);
    (outcome.message.unwrap(), agent, up)
}

#[tokio::test(start_paused = true)]
async fn what_nobody_took_is_refused_and_kept_nowhere() {
    let (ok, again, never) = (
        Reply::message_accepted(),
        Reply::mailbox_busy(),
        Reply::bad_content(),
    );
    for (ends, told) in [
        ([&again, &never, &never], &again),
        ([&never, &never, &again], &again),
        ([&again, &again, &again], &again),
        ([&never, &never, &never], &never),
        ([&ok, &ok, &ok], &ok),
    ] {
        let (reply, agent, up) = sent(&ends.map(Clone::clone), NotifyWhen::Always).await;
        assert_eq!(&reply, told, "{ends:?}");
        let census = agent.census().await;
        assert_eq!((census.waiting, census.leased), (0, 0), "{ends:?}");
        assert!(up.received().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn where_one_took_it_the_sender_is_told_of_the_other_or_not() {
    let ends = [
        Reply::message_accepted(),
        Reply::bad_content(),
        Reply::message_accepted(),
    ];
    let (reply, agent, up) = sent(&ends, NotifyWhen::Always).await;
    assert!(reply.is_positive());
    let dispatching = agent.dispatch();
    until(|| async { !up.received().is_empty() }).await;
    dispatching.stop().await;
    assert_eq!(up.only_received().recipient_texts(), ["forged@x"]);

    let (reply, agent, up) = sent(&ends, NotifyWhen::Never).await;
    assert!(reply.is_positive());
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.waiting == 0 }).await;
    dispatching.stop().await;
    assert_eq!(agent.census().await.finished, 3);
    assert!(up.received().is_empty());
}

/// The result of `spf_check`.
#[derive(Debug, Serialize, Deserialize)]
struct Spf {
    result: String,
}

impl DurableSignal for Spf {
    const NAME: &'static str = "spf";
}

#[tokio::test(start_paused = true)]
async fn only_a_sender_for_whom_spf_passes_is_told() {
    for (result, is_told) in [(Some("pass"), true), (Some("fail"), false), (None, false)] {
        let up = Script::new();
        let ends = [Reply::message_accepted(), Reply::bad_content()];
        let scripts = ends.map(|end| Script::new().message(end));
        let agent = Agent::over(turns(scripts.into_iter().chain([up.clone()]))).await;
        let pool = agent.storage.pool().clone();
        let front = Exploder::new(agent.writer.clone(), ReplyPolicy::Ingress, pool);
        let front = front.with_notify(NotifyWhen::SpfPass);
        let front = service_fn(move |tx: Transaction| {
            if let Some(result) = result {
                let result = result.to_owned();
                tx.signals.set_durable(&Spf { result }).unwrap();
            }
            front.clone().oneshot(tx)
        });
        let to = [rcpt("b@y"), rcpt("c@y")];
        let outcome = send(front, mail("a@x"), to, MESSAGE).await;
        assert!(outcome.message.unwrap().is_positive());
        let dispatching = agent.dispatch();
        until(|| async { agent.census().await.waiting == 0 }).await;
        dispatching.stop().await;
        assert_eq!(!up.received().is_empty(), is_told, "{result:?}");
    }
}
