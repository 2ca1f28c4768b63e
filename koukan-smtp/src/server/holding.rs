//! For how long messages are held.

use std::time::Duration;

use koukan_core::{
    clock::SharedClock,
    reply::Reply,
    transaction::{Mail, future_release::FutureRelease},
};

/// For how long a server holds messages before it releases them, and by which clock.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    max: Duration,
    clock: SharedClock,
}

impl Holding {
    pub(super) fn new(max: Duration, clock: SharedClock) -> Self {
        Self { max, clock }
    }

    /// What the reply to EHLO announces now.
    pub(super) fn offer(&self) -> FutureRelease {
        FutureRelease::of(self.clock.now(), self.max)
    }

    /// Checks HOLDFOR and HOLDUNTIL, which only authenticated clients (`is_known`) may use. Turns
    /// them into a point in time, so that they mean the same whenever they are read.
    ///
    /// *Source*: RFC 4865 sections 3 and 4.
    pub(super) fn check(&self, mail: &mut Mail, is_known: bool) -> Result<(), Reply> {
        if !mail.is_to_be_held() {
            return Ok(());
        }
        if !is_known {
            return Err(Reply::authenticate_first());
        }
        let now = self.clock.now();
        let checked = mail.check_hold(now, self.max);
        checked.map_err(|error| Reply::syntax_error().with_text(error.to_string()))?;
        mail.fix_hold(now);
        Ok(())
    }
}
