//! Follows redirects, and repeats requests.

use std::time::Duration;

use http::{StatusCode, Uri, header::LOCATION};
use tokio::time::sleep;

use crate::client::{
    ClientError,
    uri::{Origin, resolve},
};

use super::{Repeat, Request, Response, Transport};

/// The pause before the first repetition; each further pause is twice as long.
const PAUSE: Duration = Duration::from_millis(50);

impl Transport {
    /// Sends a request: follows redirects, and repeats the request where that is safe.
    pub(in super::super) async fn request(
        &self,
        request: &Request,
    ) -> Result<Response, ClientError> {
        let place = self.remembered.place(&request.uri);
        let mut uri = place.unwrap_or_else(|| request.uri.clone());
        let mut redirects = 0;
        let mut repetitions = 0;
        loop {
            let response = match self.exchange(request, &uri).await {
                Ok(response) => response,
                Err(error)
                    if repetitions < self.settings.repetitions_max
                        && is_repeatable(request, &error) =>
                {
                    tracing::debug!(%uri, error = &error as &dyn std::error::Error, "repeats a request");
                    // The server that had the transaction may be gone; the first server knows which
                    // one has it now.
                    self.remembered.forget(&request.uri);
                    uri = request.uri.clone();
                    sleep(PAUSE * 2_u32.pow(repetitions.min(5))).await;
                    repetitions += 1;
                    continue;
                }
                Err(error) => {
                    self.remembered.forget(&request.uri);
                    return Err(error);
                }
            };
            match response.redirect()? {
                Some(there) if request.content.is_repeatable() => {
                    if redirects == self.settings.redirects_max {
                        let to = there.to_string();
                        return Err(response.bad_redirect("redirects without an end", &to));
                    }
                    if !self.may_ask(&there) {
                        let reason = "redirects to a host that is not listed";
                        return Err(response.bad_redirect(reason, &there.to_string()));
                    }
                    redirects += 1;
                    uri = there;
                }
                _ => {
                    let is_lost = response.status == StatusCode::NOT_FOUND
                        || response.status.is_server_error();
                    match uri == request.uri || is_lost {
                        true => self.remembered.forget(&request.uri),
                        false => self.remembered.note(&request.uri, &uri),
                    }
                    return Ok(response);
                }
            }
        }
    }
}

fn is_repeatable(request: &Request, error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable(_) => request.content.is_repeatable(),
        ClientError::Unanswered(_) => request.repeat == Repeat::Always,
        _ => false,
    }
}

impl Response {
    /// The URI to which the response redirects, if it does.
    pub(in super::super) fn redirect(&self) -> Result<Option<Uri>, ClientError> {
        let is_redirect = matches!(
            self.status,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        if !is_redirect {
            return Ok(None);
        }
        let location = self.headers.get(LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        let location = location.ok_or_else(|| self.bad("a redirect without a Location"))?;
        let there = resolve(&self.uri, location);
        let there = there.ok_or_else(|| self.bad_redirect("redirects to nowhere", location))?;
        let is_https = |uri| Origin::of(uri).is_some_and(|origin| origin.is_https());
        if is_https(&self.uri) && !is_https(&there) {
            return Err(self.bad("a redirect away from https"));
        }
        Ok(Some(there))
    }
}
