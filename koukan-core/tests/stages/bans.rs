//! What is suspended and suppressed at one of several agents over one store holds for all.

use std::{sync::atomic::Ordering, time::Duration};

use koukan_core::{
    middleware::DeliverOutcome,
    path::Mailbox,
    reply::Reply,
    resource::{
        Caller, QueueOperation, QueueRequest, QueueResponse, Refusal, RefusalKind, Role,
        SuppressionAsked, SuppressionOperation,
    },
    stage::operator::Operator,
    storage::{Queue, Records, Suspended},
    test_util::{Script, mail, rcpt, send},
};
use tokio::time::sleep;
use tower::ServiceExt;

use crate::{
    agent::Agent,
    queued::{MESSAGE, queued},
    replicas::{DELIVERED, cut_off, replica, seconds, status, store},
    suppressed::upstream,
};

const HOST: &str = "near.example";

/// Longer than a process waits before it asks what has changed.
async fn refresh() {
    seconds(1).await;
}

async fn send_to(agent: &Agent, to: &str) -> DeliverOutcome {
    send(agent.writer.clone(), mail("a@x"), [rcpt(to)], MESSAGE).await
}

async fn is_refused(agent: &Agent) -> bool {
    let sent = send_to(agent, "b@near.example").await;
    sent.recipients[0] == Reply::destination_suspended()
}

fn suppress(agent: &Agent) {
    agent
        .storage
        .suppress([("test".into(), Duration::from_secs(86400))]);
}

/// What an operator is answered who asks this agent about suppressed addresses.
async fn asked(agent: &Agent, what: SuppressionAsked) -> Result<QueueResponse, RefusalKind> {
    let operation = SuppressionOperation {
        sender: "test".into(),
        what,
    };
    let request = QueueRequest {
        caller: Caller::unrestricted().with_role(Role::Operate),
        operation: QueueOperation::Suppressions(operation),
    };
    let operator = Operator::new(agent.storage.clone());
    match operator.oneshot(request).await.unwrap() {
        QueueResponse::Refused(Refusal { kind, .. }) => Err(kind),
        answer => Ok(answer),
    }
}

async fn listed(agent: &Agent, after: Option<&str>) -> Vec<Box<str>> {
    let after = after.map(Into::into);
    let list = SuppressionAsked::List { limit: 1, after };
    let Ok(QueueResponse::Suppressions(listed)) = asked(agent, list).await else {
        panic!("no list");
    };
    let addresses = listed.suppressions.into_iter().map(|one| one.address);
    addresses.collect()
}

#[tokio::test(start_paused = true)]
async fn what_one_suspends_another_refuses_until_any_of_them_resumes_it() {
    let store = store();
    let one = replica(&store, Script::new()).await;
    let other = replica(&store, Script::new()).await;
    assert!(!is_refused(&other).await);
    let suspended = one.storage.suspend(HOST, "olga").await.unwrap();
    assert_eq!(suspended, Suspended::Now);
    refresh().await;
    assert!(is_refused(&one).await && is_refused(&other).await);
    let again = other.storage.suspend(HOST, "eve").await.unwrap();
    assert_eq!(again, Suspended::Before);
    assert_eq!(&*other.storage.suspension(HOST).unwrap().by, "olga");

    assert!(other.storage.resume_destination(HOST).await.unwrap());
    refresh().await;
    assert!(!is_refused(&one).await && !is_refused(&other).await);
    assert!(!one.storage.resume_destination(HOST).await.unwrap());
}

/// An operator's change is made to what is there now, whichever agent is asked.
#[tokio::test(start_paused = true)]
async fn changes_at_two_agents_follow_each_other_at_once() {
    let store = store();
    let [one, other] = [
        replica(&store, Script::new()).await,
        replica(&store, Script::new()).await,
    ];
    for (first, second) in [(&one, &other), (&other, &one)] {
        let suspended = first.storage.suspend(HOST, "olga").await.unwrap();
        assert_eq!(suspended, Suspended::Now);
        let again = second.storage.suspend(HOST, "eve").await.unwrap();
        assert_eq!(again, Suspended::Before);
        assert!(second.storage.resume_destination(HOST).await.unwrap());
        assert!(!first.storage.resume_destination(HOST).await.unwrap());
    }
}

