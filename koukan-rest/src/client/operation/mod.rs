//! Turns operations on a resource into requests, and the responses into answers.

mod change;
mod create;
mod list;
mod read;
mod upload;

use http::{HeaderName, HeaderValue, StatusCode, Uri};
use koukan_core::resource::{BadAnswer, Location, Operation, Refusal, ResourceResponse, WaitFor};

use super::{
    ClientError,
    transport::{Request, Response, Transport},
    uri::resolve,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("request-timeout");

pub(super) async fn perform(
    transport: &Transport,
    operation: Operation,
) -> Result<ResourceResponse, ClientError> {
    match operation {
        Operation::Create(operation) => create::perform(transport, *operation).await,
        Operation::Read(operation) => read::perform(transport, operation).await,
        Operation::Append(operation) => change::append(transport, *operation).await,
        Operation::Upload(operation) => upload::perform(transport, operation).await,
        Operation::Parsed(operation) => change::parsed(transport, operation).await,
        Operation::Cancel(location) => change::cancel(transport, &location).await,
        Operation::List(operation) => list::perform(transport, operation).await,
    }
}

impl Transport {
    /// The URI of a location. A location from a server is absolute; a path is relative to the base URL.
    fn uri_of(&self, location: &Location) -> Result<Uri, ClientError> {
        let text = location.as_str();
        match text.strip_prefix('/') {
            Some(path) => self.uri_below(path),
            None => resolve(self.base(), text).ok_or_else(|| ClientError::Location(text.into())),
        }
    }

    /// The URI of a path below the base URL.
    fn uri_below(&self, path: &str) -> Result<Uri, ClientError> {
        let base = self.base();
        resolve(base, &format!("{}{path}", base.path()))
            .ok_or_else(|| ClientError::Location(path.into()))
    }

    /// Sends a request; a response with an error status is a refusal.
    async fn ask(&self, request: &Request) -> Result<Result<Response, Refusal>, ClientError> {
        let response = self.request(request).await?;
        if response.status.is_success() || response.status == StatusCode::NOT_MODIFIED {
            return Ok(Ok(response));
        }
        let is_refusal = response.status.is_client_error() || response.status.is_server_error();
        if !is_refusal && response.redirect()?.is_none() {
            return Err(response.bad("neither granted nor refused"));
        }
        let refusal = response.refusal()?;
        tracing::info!(
            method = %response.method,
            url = %response.uri,
            status = response.status.as_u16(),
            reason = %refusal,
            text = ?BadAnswer::excerpt_of(&response.content),
            "a request was refused"
        );
        Ok(Err(refusal))
    }
}

/// A header value of text that is known to be valid.
fn value(text: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(text).ok()
}

/// Asks for the full view of a transaction; servers that do not know it show what they have.
const FULL: &str = "view=full";

/// The preferences of a request: the full view, and how long to wait for what.
fn preferences(wait: Option<std::time::Duration>, wait_for: WaitFor) -> HeaderValue {
    let wait = wait.and_then(|wait| {
        let wait = seconds(wait);
        let text = match wait_for {
            WaitFor::End => format!("wait={wait}, {FULL}"),
            WaitFor::Attempt => format!("wait={wait}, wait-for=attempt, {FULL}"),
        };
        value(&text)
    });
    wait.unwrap_or(HeaderValue::from_static(FULL))
}

/// The time in whole seconds, rounded up.
fn seconds(time: std::time::Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
