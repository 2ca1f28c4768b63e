//! Beginning a transaction at a service.

use std::any::Any;

use crate::transaction::{Driver, MailService, Pending, Start, Upstream};

use super::BoxMailService;

/// Begins a transaction at `service`, without a call if possible. Returns the pending reply to MAIL,
/// too.
pub(crate) fn begin<S: MailService>(service: S, start: Start) -> (Upstream, Pending) {
    let erased = (&service as &dyn Any).downcast_ref::<BoxMailService>();
    let start = match erased.and_then(BoxMailService::direct) {
        None => start,
        Some(direct) => match direct.start(start) {
            Ok((taker, mail)) => return (Upstream::Direct(taker), mail),
            Err(start) => *start,
        },
    };
    let (driver, mail) = Driver::start_copy(service, start);
    (Upstream::Call(driver), mail)
}
