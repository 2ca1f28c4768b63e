//! Checks of how the agent stops.

use std::time::Duration;

use super::Check;

/// Of the 60 s that the unit and the manifests of this repository grant, what is left beside the 41 s that an agent needs at
/// the worst.
const LONG: Duration = Duration::from_secs(15);

impl Check<'_> {
    /// Whoever stops the agent waits for it.
    pub(super) fn shutdown(&mut self) {
        let Some(grace) = &self.config.shutdown.grace else {
            return;
        };
        if grace.value.0 > LONG {
            let message = format!(
                "once it is told to stop, the agent goes on for {}, and may need 41 s after that",
                grace.value
            );
            let help = "write `5s`, or have whoever stops it wait for longer than both: `TimeoutStopSec`, \
                        `terminationGracePeriodSeconds`";
            self.odd(grace, message, help);
        }
    }
}
