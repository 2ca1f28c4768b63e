//! Reading a transaction.

use http::{Method, StatusCode, header::IF_NONE_MATCH};
use koukan_core::resource::{Read, ResourceResponse};

use crate::client::{
    ClientError,
    etag::etag,
    transport::{Request, Transport},
};

use super::{PREFER, REQUEST_TIMEOUT, preferences, seconds, value};

pub(super) async fn perform(
    transport: &Transport,
    read: Read,
) -> Result<ResourceResponse, ClientError> {
    let uri = transport.uri_of(&read.transaction)?;
    let mut request = Request::new(Method::GET, uri);
    let tag = read.if_none_match.as_ref().map(etag);
    // A server without entity tags would wait for the end, and not for the next change.
    let is_waiting = !matches!(tag, Some(None));
    if let Some(Some(tag)) = tag {
        request.headers.insert(IF_NONE_MATCH, tag);
    }
    let wait = read.wait.filter(|wait| is_waiting && !wait.is_zero());
    let preferences = preferences(wait, read.wait_for);
    request.headers.insert(PREFER, preferences);
    if let Some(wait) = wait {
        let seconds = seconds(wait).to_string();
        let seconds = value(&seconds).map(|value| (REQUEST_TIMEOUT, value));
        request.headers.extend(seconds);
        request.wait = wait;
    }
    match transport.ask(&request).await? {
        Ok(response) if response.status == StatusCode::NOT_MODIFIED => {
            let known = read.if_none_match;
            let known = known.ok_or_else(|| response.bad("304 to a read without a version"))?;
            Ok(ResourceResponse::Unchanged(known))
        }
        Ok(response) => response.current(),
        Err(refusal) => Ok(refusal.into()),
    }
}
