//! Legs that are taken into custody, and copies.

use std::{sync::atomic::Ordering, time::Duration};

use koukan_core::{
    filter::add_route::AddRouteLayer, service::BoxMailService, stage::exploder::ReplyPolicy,
    storage::record::FinalReason, test_util::Script,
};
use rstest::rstest;
use tokio::time::{sleep, timeout};
use tower::Layer;

use crate::{
    agent::{Agent, until},
    failing::{Failing, SLOW},
};

use super::{AT_ONCE, Destination, Divided, due, end};

#[tokio::test(start_paused = true)]
async fn what_is_being_taken_into_custody_is_not_given_back_as_well() {
    let (backend, destination) = (Failing::default(), Destination::default());
    let agent = Agent::on(backend.clone(), destination.service()).await;
    backend.slow_settlements.store(1, Ordering::Relaxed);
    let divided = Divided::begin(agent, ReplyPolicy::Submission, &["busy@y"]).await;
    let (agent, id, stopped) = divided.stop();
    sleep(SLOW / 2).await;
    let census = agent.storage.backend().census().await.unwrap();
    assert_eq!(census.leased, 1);
    timeout(SLOW, stopped).await.unwrap().unwrap();
    assert_eq!(end(&agent, id).await, Some(FinalReason::Delivered));
    assert_eq!(agent.census().await.waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_into_custody_goes_on_by_itself() {
    let destination = Destination::default();
    let agent = Agent::over(destination.service()).await;
    let to = ["slow@y"];
    let divided = Divided::begin(agent, ReplyPolicy::Submission, &to).await;
    // The message is out of the attempt's hands before the host takes it.
    sleep(Duration::from_secs(11)).await;
    let agent = &divided.agent;
    assert_eq!(end(agent, divided.id).await, Some(FinalReason::Delivered));
    assert_eq!(agent.census().await.leased, 1);
    until(|| async { agent.census().await.finished == 2 }).await;
    let seen = (destination.begun.all(), destination.gone.all());
    assert_eq!(seen, (vec!["slow@y".into()], vec!["slow@y".into()]));
}

/// The next attempt would make another one.
#[rstest]
#[case(ReplyPolicy::Submission, true)]
#[case(ReplyPolicy::Ingress, false)]
#[tokio::test(start_paused = true)]
async fn a_copy_that_is_out_is_not_sent_again_where_legs_can_be_kept(
    #[case] policy: ReplyPolicy,
    #[case] is_kept: bool,
) {
    let (destination, archive) = (Destination::default(), Script::new());
    let agent = Agent::over(destination.service()).await;
    let exploder = agent.exploder(policy);
    let chain = AddRouteLayer::delivered(archive.clone()).layer(exploder);
    let to = ["hung@y"];
    let divided = Divided::through(agent, BoxMailService::new(chain), &to).await;
    assert_eq!(archive.received().len(), 1);
    let (agent, id, stopped) = divided.stop();
    timeout(AT_ONCE, stopped).await.unwrap().unwrap();
    let due = due(&agent).await;
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].0 != id, is_kept, "{due:?}");
    assert!(destination.gone.all().is_empty());
}
