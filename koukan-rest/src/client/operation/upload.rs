//! Uploading octets.

use std::sync::Arc;

use http::{HeaderName, header::CONTENT_RANGE};
use koukan_core::resource::{Range, Refusal, ResourceResponse, Upload, Uploaded};

use crate::client::{
    ClientError,
    answer::content_range,
    transport::{Request, Source, Transport},
};

use super::value;

const FINALIZE: HeaderName = HeaderName::from_static("x-finalize-blob-length");

pub(super) async fn perform(
    transport: &Transport,
    upload: Upload,
) -> Result<ResourceResponse, ClientError> {
    let Upload { to, range, content } = upload;
    let uri = transport.uri_of(&to)?;
    let len = content.len();
    let source = Arc::new(Source::new(content));
    let _discard = Discard(Arc::clone(&source));
    let mut request = Request::upload(uri, Arc::clone(&source));
    if let Some(range) = range {
        let Some((name, text)) = range_header(range, len) else {
            return Ok(Refusal::malformed("the end of the range is not known").into());
        };
        request
            .headers
            .extend(value(&text).map(|value| (name, value)));
    }
    let response = match transport.ask(&request).await? {
        Ok(response) => response,
        Err(refusal) => return Ok(refusal.into()),
    };
    let (len, total) = match content_range(&response.headers) {
        Some(known) => known,
        None => {
            let len = range.map_or(0, |range| range.start) + source.octets();
            (len, range.map_or(Some(len), |range| range.total))
        }
    };
    Ok(ResourceResponse::Uploaded(Uploaded {
        len,
        total,
        finalized: total == Some(len),
    }))
}

/// Drops the message when the call ends or is dropped.
struct Discard(Arc<Source>);

impl Drop for Discard {
    fn drop(&mut self) {
        self.0.discard();
    }
}

/// The header field that says which octets these are; `None` if their end is not known.
fn range_header(range: Range, len: Option<u64>) -> Option<(HeaderName, String)> {
    let end = range.end.or_else(|| Some(range.start + len?));
    // Without another end, the total is the end.
    let end = end.or(range.total)?;
    Some(match range.total {
        Some(total) if end == range.start => (FINALIZE, total.to_string()),
        total => {
            let total = total.map_or("*".to_owned(), |total| total.to_string());
            let last = end.checked_sub(1).filter(|last| *last >= range.start)?;
            (
                CONTENT_RANGE,
                format!("bytes {}-{last}/{total}", range.start),
            )
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_as_http_has_them() {
        let range = |start, end, total| Range { start, end, total };
        for (range, len, header) in [
            (range(0, Some(10), None), None, "bytes 0-9/*"),
            (range(10, Some(20), Some(20)), None, "bytes 10-19/20"),
            (range(10, None, Some(20)), Some(10), "bytes 10-19/20"),
            (range(10, None, Some(20)), None, "bytes 10-19/20"),
        ] {
            let written = range_header(range, len);
            let header = Some((CONTENT_RANGE, header.to_owned()));
            assert_eq!(written, header, "{range:?}");
        }
        let end = range_header(range(20, Some(20), Some(20)), None);
        assert_eq!(end, Some((FINALIZE, "20".to_owned())));
        assert_eq!(range_header(range(20, None, None), None), None);
        assert_eq!(range_header(range(20, Some(20), None), None), None);
    }
}
