//! `request-timeout` and `Prefer: wait`: how long a request may be held back.
//!
//! *Source*: RFC 7240 section 4.3. A preference that makes no sense is ignored, as section 2 wants;
//! a `request-timeout` that makes none is the client's mistake.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use koukan_core::resource::Refusal;

use super::single;

const REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("request-timeout");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// How long a request may be held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) struct Wait {
    pub(in crate::server) time: Duration,
    /// Whether it is by preference, so that the answer says that it was applied.
    pub(in crate::server) is_preference: bool,
}

/// The wait that a request asks for, of `max` at most; where it says so twice, `request-timeout`
/// counts.
pub(in crate::server) fn of(headers: &HeaderMap, max: Duration) -> Result<Option<Wait>, Refusal> {
    let Some(text) = single(headers, &REQUEST_TIMEOUT)? else {
        return Ok(preferred(headers, max));
    };
    let wrong = || {
        let detail = "not a number of seconds, as in 30 or 2.5";
        Refusal::malformed(detail).at(REQUEST_TIMEOUT.as_str())
    };
    let time = seconds(text).ok_or_else(wrong)?.min(max);
    Ok(Some(Wait {
        time,
        is_preference: false,
    }))
}

/// The wait that `Prefer` asks for, of `max` at most.
fn preferred(headers: &HeaderMap, max: Duration) -> Option<Wait> {
    let values = headers.get_all(PREFER).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let mut preferences = texts.flat_map(|text| text.split(','));
    // The first one counts: RFC 7240 section 2.
    let wait = preferences.find_map(|preference| {
        let (preference, _) = preference.split_once(';').unwrap_or((preference, ""));
        let (name, value) = preference.split_once('=')?;
        let is_wait = name.trim().eq_ignore_ascii_case("wait");
        is_wait.then(|| value.trim().trim_matches('"'))
    })?;
    let is_number = !wait.is_empty() && wait.bytes().all(|octet| octet.is_ascii_digit());
    let time = is_number.then(|| seconds(wait)).flatten()?.min(max);
    Some(Wait {
        time,
        is_preference: true,
    })
}

fn seconds(text: &str) -> Option<Duration> {
    let is_number = text
        .bytes()
        .all(|octet| octet.is_ascii_digit() || octet == b'.');
    let seconds: f64 = is_number.then(|| text.parse().ok()).flatten()?;
    // What is too long for a duration is capped like all else.
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_secs(30);

    fn read(name: &'static str, value: &'static str) -> Result<Option<Duration>, Refusal> {
        let headers = [(HeaderName::from_static(name), value.parse().unwrap())];
        let wait = of(&HeaderMap::from_iter(headers), MAX)?;
        Ok(wait.map(|wait| wait.time))
    }

    #[test]
    fn seconds_may_have_a_fraction_and_are_capped() {
        for (text, millis) in [
            ("0", 0),
            ("10", 10_000),
            ("2.5", 2_500),
            ("31", 30_000),
            ("99999999999999999999999", 30_000),
        ] {
            let expected = Duration::from_millis(millis);
            assert_eq!(read("request-timeout", text), Ok(Some(expected)), "{text}");
        }
        for text in ["", "-1", "x", "1e3", "inf", "nan", "1.2.3", "10s"] {
            assert!(read("request-timeout", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_preference_is_taken_or_ignored() {
        for (text, expected) in [
            ("wait=10", Some(10)),
            ("respond-async, WAIT = 5;x=y", Some(5)),
            ("wait=\"7\"", Some(7)),
            ("wait=100", Some(30)),
            ("wait=3, wait=9", Some(3)),
            ("wait=soon", None),
            ("wait=", None),
            ("wait", None),
            ("return=minimal", None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(read("prefer", text), Ok(expected), "{text}");
        }
    }
}
