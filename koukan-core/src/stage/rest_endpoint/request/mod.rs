//! Requests to upstream, each repeated while that may help.

mod append;
mod backoff;
mod cancel;
mod create;
mod failure;
mod watch;

pub(super) use self::{
    append::{Group, append},
    backoff::Backoff,
    cancel::CancelOnDrop,
    create::Creating,
    failure::{Failure, Step},
    watch::{Known, watch},
};

use tower::ServiceExt;

use crate::resource::{
    Location, Operation, Read, ResourceRequest, ResourceResponse, ResourceService, Version, View,
    WaitFor,
};

/// A transaction as upstream described it.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) view: Box<View>,
    pub(super) version: Version,
}

/// Makes one request. A refusal is a failure.
pub(super) async fn ask<R: ResourceService>(
    resource: R,
    operation: Operation,
) -> Result<ResourceResponse, Failure> {
    let request = ResourceRequest::trusted(operation);
    match resource.oneshot(request).await {
        Ok(ResourceResponse::Refused(refusal)) => Err(Failure::Refused(refusal)),
        Ok(response) => Ok(response),
        Err(error) => Err(Failure::of(error.into())),
    }
}

/// Makes the same request again, at most `repetitions` times, while it may be granted a moment
/// later.
async fn ask_repeatedly<R: ResourceService>(
    resource: &R,
    repetitions: u32,
    operation: impl Fn() -> Operation,
) -> Result<ResourceResponse, Failure> {
    let mut backoff = Backoff::new(repetitions);
    loop {
        match ask(resource.clone(), operation()).await {
            Err(failure) if failure.is_passing() && backoff.pause().await => {
                tracing::debug!(error = %failure, "repeats a request");
            }
            answer => return answer,
        }
    }
}

/// Reads the transaction as it is now, repeatedly if necessary.
pub(super) async fn read<R: ResourceService>(
    resource: &R,
    transaction: &Location,
) -> Result<Current, Failure> {
    let read = || {
        Operation::Read(Read {
            transaction: transaction.clone(),
            if_none_match: None,
            wait: None,
            wait_for: WaitFor::End,
        })
    };
    current(ask_repeatedly(resource, 3, read).await?)
}

pub(super) fn current(response: ResourceResponse) -> Result<Current, Failure> {
    match response {
        ResourceResponse::Current { view, version } => Ok(Current { view, version }),
        _ => Err(Failure::Unexpected),
    }
}
