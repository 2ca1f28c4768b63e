//! Addresses to which a sender sends nothing because they were found to be bad.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use koukan_core::{
    middleware::DeliverOutcome,
    path::Mailbox,
    reply::{FromUpstream, Reply},
    service::MailService,
    stage::exploder::ReplyPolicy,
    storage::{Backend, MemoryBackend, SuppressionLists},
    test_util::{mail, rcpt, send},
    transaction::Transaction,
};
use tokio::time::{advance, sleep};
use tower::{BoxError, service_fn};

use crate::{
    agent::Agent,
    failing::Failing,
    queued::{MESSAGE, queued},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An upstream that does not know `gone`, refuses `spam` for its content, and counts the calls.
pub(crate) fn upstream() -> (impl MailService, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let service = service_fn(move |mut tx: Transaction| {
        count.fetch_add(1, Ordering::Relaxed);
        async move {
            tx.mail.answer(Reply::sender_ok());
            let mut accepted = 0;
            while let Some(rcpt) = tx.recipients.next().await? {
                let reply = match rcpt.forward_path().mailbox().map(Mailbox::local_part) {
                    Some("gone") => Reply::no_such_user(),
                    Some("spam") => Reply::policy_refused(),
                    Some("busy") => Reply::mailbox_busy(),
                    _ => {
                        accepted += 1;
                        Reply::recipient_ok()
                    }
                };
                rcpt.answer(reply.with_extension(FromUpstream));
            }
            if accepted == 0 {
                return Ok(Reply::no_valid_recipients());
            }
            while tx.body.next().await?.is_some() {}
            Ok::<_, BoxError>(Reply::message_accepted())
        }
    });
    (service, calls)
}

async fn on(backend: impl Backend) -> (Agent, Arc<AtomicUsize>) {
    let (upstream, calls) = upstream();
    let agent = Agent::on(backend, upstream).await;
    let senders = ["test", "app"].map(|sender| (sender.into(), DAY));
    agent.storage.suppress(senders);
    (agent, calls)
}

async fn send_to(agent: &Agent, to: &[&str]) -> DeliverOutcome {
    let to = to.iter().map(|to| rcpt(to));
    send(agent.writer.clone(), mail("a@x"), to, MESSAGE).await
}

/// The suppressed addresses of a sender.
fn suppressed(agent: &Agent, sender: &str) -> Vec<String> {
    let all = agent.storage.suppressions(sender, None, 100).into_iter();
    all.map(|one| one.address.into()).collect()
}

fn is_suppressed(reply: &Reply) -> bool {
    let reply = reply.to_string();
    reply.starts_with("550 5.1.1 nothing is sent to this address since 20")
        && reply.ends_with("550 5.1.1 no such user here")
}

#[tokio::test(start_paused = true)]
async fn a_bad_address_is_refused_without_an_attempt_until_that_has_expired() {
    let backend = MemoryBackend::new();
    let (agent, calls) = on(backend.clone()).await;
    let to = [
        "gone@x.example",
        "bob@x.example",
        "spam@x.example",
        "busy@x.example",
    ];
    let first = send_to(&agent, &to).await;
    assert_eq!(first.recipients[0], Reply::no_such_user());
    assert_eq!(suppressed(&agent, "test"), ["gone@x.example"]);
    let again = send_to(&agent, &["\"gone\"@X.example", "Gone@x.example"]).await;
    assert!(is_suppressed(&again.recipients[0]), "{again:?}");
    // Only its host may treat different local parts as the same.
    assert_eq!(again.recipients[1], Reply::recipient_ok());
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    let alone = send_to(&agent, &["gone@x.example"]).await;
    assert!(is_suppressed(&alone.recipients[0]), "{alone:?}");
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    // A refusal because of a suppression is not a new finding.
    advance(DAY - Duration::from_secs(60)).await;
    let again = send_to(&agent, &["gone@x.example"]).await;
    assert!(is_suppressed(&again.recipients[0]), "{again:?}");
    advance(Duration::from_secs(120)).await;
    let later = send_to(&agent, &["gone@x.example"]).await;
    assert_eq!(later.recipients[0], Reply::no_such_user());
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    // It is in the backend for the next process.
    agent.storage.flush().await;
    let (agent, calls) = on(backend).await;
    let after = send_to(&agent, &["gone@x.example"]).await;
    assert!(is_suppressed(&after.recipients[0]), "{after:?}");
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

/// It is written in the commit with the result of the recipient.
#[tokio::test(start_paused = true)]
async fn what_is_queued_is_suppressed_with_its_settlement_and_the_sender_is_told() {
    let backend = MemoryBackend::new();
    let (agent, calls) = on(backend.clone()).await;
    let queue = async |to: &str| {
        let message = queued(to, agent.clock.now());
        agent.storage.backend().insert(message).await.unwrap();
    };
    queue("gone@x.example").await;
    let dispatching = agent.dispatch();
    sleep(Duration::from_secs(100)).await;
    let stored = backend.suppressions().await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(
        (&*stored[0].sender, &*stored[0].address),
        ("app", "gone@x.example")
    );
    assert_eq!(suppressed(&agent, "test"), <[&str; 0]>::default());
    dispatching.stop().await;
    let before = calls.load(Ordering::Relaxed);
    queue("gone@x.example").await;
    let dispatching = agent.dispatch();
    sleep(Duration::from_secs(100)).await;
    assert_eq!(agent.census().await.waiting, 0);
    // Only the notification of the failure is sent.
    assert!(calls.load(Ordering::Relaxed) <= before + 1);
    dispatching.stop().await;
}

#[tokio::test(start_paused = true)]
async fn it_is_off_unless_it_is_asked_for_and_operators_change_it() {
    let (upstream, calls) = upstream();
    let agent = Agent::over(upstream).await;
    for _ in 0..2 {
        let refused = send_to(&agent, &["gone@x.example"]).await;
        assert_eq!(refused.recipients[0], Reply::no_such_user());
    }
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    let (agent, calls) = on(MemoryBackend::new()).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let first = send(
        front.clone(),
        mail("a@x"),
        [rcpt("gone@x.example")],
        MESSAGE,
    )
    .await;
    assert!(first.recipients[0].is_permanent(), "{first:?}");
    assert_eq!(suppressed(&agent, "test"), ["gone@x.example"]);
    let again = send(front, mail("a@x"), [rcpt("gone@x.example")], MESSAGE).await;
    assert!(
        again.recipients.iter().all(|reply| reply.is_permanent()),
        "{again:?}"
    );
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let mailbox: Mailbox = "gone@X.example".parse().unwrap();
    let removed = agent.storage.remove_suppression("test", &mailbox).await;
    assert_eq!(&*removed.unwrap().unwrap().address, "gone@x.example");
    assert!(
        agent
            .storage
            .backend()
            .suppressions()
            .await
            .unwrap()
            .is_empty()
    );
    let refused = send_to(&agent, &["gone@x.example"]).await;
    assert_eq!(refused.recipients[0], Reply::no_such_user());
}

/// Findings caused by a client must not pile up if the backend is too slow.
#[tokio::test(start_paused = true)]
async fn findings_hold_although_few_wait_for_a_backend_that_is_slow() {
    const FOUND: usize = 100;
    let backend = Failing::default();
    backend.slow_suppressions.store(u32::MAX, Ordering::Relaxed);
    let (agent, _) = on(backend.clone()).await;
    for number in 0..FOUND {
        let refused = send_to(&agent, &[&format!("gone@x{number}.example")]).await;
        assert!(refused.recipients[0].is_permanent(), "{refused:?}");
        sleep(Duration::from_millis(1)).await;
        if number == 0 {
            // It is requested once.
            assert_eq!(backend.suppressions.load(Ordering::Relaxed), 1);
        }
    }
    assert_eq!(suppressed(&agent, "test").len(), FOUND);
    assert!(backend.suppressions.load(Ordering::Relaxed) <= 64);
}