/// An agent that leases what it knows as suspended makes the attempt, since that has been resumed.
#[tokio::test(start_paused = true)]
async fn what_was_resumed_elsewhere_goes_out_with_its_first_lease() {
    let (store, upstream) = (store(), Script::new());
    let one = replica(&store, Script::new()).await;
    one.storage.suspend(HOST, "olga").await.unwrap();
    let other = replica(&store, upstream.clone()).await;
    let message = queued("b@near.example", other.clock.now());
    let id = message.id;
    store.insert(message).await.unwrap();
    assert!(one.storage.resume_destination(HOST).await.unwrap());
    assert!(other.storage.is_suspended(HOST), "it was told meanwhile");
    let _dispatching = other.dispatch();
    // Much less than a refresh.
    sleep(Duration::from_millis(10)).await;
    assert_eq!(status(&store, id).await, DELIVERED);
    let stored = store.find(id).await.unwrap().unwrap();
    assert_eq!(stored.attempt_count, 1);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_was_bad_at_one_is_suppressed_at_all_until_any_of_them_ends_that() {
    let store = store();
    let (upstream, calls) = upstream();
    let one = replica(&store, upstream.clone()).await;
    let other = replica(&store, upstream).await;
    suppress(&one);
    suppress(&other);
    let bad = send_to(&one, "gone@near.example").await;
    assert_eq!(bad.recipients[0], Reply::no_such_user());
    one.storage.flush().await;
    refresh().await;
    let again = send_to(&other, "gone@near.example").await;
    let reply = again.recipients[0].to_string();
    assert!(reply.contains("nothing is sent to this address"), "{reply}");
    assert_eq!(calls.load(Ordering::Relaxed), 1);

    let mailbox: Mailbox = "gone@near.example".parse().unwrap();
    let remove = || SuppressionAsked::Remove(mailbox.clone());
    assert!(asked(&other, remove()).await.is_ok());
    let again = asked(&one, remove()).await;
    assert!(matches!(again, Err(RefusalKind::NotFound)), "{again:?}");
    refresh().await;
    let later = send_to(&one, "gone@near.example").await;
    assert_eq!(later.recipients[0], Reply::no_such_user());
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

/// A page of a list begins where the page before ended, whichever agent gives it.
#[tokio::test(start_paused = true)]
async fn all_agents_give_the_same_list() {
    let store = store();
    let agents = [
        replica(&store, Script::new()).await,
        replica(&store, Script::new()).await,
    ];
    agents.iter().for_each(suppress);
    for (agent, address) in agents.iter().cycle().zip(["a@x", "b@x", "c@x"]) {
        let keep = SuppressionAsked::Keep {
            mailbox: address.parse().unwrap(),
            reason: None,
        };
        assert!(asked(agent, keep).await.is_ok());
    }
    let mut place = None;
    for (agent, expected) in agents.iter().cycle().zip(["a@x", "b@x", "c@x"]) {
        let page = listed(agent, place).await;
        assert_eq!(page, [expected.into()]);
        place = Some(expected);
    }
    for agent in &agents {
        let show = SuppressionAsked::Show("c@x".parse().unwrap());
        assert!(asked(agent, show).await.is_ok());
    }
}

/// It goes by what it knew last, and learns the rest when it reaches the store again.
#[tokio::test(start_paused = true)]
async fn an_agent_that_was_cut_off_learns_what_it_has_missed() {
    let store = store();
    let other = replica(&store, Script::new()).await;
    other.storage.suspend(HOST, "olga").await.unwrap();
    let one = Agent::on_shared(cut_off(&store, 10..40), Script::new()).await;
    seconds(15).await;
    other.storage.suspend("far.example", "olga").await.unwrap();
    assert!(other.storage.resume_destination(HOST).await.unwrap());
    seconds(15).await;
    assert!(one.storage.is_suspended(HOST) && !one.storage.is_suspended("far.example"));
    seconds(20).await;
    assert!(!one.storage.is_suspended(HOST) && one.storage.is_suspended("far.example"));
}
