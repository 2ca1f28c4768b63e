//! `GET /transactions/{id}`; holds the response back if the client wants to wait.

use axum::{
    Extension,
    extract::{Request, State},
    http::header::IF_NONE_MATCH,
};
use koukan_core::resource::{
    Caller, Location, Operation, Read, ResourceResponse, Version, WaitFor,
};

use crate::{
    schema::etag::Condition,
    server::{
        answer::{answer, applied, unchanged},
        field::{condition, wait},
        problem::Problem,
        shared::Shared,
    },
};

use super::{Answer, Parts, part};

pub(super) async fn read(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    path: Parts<String>,
    request: Request,
) -> Answer {
    let transaction = Location::of_transaction(part(path)?);
    let headers = request.headers();
    let wait = wait::of(request.uri(), headers, shared.settings.max_wait)?;
    let known = condition::of(headers, &IF_NONE_MATCH)?;
    let manner = shared.manner(request.uri(), headers)?;
    let known = known.map(|known| known.of_view(manner.is_full));

    let mut read = Read {
        transaction,
        if_none_match: None,
        wait: wait.map(|wait| wait.time),
        wait_for: wait.map(|wait| wait.wait_for).unwrap_or_default(),
    };
    match known {
        None => {}
        Some(Condition::OneOf(versions)) if versions.len() == 1 => {
            read.if_none_match = versions.into_iter().next();
        }
        Some(condition) => {
            if let Some(version) = current(&shared, &caller, &read.transaction).await?
                && condition.is_met_by(&version)
            {
                // `*` matches every version, so waiting for another one is useless.
                if condition == Condition::Any {
                    return Ok(unchanged(&version, &manner));
                }
                read.if_none_match = Some(version);
            } else {
                read.wait = None;
            }
        }
    }
    let response = shared.ask(caller, Operation::Read(read)).await?;
    let mut response = answer(response, &manner);
    applied(response.headers_mut(), wait);
    Ok(response)
}

/// The current version of a transaction.
pub(super) async fn current(
    shared: &Shared,
    caller: &Caller,
    transaction: &Location,
) -> Result<Option<Version>, Problem> {
    let read = Read {
        transaction: transaction.clone(),
        if_none_match: None,
        wait: None,
        wait_for: WaitFor::End,
    };
    match shared.ask(caller.clone(), Operation::Read(read)).await? {
        ResourceResponse::Current { version, .. } => Ok(Some(version)),
        _ => Ok(None),
    }
}

/// The version that a change refers to; if the client names several, the current one if it is among them.
pub(super) async fn matched(
    shared: &Shared,
    caller: &Caller,
    transaction: &Location,
    condition: Option<Condition>,
) -> Result<Option<Version>, Problem> {
    let Some(condition) = condition.map(Condition::of_any_view) else {
        return Ok(None);
    };
    if let Condition::OneOf(versions) = &condition
        && let [version] = &versions[..]
    {
        return Ok(Some(version.clone()));
    }
    let current = current(shared, caller, transaction).await?;
    Ok(match condition {
        Condition::Any => current,
        Condition::OneOf(versions) => {
            let current = current.filter(|current| versions.contains(current));
            current.or_else(|| versions.into_iter().next())
        }
    })
}
