//! Orders for attempts at hosts that fall silent: they take effect at once for as long as the host cannot have the
//! message, and its reply is waited for where it may.

mod agent;
mod host;

use std::{sync::Arc, time::Duration};

use koukan_core::{
    stage::exploder::ReplyPolicy,
    storage::{Drain, MemoryBackend, record::FinalReason},
    test_util::{Faults, FaultyBackend, SeededRandom, TokioClock, Trouble, TroubleKind, at_rest},
};
use rstest::rstest;
use tokio::time::{Instant, sleep, timeout};

use self::{
    agent::Agent,
    host::{Host, Silent},
};

const AT_ONCE: Duration = Duration::from_millis(100);
const TERM: Duration = Duration::from_secs(6);

/// Larger than what is on its way, if it is the message that the host does not take.
fn message(silent: Silent) -> String {
    let size = if silent == Silent::Body { 5000 } else { 1 };
    format!("Subject: hi\r\n\r\n{}", "hello there\r\n".repeat(size))
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_order_takes_effect_at_once_where_the_host_cannot_have_the_message(
    #[values(
        Silent::Connection,
        Silent::Greeting,
        Silent::Hello,
        Silent::Mail,
        Silent::Rcpt,
        Silent::Data,
        Silent::Body
    )]
    silent: Silent,
    #[values(false, true)] is_shared: bool,
) {
    let message = message(silent);
    let (backend, host) = (Arc::new(MemoryBackend::new()), Host::new(silent));
    let agent = Agent::over(&backend, &host, is_shared).await;
    agent.take(&message).await;
    let [one, other] = agent.ids().await[..] else {
        panic!("two are kept");
    };
    // A cancel, of one of two at which an attempt is made together.
    agent.cancel(one).await;
    sleep(AT_ONCE).await;
    assert_eq!(agent.end(one).await, Some(FinalReason::Cancelled));
    assert_eq!(agent.end(other).await, None);
    // A stop.
    agent.storage.drain(Drain::Committed);
    timeout(AT_ONCE, agent.storage.given_back()).await.unwrap();
    assert_eq!(agent.storage.backend().census().await.unwrap().waiting, 1);
    // The same of what is attempted from the queue.
    let agent = Agent::over(&backend, &host, is_shared).await;
    let dispatching = agent.dispatch();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(agent.storage.backend().census().await.unwrap().leased, 1);
    agent.cancel(other).await;
    sleep(AT_ONCE).await;
    assert_eq!(agent.end(other).await, Some(FinalReason::Cancelled));
    assert!(host.whole().is_empty());
    dispatching.abort();
}

