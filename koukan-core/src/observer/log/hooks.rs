//! Lines about webhooks.

use tracing::{debug, error, info, warn};

use crate::event::{HookCalled, HookGivenUp, HookLeft, HookLeftOut, HookLost, HookResumed};

/// Where they come from.
const WEBHOOK: &str = "koukan::webhook";

/// A failure that lasts is logged once.
pub(super) fn write_called(called: &HookCalled<'_>) {
    let HookCalled {
        hook,
        events,
        error,
        failures,
        ..
    } = *called;
    match (error, failures) {
        (Some(error), ..=1) => {
            warn!(target: WEBHOOK, hook, events, error, "a webhook takes no events");
        }
        (Some(error), _) => {
            debug!(target: WEBHOOK, hook, events, error, failures, "a webhook still takes no events");
        }
        (None, 0) => debug!(target: WEBHOOK, hook, events, "a webhook was told of events"),
        (None, _) => {
            info!(target: WEBHOOK, hook, events, failures, "a webhook takes events again");
        }
    }
}

pub(super) fn write_lost(lost: &HookLost<'_>) {
    warn!(
        target: WEBHOOK,
        hook = lost.hook,
        "events are no longer kept that a webhook has not taken: it goes on with the oldest",
    );
}

pub(super) fn write_left_out(left_out: &HookLeftOut<'_>) {
    warn!(
        target: WEBHOOK,
        hook = left_out.hook,
        event = left_out.event,
        error = left_out.error,
        "a webhook refuses an event for good, and takes later ones: it is not sent that one any more",
    );
}

pub(super) fn write_given_up(given_up: &HookGivenUp<'_>) {
    error!(
        target: WEBHOOK,
        hook = given_up.hook,
        since = %given_up.since,
        "a webhook has taken no events for too long and is not called any longer: `koukan webhooks retry` has \
         it called again",
    );
}

pub(super) fn write_resumed(resumed: &HookResumed<'_>) {
    info!(target: WEBHOOK, hook = resumed.hook, "a webhook that was given up is called again");
}

pub(super) fn write_left(left: &HookLeft<'_>) {
    info!(target: WEBHOOK, hook = left.hook, "a webhook is left to another replica");
}
