//! Lines about webhooks.

use tracing::{debug, info, warn};

use crate::event::{HookCalled, HookLost};

/// Where they come from.
const WEBHOOK: &str = "koukan::webhook";

/// What goes on for long is told once.
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
