//! `request-timeout` and `Prefer: wait`: how long the response may be held back; `wait-for`: what to wait for.
//!
//! *Source*: RFC 7240 section 4.3. An invalid preference is ignored, as section 2 demands; an
//! invalid `request-timeout` is the client's mistake.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, Uri};
use koukan_core::resource::{Refusal, WaitFor};

use super::{parameter, preference, single};

const REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("request-timeout");

/// How long the response to a request may be held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) struct Wait {
    pub(in crate::server) time: Duration,
    /// What to wait for, if the client knows no version.
    pub(in crate::server) wait_for: WaitFor,
    /// The preference that is applied, to be named in the response.
    pub(in crate::server) preference: Option<&'static str>,
}

/// The wait that a request asks for, at most `max`. If it asks twice, `request-timeout` counts.
pub(in crate::server) fn of(
    uri: &Uri,
    headers: &HeaderMap,
    max: Duration,
) -> Result<Option<Wait>, Refusal> {
    let wait_for = wait_for(uri, headers)?;
    let Some(text) = single(headers, &REQUEST_TIMEOUT)? else {
        return Ok(preferred(headers, wait_for, max));
    };
    let wrong = || {
        let detail = "not a number of seconds, as in 30 or 2.5";
        Refusal::malformed(detail).at(REQUEST_TIMEOUT.as_str())
    };
    let time = seconds(text).ok_or_else(wrong)?.min(max);
    Ok(Some(Wait {
        time,
        wait_for,
        preference: None,
    }))
}

/// What to wait for: `wait-for`, as a parameter or a preference.
fn wait_for(uri: &Uri, headers: &HeaderMap) -> Result<WaitFor, Refusal> {
    let name = "wait-for";
    match parameter(uri, name) {
        Some("attempt") => Ok(WaitFor::Attempt),
        Some("end") => Ok(WaitFor::End),
        Some(_) => Err(Refusal::malformed("not one of attempt, end").at(name)),
        None if preference(headers, name) == Some("attempt") => Ok(WaitFor::Attempt),
        None => Ok(WaitFor::End),
    }
}

/// The wait that `Prefer` asks for, at most `max`.
fn preferred(headers: &HeaderMap, wait_for: WaitFor, max: Duration) -> Option<Wait> {
    let (name, text, wait_for) = match preference(headers, "wait-attempt") {
        Some(text) => ("wait-attempt", text, WaitFor::Attempt),
        None => ("wait", preference(headers, "wait")?, wait_for),
    };
    let is_number = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let time = is_number.then(|| seconds(text)).flatten()?.min(max);
    Some(Wait {
        time,
        wait_for,
        preference: Some(name),
    })
}

fn seconds(text: &str) -> Option<Duration> {
    let is_number = text
        .bytes()
        .all(|octet| octet.is_ascii_digit() || octet == b'.');
    let seconds: f64 = is_number.then(|| text.parse().ok()).flatten()?;
    // A number that is too large for a duration is capped like any other.
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_secs(30);

    fn read(name: &'static str, value: &'static str) -> Result<Option<Duration>, Refusal> {
        let headers = [(HeaderName::from_static(name), value.parse().unwrap())];
        let uri = Uri::from_static("/t");
        let wait = of(&uri, &HeaderMap::from_iter(headers), MAX)?;
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

    #[test]
    fn the_first_attempt_may_be_waited_for() {
        for (uri, name, value, expected) in [
            ("/t", "prefer", "wait=3", WaitFor::End),
            ("/t", "prefer", "wait-attempt=3", WaitFor::Attempt),
            ("/t", "prefer", "wait=3, wait-for=attempt", WaitFor::Attempt),
            ("/t?wait-for=attempt", "prefer", "wait=3", WaitFor::Attempt),
            (
                "/t?wait-for=attempt",
                "request-timeout",
                "3",
                WaitFor::Attempt,
            ),
            ("/t?wait-for=end", "request-timeout", "3", WaitFor::End),
        ] {
            let headers = [(HeaderName::from_static(name), value.parse().unwrap())];
            let wait = of(&uri.parse().unwrap(), &HeaderMap::from_iter(headers), MAX);
            let wait = wait.unwrap().unwrap();
            assert_eq!(
                (wait.time.as_secs(), wait.wait_for),
                (3, expected),
                "{uri} {value}"
            );
        }
        let uri = Uri::from_static("/t?wait-for=christmas");
        assert!(of(&uri, &HeaderMap::new(), MAX).is_err());
    }
}
