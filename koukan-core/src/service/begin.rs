//! Beginning a transaction of a service.

use std::any::Any;

use crate::transaction::{Driver, MailService, Pending, Start, Upstream};

use super::BoxMailService;

/// Begins a transaction of `service`: without a call where that can be. With the reply to come to MAIL.
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
