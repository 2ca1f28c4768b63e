//! Passes a request on to another replica.

use std::{pin::pin, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{Uri, Version},
    response::Response,
};
use koukan_core::{
    causes::Causes,
    resource::{Caller, Refusal, RefusalKind},
    shares::Client,
};
use tokio::time::sleep_until;
use tower::ServiceExt;

use super::{
    super::field::wait,
    Known, Peers, Problem, Shared,
    fields::{of_request, remove_of_connection},
    quiet::{Activity, Counted, Quiet},
};

/// How long a replica may take to answer, in addition to the wait that the request asks for: a
/// cancel takes some seconds.
const PATIENCE: Duration = Duration::from_secs(15);
/// When a client may try again: by then another replica may have taken over.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Known {
    /// Passes a request on to another replica and returns the response.
    ///
    /// # Errors
    ///
    /// 503 if the replica does not answer, or too many requests have already been passed on to it. 400 if the content
    /// fails.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the request is broken off at the other replica too.
    pub(super) async fn pass_on(
        &self,
        shared: &Shared,
        there: &str,
        request: Request,
    ) -> Result<Response, Problem> {
        let caller = request.extensions().get::<Caller>();
        let client = caller.map_or(&Client::Unknown, Caller::client);
        let slot = self.under_way.enter(there, client);
        let slot = slot.ok_or_else(Problem::overloaded)?;
        let settings = &shared.settings;
        let wait = wait::of(request.uri(), request.headers(), settings.max_wait)?;
        let patience = PATIENCE + wait.map(|wait| wait.time).unwrap_or_default();
        let (mut head, body) = request.into_parts();
        let Ok(uri) = uri_at(there, &head.uri).parse() else {
            tracing::error!(%there, "the address of another replica is not a URL");
            return Err(silent());
        };
        head.headers = of_request(head.headers, &head.uri);
        head.uri = uri;
        // Each side may use another version of HTTP; and the extensions that layers have added mean
        // nothing there.
        head.version = Version::HTTP_11;
        head.extensions.clear();
        let activity = Activity::new(settings.upload_idle_timeout);
        let body = Body::new(Counted::new(body, activity.clone()));
        let asked = Peers::clone(&self.replicas.peers).oneshot(Request::from_parts(head, body));
        let mut asked = pin!(asked);
        let response = loop {
            let due = activity.due(patience);
            tokio::select! {
                biased;
                response = &mut asked => break response,
                () = sleep_until(due) => {
                    if activity.due(patience) <= due {
                        tracing::warn!(%there, "another replica does not answer");
                        return Err(silent());
                    }
                }
            }
        };
        let response = response.map_err(|error| {
            if activity.has_failed() {
                let detail = "the content was broken off, or breaks the protocol";
                return Problem::from(Refusal::malformed(detail));
            }
            tracing::info!(%there, error = %Causes(&*error), "another replica cannot be reached");
            silent()
        })?;
        let (mut head, body) = response.into_parts();
        remove_of_connection(&mut head.headers);
        head.extensions.clear();
        // The slot is kept until the whole response has arrived.
        let body = Quiet::new(body, settings.upload_idle_timeout, slot);
        Ok(Response::from_parts(head, Body::new(body)))
    }
}

/// The same path and query at another base URL.
pub(super) fn uri_at(base: &str, uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!("{}{path}", base.trim_end_matches('/'))
}

/// The answer for a replica that does not answer.
pub(super) fn silent() -> Problem {
    let kind = RefusalKind::Unavailable {
        retry_after: RETRY_AFTER,
    };
    Refusal::new(
        kind,
        "the replica that has the transaction does not answer; try again later",
    )
    .into()
}
