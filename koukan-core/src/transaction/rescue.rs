//! Which reply the client gets for a failure; the table is in [`Rescue`](crate::service::Rescue).

use std::error::Error;

use tower::BoxError;

use crate::{
    causes::Causes,
    failure::Aborted,
    reply::{Rejection, Reply},
};

/// The reply for a failure, which is logged unless it is a verdict.
pub(crate) fn rescue(error: &BoxError) -> Reply {
    let error: &(dyn Error + 'static) = &**error;
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(reply) = reply_for(error) {
            return reply;
        }
        cause = error.source();
    }
    tracing::error!(error = %Causes(error), "a stage failed");
    Reply::local_error()
}

fn reply_for(error: &(dyn Error + 'static)) -> Option<Reply> {
    if let Some(rejection) = error.downcast_ref::<Rejection>() {
        return Some(rejection.reply().clone());
    }
    if error.is::<tower::timeout::error::Elapsed>() || error.is::<tokio::time::error::Elapsed>() {
        return Some(Reply::elapsed());
    }
    if error.is::<tower::load_shed::error::Overloaded>() {
        return Some(Reply::overloaded());
    }
    // Nobody is left to read the reply.
    error.is::<Aborted>().then(Reply::local_error)
}
