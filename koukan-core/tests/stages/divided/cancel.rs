//! The transaction is cancelled.

use koukan_core::{reply::Reply, stage::exploder::ReplyPolicy, storage::record::FinalReason};
use tokio::time::sleep;

use crate::agent::Agent;

use super::{AT_ONCE, Destination, Divided, end};

#[tokio::test(start_paused = true)]
async fn what_nobody_has_is_cancelled_at_once() {
    let destination = Destination::default();
    let agent = Agent::over(destination.service()).await;
    let to = ["hung@y", "mute@y"];
    let Divided { agent, id, .. } = Divided::begin(agent, ReplyPolicy::Submission, &to).await;
    assert_eq!(destination.calls(), 2);
    let watch = agent.storage.watch(id).await.unwrap().unwrap();
    agent.storage.cancel(&watch).await.unwrap();
    sleep(AT_ONCE).await;
    assert_eq!(end(&agent, id).await, Some(FinalReason::Cancelled));
    assert_eq!(destination.calls(), 0);
    assert_eq!(agent.census().await.waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_ends_what_was_not_sent_and_nothing_of_it_is_kept() {
    for one in ["sent@y", "taken@y"] {
        let destination = Destination::default();
        let agent = Agent::over(destination.service()).await;
        let to = [one, "hung@y"];
        let divided = Divided::begin(agent, ReplyPolicy::Submission, &to).await;
        let (agent, id) = (divided.agent, divided.id);
        let watch = agent.storage.watch(id).await.unwrap().unwrap();
        agent.storage.cancel(&watch).await.unwrap();
        sleep(AT_ONCE).await;
        assert_eq!(destination.calls(), usize::from(one == "sent@y"));
        destination.answers.notify_one();
        sleep(AT_ONCE).await;
        assert_eq!(end(&agent, id).await, Some(FinalReason::Cancelled), "{one}");
        let found = agent.storage.backend().find(id).await.unwrap().unwrap();
        let settled = found.recipients[0].settled.as_ref();
        assert!(settled.is_some_and(Reply::is_positive), "{one}");
        assert!(found.recipients[1].settled.is_none());
        assert_eq!(agent.census().await.waiting, 0);
    }
}
