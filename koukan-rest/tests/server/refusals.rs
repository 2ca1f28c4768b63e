//! Refusals and failures of the service.

use std::time::Duration;

use axum::http::StatusCode;
use koukan_core::resource::{
    Location, Refusal,
    RefusalKind::{self, *},
    ResourceRequest, ResourceResponse,
};
use koukan_rest::server::{Server, ServerSettings};
use tower::{BoxError, service_fn};

use crate::support::{Answer, answering, empty, request, send};

async fn refused(kind: RefusalKind) -> Answer {
    let refusal = Refusal::new(kind, "no").at("a.b");
    let (server, _) = answering(refusal.into());
    send(server.router(), empty(request("GET", "/transactions/T"))).await
}

#[tokio::test]
async fn every_refusal_has_its_status_and_says_why() {
    let retry_after = Duration::from_millis(4001);
    for (kind, status, name, value) in [
        (Malformed, 400, "", ""),
        (Unauthenticated, 401, "www-authenticate", "Bearer"),
        (Forbidden, 403, "", ""),
        (NotFound, 404, "", ""),
        (Conflict, 409, "", ""),
        (VersionMismatch, 412, "", ""),
        (TooLarge, 413, "", ""),
        (WrongContentType, 415, "", ""),
        (
            WrongRange {
                len: 7,
                total: Some(9),
            },
            416,
            "content-range",
            "bytes */7",
        ),
        (VersionMissing, 428, "", ""),
        (KeyReused, 422, "", ""),
        (TooMany { retry_after }, 429, "retry-after", "5"),
        (Unavailable { retry_after }, 503, "retry-after", "5"),
        (
            Elsewhere(Location::new("http://b/transactions/T")),
            308,
            "location",
            "http://b/transactions/T",
        ),
        (Internal, 500, "", ""),
    ] {
        let answer = refused(kind).await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.detail(), "a.b: no");
        assert_eq!(answer.header(name_or(name)), value, "{status}");
    }
}

/// A name for the empty answer, which no other answer has.
fn name_or(name: &str) -> &str {
    if name.is_empty() { "x-none" } else { name }
}

async fn broken(
    fail: impl Fn() -> Result<ResourceResponse, BoxError> + Clone + Send + Sync + 'static,
) -> Answer {
    let service = service_fn(move |_: ResourceRequest| {
        let fail = fail.clone();
        async move { fail() }
    });
    let server = Server::new(service, ServerSettings::default());
    send(server.router(), empty(request("GET", "/transactions/T"))).await
}

#[tokio::test]
async fn what_breaks_is_not_told() {
    let failed = broken(|| Err("secret of the database".into())).await;
    let panicked = broken(|| panic!("secret of the database")).await;
    for answer in [failed, panicked] {
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
        answer.detail();
        assert!(!answer.text.contains("secret"));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}
