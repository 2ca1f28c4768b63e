//! Deliberate faults are found.

use koukan_core::{
    blob::Blob,
    middleware::{Deliver, DeliverRequest},
    reply::Reply,
    service::{BoxMailLayer, BoxMailService},
    test_util::Defect,
    transaction::Transaction,
};
use koukan_simulation::{Fault, Simulation};
use tower::{BoxError, ServiceExt, layer::layer_fn, service_fn};

use super::found;

fn with(defect: Defect) -> Simulation {
    Simulation::new().with_defect(defect)
}

#[test]
fn a_reply_before_the_commit() {
    found(&with(Defect::AcknowledgedBeforeCommit), "is lost");
}

#[test]
fn a_copy_that_is_not_stored_before_the_reply() {
    found(
        &with(Defect::AcknowledgedBeforeCommit),
        "the archive has no copy",
    );
}

#[test]
fn a_fence_that_is_forgotten() {
    found(&with(Defect::FenceForgotten), "gets message");
}

#[test]
fn a_reader_that_is_held() {
    found(&with(Defect::ReaderHeld), "readers are free");
}

#[test]
fn a_leg_that_is_forgotten() {
    found(&with(Defect::LegForgotten), "is lost");
}

#[test]
fn a_lease_for_other_work() {
    found(&with(Defect::LeaseForOtherWork), "is lost");
}

#[test]
fn a_lease_beside_another_that_is_given_to_others() {
    found(&with(Defect::CompanionsShared), "gets message");
}

#[test]
fn a_lease_that_is_given_back_twice() {
    found(&with(Defect::ReleasedTwice), "gets message");
}

#[test]
fn an_event_that_is_forgotten() {
    found(&with(Defect::EventForgotten), "stands at place");
}

#[test]
fn a_reader_of_events_that_misses_some() {
    found(
        &with(Defect::EventForgotten),
        "a reader of events gets number",
    );
}

#[test]
fn a_wake_that_is_lost() {
    found(
        &Simulation::new().with_fault(Fault::LostWake),
        "for its reply",
    );
}

#[test]
fn a_reply_that_is_given_twice() {
    found(
        &Simulation::new().with_fault(Fault::AnsweredTwice),
        "without having asked",
    );
}

#[test]
fn a_leg_that_is_delivered_twice() {
    let twice = BoxMailLayer::new(layer_fn(|inner: BoxMailService| {
        service_fn(move |tx| deliver_twice(inner.clone(), tx))
    }));
    found(&Simulation::new().with_filter(twice), "2 times");
}

async fn deliver_twice(inner: BoxMailService, mut tx: Transaction) -> Result<Reply, BoxError> {
    let (mail, slot) = tx.mail.into_parts();
    slot.answer(Reply::sender_ok());
    let mut rcpts = Vec::new();
    while let Some(rcpt) = tx.recipients.next().await? {
        let (rcpt, slot) = rcpt.into_parts();
        slot.answer(Reply::recipient_ok());
        rcpts.push(rcpt);
    }
    let octets = tx.body.collect(usize::MAX).await?;
    let blob = Blob::from_bytes(octets);
    let mut request = DeliverRequest::new(tx.context, mail, blob);
    request.recipients = rcpts;
    let Ok(_) = Deliver::new(inner.clone())
        .oneshot(request.clone().without_signals())
        .await;
    let Ok(second) = Deliver::new(inner).oneshot(request).await;
    Ok(second.message.unwrap_or(second.mail))
}
