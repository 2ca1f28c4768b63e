//! The client's side of a test.

use std::{sync::Arc, time::Duration};

use koukan_core::{
    reply::Reply,
    signals::Signals,
    stage::rest_endpoint::{RestEndpoint, RestEndpointSettings},
    test_util::{at_rest, context, mail},
    transaction::{Driver, Pending},
};
use tokio::time::timeout;

use crate::fake::Fake;

pub(crate) const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

pub(crate) fn endpoint(fake: &Fake) -> RestEndpoint<Fake> {
    RestEndpoint::new(fake.clone(), RestEndpointSettings::default())
}

pub(crate) fn start(endpoint: RestEndpoint<Fake>) -> (Driver, Pending) {
    start_with(endpoint, Signals::default())
}

pub(crate) fn start_with(endpoint: RestEndpoint<Fake>, signals: Signals) -> (Driver, Pending) {
    Driver::start_with(endpoint, Arc::clone(&context()), mail("a@x"), signals)
}

/// Lets the call and everything else run until all wait.
pub(crate) async fn let_run(driver: &mut Driver) {
    tokio::select! {
        () = driver.progress() => {}
        () = at_rest() => {}
    }
}

pub(crate) async fn let_run_for(driver: &mut Driver, time: Duration) {
    let _ = timeout(time, driver.progress()).await;
}

/// Whether there is no reply yet.
pub(crate) async fn is_open(driver: &mut Driver, pending: &mut Pending) -> bool {
    tokio::select! {
        _ = driver.wait(pending) => false,
        () = at_rest() => true,
    }
}

/// A reply from upstream that no part of the agent would give.
pub(crate) fn own(reply: Reply) -> Reply {
    reply.with_text("upstream said so")
}
