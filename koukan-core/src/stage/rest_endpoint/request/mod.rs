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

/// A transaction as upstream has told it.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) view: Box<View>,
    pub(super) version: Version,
}

/// Makes one request. What is refused is a failure.
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

/// Reads the transaction as it is now, more than once if need be.
pub(super) async fn read<R: ResourceService>(
    resource: &R,
    transaction: &Location,
) -> Result<Current, Failure> {
    let mut backoff = Backoff::new(3);
    loop {
        let read = Read {
            transaction: transaction.clone(),
            if_none_match: None,
            wait: None,
            wait_for: WaitFor::End,
        };
        match ask(resource.clone(), Operation::Read(read)).await {
            Ok(response) => return current(response),
            Err(failure) if failure.is_passing() && backoff.pause().await => {}
            Err(failure) => return Err(failure),
        }
    }
}

pub(super) fn current(response: ResourceResponse) -> Result<Current, Failure> {
    match response {
        ResourceResponse::Current { view, version } => Ok(Current { view, version }),
        _ => Err(Failure::Unexpected),
    }
}
