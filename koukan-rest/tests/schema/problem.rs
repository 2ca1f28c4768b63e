//! Refusals as problem details.

use std::time::Duration;

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_RANGE, HeaderName, LOCATION, RETRY_AFTER},
};
use koukan_core::resource::{Location, Refusal, RefusalKind};
use koukan_rest::schema::problem::{from_response, status, to_json};
use rstest::rstest;
use serde_json::json;

fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
    let fields = fields.iter();
    fields
        .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
        .collect()
}

fn kind(status: u16, fields: &[(HeaderName, &'static str)]) -> RefusalKind {
    let status = StatusCode::from_u16(status).unwrap();
    from_response(status, &headers(fields), b"").kind
}

#[test]
fn the_detail_names_the_field() {
    let refusal = Refusal::malformed("is missing").at("rcpt_to[0].m");
    let problem = json!({
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "rcpt_to[0].m: is missing",
        "field": "rcpt_to[0].m",
    });
    assert_eq!(to_json(&refusal), problem);
    let body = problem.to_string();
    let read = from_response(StatusCode::BAD_REQUEST, &headers(&[]), body.as_bytes());
    assert_eq!(read, refusal);
}

#[rstest]
#[case(RefusalKind::Malformed, 400)]
#[case(RefusalKind::Unauthenticated, 401)]
#[case(RefusalKind::Forbidden, 403)]
#[case(RefusalKind::NotFound, 404)]
#[case(RefusalKind::Conflict, 409)]
#[case(RefusalKind::VersionMismatch, 412)]
#[case(RefusalKind::TooLarge, 413)]
#[case(RefusalKind::WrongContentType, 415)]
#[case(RefusalKind::WrongRange { len: 7, total: None }, 416)]
#[case(RefusalKind::VersionMissing, 428)]
#[case(RefusalKind::TooMany { retry_after: Duration::from_secs(7) }, 429)]
#[case(RefusalKind::Internal, 500)]
#[case(RefusalKind::Unavailable { retry_after: Duration::from_secs(7) }, 503)]
#[case(RefusalKind::Elsewhere(Location::new("http://a/transactions/T")), 308)]
fn every_kind_has_a_status_of_its_own(#[case] kind: RefusalKind, #[case] code: u16) {
    assert_eq!(status(&kind).as_u16(), code);
    let headers = headers(&[
        (RETRY_AFTER, "7"),
        (CONTENT_RANGE, "bytes */7"),
        (LOCATION, "http://a/transactions/T"),
    ]);
    let refusal = Refusal::new(kind, "no");
    let body = to_json(&refusal).to_string();
    let status = StatusCode::from_u16(code).unwrap();
    assert_eq!(from_response(status, &headers, body.as_bytes()), refusal);
}

#[rstest]
#[case(405, RefusalKind::Malformed)]
#[case(410, RefusalKind::NotFound)]
#[case(422, RefusalKind::Malformed)]
#[case(301, RefusalKind::Internal)]
#[case(308, RefusalKind::Internal)]
#[case(416, RefusalKind::Malformed)]
#[case(502, RefusalKind::Unavailable { retry_after: Duration::from_secs(5) })]
#[case(599, RefusalKind::Internal)]
fn other_statuses_count_as_the_nearest(#[case] code: u16, #[case] expected: RefusalKind) {
    assert_eq!(kind(code, &[]), expected);
}

#[rstest]
#[case("bytes */0", Some((0, None)))]
#[case("bytes 0-99/200", Some((100, Some(200))))]
#[case("bytes 0-99/*", Some((100, None)))]
#[case("bytes */*", None)]
#[case("bytes 0-18446744073709551615/*", None)]
#[case("octets */1", None)]
#[case("nonsense", None)]
fn the_range_tells_the_length(
    #[case] text: &'static str,
    #[case] range: Option<(u64, Option<u64>)>,
) {
    let expected = range.map_or(RefusalKind::Malformed, |(len, total)| {
        RefusalKind::WrongRange { len, total }
    });
    assert_eq!(kind(416, &[(CONTENT_RANGE, text)]), expected);
}

#[rstest]
#[case("30", 30)]
#[case("99999999999", 86400)]
#[case("Wed, 21 Oct 2026 07:28:00 GMT", 5)]
#[case("-1", 5)]
fn when_to_try_again_is_bounded(#[case] text: &'static str, #[case] seconds: u64) {
    let retry_after = Duration::from_secs(seconds);
    assert_eq!(
        kind(429, &[(RETRY_AFTER, text)]),
        RefusalKind::TooMany { retry_after }
    );
}

#[rstest]
#[case("<html>teapot</html>", "the server answered 502 Bad Gateway")]
#[case("", "the server answered 502 Bad Gateway")]
#[case("{\"detail\": [1]}", "the server answered 502 Bad Gateway")]
#[case("{\"detail\": \"\"}", "the server answered 502 Bad Gateway")]
#[case("{\"title\": \"Bad\"}", "Bad")]
#[case("{\"detail\": \"a\\r\\nb\"}", "a  b")]
fn content_of_any_kind_makes_a_detail(#[case] body: &str, #[case] detail: &str) {
    let refusal = from_response(StatusCode::BAD_GATEWAY, &headers(&[]), body.as_bytes());
    assert_eq!(refusal.detail, detail);
}
