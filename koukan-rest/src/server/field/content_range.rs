//! `Content-Range` and `X-Finalize-Blob-Length`: which octets of a blob a request carries.
//!
//! *Source*: RFC 9110 section 14.4.

use axum::http::{HeaderMap, HeaderName, header::CONTENT_RANGE};
use koukan_core::resource::{Range, Refusal};

use super::single;

const FINALIZE: HeaderName = HeaderName::from_static("x-finalize-blob-length");

/// The range of an upload; `None` if the request carries all octets.
pub(in crate::server) fn of(headers: &HeaderMap) -> Result<Option<Range>, Refusal> {
    let range = single(headers, &CONTENT_RANGE)?;
    let finalize = single(headers, &FINALIZE)?;
    match (range, finalize) {
        (None, None) => Ok(None),
        (Some(range), None) => parse(range).map(Some).ok_or_else(|| {
            let detail = "not a range of octets, as in bytes 0-99/200 or bytes 0-99/*";
            Refusal::malformed(detail).at("Content-Range")
        }),
        (None, Some(total)) => number(total).map(nothing_but).map(Some).ok_or_else(|| {
            Refusal::malformed("not a number of octets").at("X-Finalize-Blob-Length")
        }),
        (Some(_), Some(_)) => {
            let detail = "there may be one of Content-Range and X-Finalize-Blob-Length only";
            Err(Refusal::malformed(detail).at("X-Finalize-Blob-Length"))
        }
    }
}

/// The range of octets; HTTP includes the last octet, [`Range`] has an exclusive end.
fn parse(text: &str) -> Option<Range> {
    let (unit, rest) = text.split_once(' ')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (octets, total) = rest.trim().split_once('/')?;
    let total = match total {
        "*" => None,
        total => Some(number(total)?),
    };
    if octets == "*" {
        return total.map(nothing_but);
    }
    let (first, last) = octets.split_once('-')?;
    let (start, last) = (number(first)?, number(last)?);
    let end = last.checked_add(1)?;
    let is_whole = start <= last && total.is_none_or(|total| end <= total);
    is_whole.then_some(Range {
        start,
        end: Some(end),
        total,
    })
}

/// A range without octets that only tells the total.
fn nothing_but(total: u64) -> Range {
    Range {
        start: total,
        end: Some(total),
        total: Some(total),
    }
}

fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|octet| octet.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_become_exclusive() {
        for (text, start, end, total) in [
            ("bytes 0-99/*", 0, 100, None),
            ("Bytes 100-199/200", 100, 200, Some(200)),
            ("bytes 5-5/6", 5, 6, Some(6)),
            ("bytes */7", 7, 7, Some(7)),
            ("bytes */0", 0, 0, Some(0)),
        ] {
            let end = Some(end);
            assert_eq!(parse(text), Some(Range { start, end, total }), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_malformed() {
        for text in [
            "",
            "bytes",
            "bytes 0-1",
            "bytes 2-1/3",
            "bytes 0-3/3",
            "bytes */*",
            "bytes -1/3",
            "bytes 0-/3",
            "bytes +0-1/3",
            "lines 0-1/2",
            "bytes=0-1/2",
            "bytes 0-18446744073709551615/*",
            "bytes 0-99999999999999999999/*",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