/// With a message that the host may have, it says what becomes of it.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_cancel_waits_for_the_reply_to_a_message_that_is_out(
    #[values(false, true)] is_shared: bool,
) {
    let (backend, host) = (Arc::new(MemoryBackend::new()), Host::new(Silent::End));
    let agent = Agent::over(&backend, &host, is_shared).await;
    agent.take("Subject: hi\r\n\r\nhello\r\n").await;
    let ids = agent.ids().await;
    for id in &ids {
        agent.cancel(*id).await;
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!(agent.storage.backend().census().await.unwrap().leased, 2);
    for _ in &host.whole() {
        host.goes_on.notify_one();
        at_rest().await;
    }
    agent.storage.flush().await;
    for id in ids {
        assert_eq!(agent.end(id).await, Some(FinalReason::Delivered));
    }
    let whole = if is_shared { vec![2] } else { vec![1, 1] };
    assert_eq!(host.whole(), whole);
}

/// Whoever is left has the message once.
#[tokio::test(start_paused = true)]
async fn others_get_the_message_that_one_of_them_is_not_to_have() {
    for silent in [Silent::Mail, Silent::Data, Silent::Body] {
        let message = message(silent);
        let (backend, mut host) = (Arc::new(MemoryBackend::new()), Host::new(silent));
        let agent = Agent::over(&backend, &host, true).await;
        agent.take(&message).await;
        let ids = agent.ids().await;
        agent.cancel(ids[0]).await;
        sleep(AT_ONCE).await;
        agent.storage.drain(Drain::Committed);
        agent.storage.given_back().await;
        host.silent = Silent::End;
        let agent = Agent::over(&backend, &host, true).await;
        let dispatching = agent.dispatch();
        sleep(Duration::from_secs(1)).await;
        host.goes_on.notify_one();
        at_rest().await;
        agent.storage.flush().await;
        assert_eq!(host.whole(), [1], "{silent:?}");
        assert_eq!(agent.end(ids[1]).await, Some(FinalReason::Delivered));
        dispatching.abort();
    }
}

/// An agent that its database does not hear gives attempts up before others have them, and earlier those whose message
/// the host cannot have.
#[rstest]
#[tokio::test(start_paused = true)]
async fn an_attempt_whose_lease_is_in_doubt_ends_early_where_the_host_cannot_have_the_message(
    #[values(
        Silent::Connection,
        Silent::Greeting,
        Silent::Hello,
        Silent::Mail,
        Silent::Rcpt,
        Silent::Data,
        Silent::Body
    )]
    silent: Silent,
    #[values(false, true)] is_shared: bool,
) {
    let (host, clock) = (Host::new(silent), Arc::new(TokioClock::default()));
    let (start, since) = (Instant::now(), Duration::from_secs(20));
    let store = MemoryBackend::new().with_session_term(TERM, clock);
    let cut_off = Trouble {
        during: since..since * 3,
        kind: TroubleKind::CutOff,
        per_mille: 1000,
    };
    let faults = Faults {
        trouble: vec![cut_off],
        ..Faults::default()
    };
    let inner = Arc::new(store.another_process());
    let backend = FaultyBackend::new(inner, faults, SeededRandom::new(1), Duration::ZERO);
    let agent = Agent::on(Arc::new(backend), &host, is_shared).await;
    agent.take(&message(silent)).await;
    assert!(agent.calls() > 0);
    while agent.calls() > 0 {
        sleep(AT_ONCE).await;
        assert!(start.elapsed() < since * 3, "it goes on");
    }
    // Five eighths of a term after the last refresh that was answered, and not seven.
    let time = start.elapsed() - since;
    assert!(time < TERM * 6 / 8, "{time:?}");
    assert!(host.whole().is_empty());
}

/// The client gets its answer at once when the agent stops, and takes everything along when it hangs up.
#[rstest]
#[tokio::test(start_paused = true)]
async fn a_client_that_waits_is_answered_at_a_stop_and_ends_the_attempt_by_hanging_up(
    #[values(
        Silent::Connection,
        Silent::Greeting,
        Silent::Hello,
        Silent::Mail,
        Silent::Rcpt,
        Silent::Data,
        Silent::Body
    )]
    silent: Silent,
    #[values(false, true)] is_shared: bool,
) {
    let (backend, host) = (Arc::new(MemoryBackend::new()), Host::new(silent));
    let agent = Agent::over(&backend, &host, is_shared).await;
    let client = tokio::spawn(agent.offer(ReplyPolicy::Submission, &message(silent)));
    sleep(Duration::from_secs(1)).await;
    assert!(agent.calls() > 0);
    client.abort();
    at_rest().await;
    assert_eq!((agent.calls(), agent.ids().await.len()), (0, 0));
    for policy in [ReplyPolicy::Ingress, ReplyPolicy::Submission] {
        let agent = Agent::over(&backend, &host, is_shared).await;
        let client = tokio::spawn(agent.offer(policy, &message(silent)));
        sleep(Duration::from_secs(1)).await;
        agent.storage.drain(Drain::Live);
        let outcome = timeout(AT_ONCE, client).await.unwrap().unwrap();
        at_rest().await;
        let kept = agent.ids().await.len();
        match policy {
            ReplyPolicy::Ingress => assert_eq!((outcome.is_delivered(), kept), (false, 0)),
            _ => assert_eq!((outcome.is_delivered(), kept), (true, 2)),
        }
        assert_eq!(agent.calls(), 0);
        timeout(AT_ONCE, agent.storage.given_back()).await.unwrap();
    }
    assert!(host.whole().is_empty());
}
