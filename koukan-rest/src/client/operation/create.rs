//! Creating a transaction.

use http::Method;
use koukan_core::resource::{BodySource, Create, Refusal, ResourceResponse};

use crate::{
    client::{
        ClientError,
        transport::{Repeat, Request, Transport},
        uri::segment,
    },
    schema::create_to_json,
};

use super::{IDEMPOTENCY_KEY, PREFER, preferences, value};

pub(super) async fn perform(
    transport: &Transport,
    create: Create,
) -> Result<ResourceResponse, ClientError> {
    if is_unwritable(&create) {
        let detail = "a message that is not UTF-8 cannot be inline; it is to be uploaded";
        return Ok(Refusal::malformed(detail).at("body.inline").into());
    }
    let path = format!("senders/{}/transactions", segment(&create.sender.name));
    let uri = transport.uri_below(&path)?;
    let mut request = Request::json(
        Method::POST,
        uri,
        &create_to_json(&create.sender, &create.draft),
    );
    request.repeat = Repeat::Unsent;
    if let Some(key) = create.idempotency_key.as_deref().and_then(value) {
        request.headers.insert(IDEMPOTENCY_KEY, key);
        request.repeat = Repeat::Always;
    }
    let wait = create.wait.filter(|wait| !wait.is_zero());
    let preferences = preferences(wait, create.wait_for);
    request.headers.insert(PREFER, preferences);
    request.wait = wait.unwrap_or_default();
    match transport.ask(&request).await? {
        Ok(response) => response.created(),
        Err(refusal) => Ok(refusal.into()),
    }
}

/// Whether the message cannot be written as JSON, and so would be left out.
fn is_unwritable(create: &Create) -> bool {
    match &create.draft.body {
        Some(BodySource::Inline(octets)) => std::str::from_utf8(octets).is_err(),
        _ => false,
    }
}
