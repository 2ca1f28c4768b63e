//! Mail to be released later is accepted by an exploder that promises to deliver, and is sent at
//! that time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{Timestamp, ToSpan};
use koukan_core::{
    event::{Event, Observer},
    path::Parameter,
    reply::Reply,
    stage::exploder::ReplyPolicy,
    storage::MemoryBackend,
    test_util::{Script, mail, rcpt, send},
    transaction::Mail,
};
use tokio::time::{Instant, sleep_until};

use crate::agent::{Agent, until};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

fn held(until: Timestamp) -> Mail {
    let mut mail = mail("a@x");
    for (keyword, value) in [("SIZE", "30"), ("HOLDUNTIL", &until.to_string())] {
        let parameter = Parameter::new(keyword, Some(value)).unwrap();
        mail.parameters.push(parameter).unwrap();
    }
    mail
}

#[tokio::test(start_paused = true)]
async fn it_is_kept_and_goes_at_that_time() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let began = Instant::now();
    let dispatching = agent.dispatch();
    let front = agent.exploder(ReplyPolicy::Submission);
    let mail = held(agent.clock.now() + 1000.seconds());
    let outcome = send(front, mail, [rcpt("b@y"), rcpt("c@y")], MESSAGE).await;
    assert_eq!(
        outcome.recipients,
        [Reply::recipient_ok(), Reply::recipient_ok()]
    );
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    // No destination was waited for.
    assert!(began.elapsed().is_zero());
    assert_eq!(agent.census().await.waiting, 2);
    sleep_until(began + Duration::from_secs(999)).await;
    assert!(upstream.received().is_empty());
    until(|| async { agent.census().await.finished == 2 }).await;
    assert!(agent.seconds() >= 1000);
    let received = upstream.received();
    let octets: usize = received.iter().map(|received| received.text().len()).sum();
    assert_eq!(octets, received.len() * MESSAGE.len());
    for received in &received {
        assert!(!received.mail.is_to_be_held());
        assert_eq!(received.mail.parameters.declared_size(), Some(30));
    }
    dispatching.stop().await;
}

/// Notes the age of what is delivered.
#[derive(Debug, Clone, Default)]
struct Ages(Arc<Mutex<Vec<Duration>>>);

impl Observer for Ages {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Delivered(delivered) = event {
            self.0.lock().unwrap().push(delivered.age);
        }
    }
}

/// The requested wait is not a delay.
#[tokio::test(start_paused = true)]
async fn its_age_counts_from_that_time() {
    let ages = Ages::default();
    let agent = Agent::observed(MemoryBackend::new(), Script::new(), ages.clone().into()).await;
    let dispatching = agent.dispatch();
    let front = agent.exploder(ReplyPolicy::Submission);
    let mail = held(agent.clock.now() + 1000.seconds());
    let outcome = send(front, mail, [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "it is in custody");
    until(|| async { agent.census().await.finished == 1 }).await;
    dispatching.stop().await;
    let ages = ages.0.lock().unwrap();
    assert!(
        matches!(**ages, [age] if age < Duration::from_secs(60)),
        "{ages:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_to_go_before_goes_at_once() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let mail = held(agent.clock.now() - 1.seconds());
    let outcome = send(front, mail, [rcpt("b@y")], MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    assert_eq!(upstream.only_received().text(), MESSAGE);
}

/// A client that may send it again later is told to do so: nothing is promised.
#[tokio::test(start_paused = true)]
async fn where_nothing_is_promised_it_is_refused_for_now() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let front = agent.exploder(ReplyPolicy::Ingress);
    let mail = held(agent.clock.now() + 1000.seconds());
    let outcome = send(front, mail, [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.recipients[0].is_transient(), "{outcome:?}");
    assert_eq!(agent.census().await.waiting, 0);
    assert!(upstream.received().is_empty());
}
