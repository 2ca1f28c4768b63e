//! The agent stops, or its leases are in doubt.

use std::time::Duration;

use koukan_core::{
    service::BoxMailService,
    stage::{
        exploder::{Exploder, ReplyPolicy},
        sharing::Sharing,
    },
    storage::record::FinalReason,
    test_util::{Script, at_rest},
};
use rstest::rstest;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::{
    agent::Agent,
    replicas::{TERM, cut_off, replica, store},
};

use super::{AT_ONCE, Above, Destination, Divided, due, end};

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_nobody_has_is_given_back_at_once(
    #[values(ReplyPolicy::Submission, ReplyPolicy::Ingress)] policy: ReplyPolicy,
    #[values(false, true)] is_shared: bool,
    #[values(Above::Nothing, Above::HandOver, Above::Alias)] above: Above,
) {
    let destination = Destination::default();
    let upstream = match is_shared {
        true => Sharing::new(destination.service()).boxed(),
        false => destination.service(),
    };
    let agent = Agent::over(upstream).await;
    let members = ["hung@y", "mute@y"];
    let to = match above {
        Above::Alias => vec!["all@y"],
        _ => members.to_vec(),
    };
    let chain = above.chain(&agent, policy, &members);
    let divided = Divided::through(agent, chain, &to).await;
    assert!(destination.calls() > 0);
    let (agent, id, stopped) = divided.stop();
    timeout(AT_ONCE, stopped).await.unwrap().unwrap();
    at_rest().await;
    assert_eq!(destination.calls(), 0);
    let census = agent.census().await;
    assert_eq!((census.waiting, census.finished), (1, 0));
    let to: Vec<_> = to.into_iter().map(String::from).collect();
    assert_eq!(due(&agent).await, [(id, to, 0)]);
    assert!(destination.gone.all().is_empty());
}

/// Before others can have the lease.
#[tokio::test(start_paused = true)]
async fn what_nobody_has_is_given_up_when_the_lease_is_in_doubt() {
    for (to, left) in [(["hung@y", "hung2@y"], 0), (["sent@y", "hung@y"], 1)] {
        let (store, destination) = (store(), Destination::default());
        let start = Instant::now();
        let backend = cut_off(&store, 2..32);
        let agent = Agent::on_shared(backend, destination.service()).await;
        let divided = Divided::begin(agent, ReplyPolicy::Submission, &to).await;
        let cut_off = start + Duration::from_secs(2);
        sleep_until(cut_off).await;
        assert_eq!(destination.calls(), 2);
        // Five eighths of a term after the last refresh that was answered, and seven.
        sleep_until(cut_off + TERM * 6 / 8).await;
        assert_eq!(destination.calls(), left, "{to:?}");
        sleep_until(cut_off + TERM).await;
        assert_eq!(destination.calls(), 0, "{to:?}");
        let taker = Script::new();
        let other = replica(&store, taker.clone()).await;
        let _dispatching = other.dispatch();
        sleep(Duration::from_secs(60)).await;
        assert_eq!(taker.only_received().recipient_texts(), to);
        assert_eq!(destination.gone.all().len(), left);
        divided.dispatching.abort().await;
    }
}

/// What becomes of a leg's message is waited for. The others are handed over without it.
#[rstest]
#[tokio::test(start_paused = true)]
async fn what_one_leg_has_sent_is_not_sent_again(
    #[values(ReplyPolicy::Submission, ReplyPolicy::Ingress)] policy: ReplyPolicy,
    #[values("sent@y", "taken@y")] one: &str,
    #[values(Above::Nothing, Above::HandOver, Above::Alias)] above: Above,
) {
    let destination = Destination::default();
    let agent = Agent::over(destination.service()).await;
    let members = [one, "hung@y"];
    let chain = above.chain(&agent, policy, &members);
    let to = match above {
        Above::Alias => &["all@y"][..],
        _ => &members,
    };
    let (agent, id, stopped) = Divided::through(agent, chain, to).await.stop();
    sleep(AT_ONCE).await;
    assert_eq!(destination.calls(), usize::from(one == "sent@y"));
    if one == "sent@y" {
        sleep(Duration::from_secs(4)).await;
        assert_eq!(agent.census().await.leased, 1, "it has not been answered");
        destination.answers.notify_one();
    }
    timeout(AT_ONCE, stopped).await.unwrap().unwrap();
    assert_eq!(end(&agent, id).await, Some(FinalReason::Delivered));
    let due = due(&agent).await;
    let [(leg, to, attempts)] = &due[..] else {
        panic!("{due:?}");
    };
    assert_ne!(*leg, id);
    assert_eq!((&to[..], *attempts), (&["hung@y".to_owned()][..], 0));
    assert_eq!(destination.gone.all(), [one]);
}

/// Nothing can be taken into custody for a recipient that was not accepted.
#[tokio::test(start_paused = true)]
async fn who_was_not_accepted_is_left_when_others_have_the_message() {
    let destination = Destination::default();
    let agent = Agent::over(destination.service()).await;
    let to = ["taken@y", "mute@y"];
    let divided = Divided::begin(agent, ReplyPolicy::Ingress, &to).await;
    let (agent, id, stopped) = divided.stop();
    timeout(AT_ONCE, stopped).await.unwrap().unwrap();
    let left = vec!["mute@y".to_owned()];
    // As what was attempted for one of several recipients.
    assert_eq!(due(&agent).await, [(id, left, 1)]);
    assert_eq!(destination.gone.all(), ["taken@y"]);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_was_refused_has_not_left(
    #[values(ReplyPolicy::Submission, ReplyPolicy::Ingress)] policy: ReplyPolicy,
) {
    let destination = Destination::default();
    let agent = Agent::over(destination.service()).await;
    let to = ["refused@y", "hung@y"];
    let (agent, id, stopped) = Divided::begin(agent, policy, &to).await.stop();
    timeout(AT_ONCE, stopped).await.unwrap().unwrap();
    let left = to.map(String::from).to_vec();
    assert_eq!(due(&agent).await, [(id, left, 0)]);
}

/// Legs that are no transactions of their own, as an embedder may have them.
#[tokio::test(start_paused = true)]
async fn legs_that_nobody_can_keep_end_as_well() {
    for (to, gone, attempts) in [(["mute@y", "hung@y"], 0, 0), (["taken@y", "hung@y"], 1, 1)] {
        for is_cancelled in [false, true] {
            let destination = Destination::default();
            let agent = Agent::over(Script::new()).await;
            let pool = agent.storage.pool().clone();
            let legs = Exploder::new(destination.service(), ReplyPolicy::Submission, pool);
            let divided = Divided::through(agent, BoxMailService::new(legs), &to).await;
            if is_cancelled {
                let (agent, id) = (divided.agent, divided.id);
                let watch = agent.storage.watch(id).await.unwrap().unwrap();
                agent.storage.cancel(&watch).await.unwrap();
                sleep(AT_ONCE).await;
                assert_eq!(
                    end(&agent, id).await,
                    Some(FinalReason::Cancelled),
                    "{to:?}"
                );
            } else {
                let (agent, id, stopped) = divided.stop();
                timeout(AT_ONCE, stopped).await.unwrap().unwrap();
                let left: Vec<_> = to[gone..].iter().map(|&to| to.to_owned()).collect();
                assert_eq!(due(&agent).await, [(id, left, attempts)]);
            }
            assert_eq!(destination.calls(), 0);
            assert_eq!(destination.gone.all().len(), gone);
        }
    }
}
