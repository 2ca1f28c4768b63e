//! Logs responses that report a failure.

use std::time::Duration;

use axum::http::StatusCode;
use koukan_core::repeats::Repeats;
use tower_http::{classify::ServerErrorsFailureClass, trace::OnFailure};
use tracing::Span;

/// How long refusals are counted before the count is logged.
const INTERVAL: Duration = Duration::from_secs(10);

static REFUSED: Repeats = Repeats::new(INTERVAL, |requests, interval| {
    tracing::warn!(
        requests,
        seconds = interval.as_secs(),
        "requests were refused with 503"
    );
});

/// Logs each failure, but only counts refusals for lack of capacity: under load there are thousands
/// of them, and nothing is broken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failures;

impl OnFailure<ServerErrorsFailureClass> for Failures {
    fn on_failure(&mut self, failure: ServerErrorsFailureClass, latency: Duration, _: &Span) {
        match failure {
            ServerErrorsFailureClass::StatusCode(StatusCode::SERVICE_UNAVAILABLE) => {
                if REFUSED.is_first() {
                    tracing::warn!("a request was refused with 503; others will be counted");
                }
            }
            // The client's mistake: nothing is broken in the server.
            ServerErrorsFailureClass::StatusCode(StatusCode::NOT_IMPLEMENTED) => {
                tracing::debug!("a request asked for something that is not implemented");
            }
            ServerErrorsFailureClass::StatusCode(status) => {
                tracing::error!(status = status.as_u16(), ?latency, "a request failed");
            }
            ServerErrorsFailureClass::Error(error) => {
                tracing::error!(error, ?latency, "a request failed");
            }
        }
    }
}
