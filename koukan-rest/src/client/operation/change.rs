//! Changing a transaction.

use http::{HeaderValue, Method, header::IF_MATCH};
use koukan_core::resource::{Append, Location, ParsedUpload, ResourceResponse, Version, WaitFor};

use crate::{
    client::{
        ClientError,
        etag::etag,
        transport::{Content, Repeat, Request, Transport},
    },
    schema::{append_to_json, json},
};

use super::{PREFER, preferences};

pub(super) async fn append(
    transport: &Transport,
    append: Append,
) -> Result<ResourceResponse, ClientError> {
    let uri = transport.uri_of(&append.transaction)?;
    let mut request = Request::new(Method::PATCH, uri);
    request.repeat = Repeat::Unsent;
    if !append.draft.is_empty() {
        let json = append_to_json(&append.draft, append.rcpt_to_list_offset);
        request.content = Content::Json(json::octets(&json).into());
    }
    if_match(&mut request, append.if_match.as_ref());
    ask(transport, request).await
}

pub(super) async fn parsed(
    transport: &Transport,
    parsed: ParsedUpload,
) -> Result<ResourceResponse, ClientError> {
    let ParsedUpload {
        to,
        if_match: version,
        message,
    } = parsed;
    let mut request = Request::json(Method::POST, transport.uri_of(&to)?, &message);
    // The parsed message takes more memory than its text.
    drop(message);
    request.repeat = Repeat::Unsent;
    if_match(&mut request, version.as_ref());
    ask(transport, request).await
}

pub(super) async fn cancel(
    transport: &Transport,
    location: &Location,
) -> Result<ResourceResponse, ClientError> {
    let to = match location.as_str().ends_with("/cancel") {
        true => location.clone(),
        false => location.join("cancel"),
    };
    let uri = transport.uri_of(&to)?;
    ask(transport, Request::new(Method::POST, uri)).await
}

/// If the server gives no entity tags, every version matches.
fn if_match(request: &mut Request, version: Option<&Version>) {
    if let Some(version) = version {
        let tag = etag(version).unwrap_or(HeaderValue::from_static("*"));
        request.headers.insert(IF_MATCH, tag);
    }
}

/// Asks for the full view of the transaction, as reads do, so that the versions are the same.
async fn ask(transport: &Transport, mut request: Request) -> Result<ResourceResponse, ClientError> {
    let full = preferences(None, WaitFor::End);
    request.headers.insert(PREFER, full);
    match transport.ask(&request).await? {
        Ok(response) => response.current(),
        Err(refusal) => Ok(refusal.into()),
    }
}
