//! The header fields of requests.

pub(super) mod condition;
pub(super) mod content_range;
pub(super) mod content_type;
pub(super) mod idempotency_key;
pub(super) mod view;
pub(super) mod wait;

use axum::http::{HeaderMap, HeaderName, Uri};
use koukan_core::resource::Refusal;

/// The only value of a field; `None` if the field is absent.
///
/// # Errors
///
/// If the field occurs twice, or is not visible ASCII.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Refusal::malformed("there may be one value only").at(name.as_str()));
    }
    let text = value.to_str();
    let text = text.map_err(|_| Refusal::malformed("not visible ASCII").at(name.as_str()))?;
    Ok(Some(text.trim()))
}

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The value of a preference, without quotes; if there are several, the first counts.
///
/// *Source*: RFC 7240 section 2.
fn preference<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let values = headers.get_all(PREFER).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let mut preferences = texts.flat_map(|text| text.split(','));
    preferences.find_map(|preference| {
        let (preference, _) = preference.split_once(';').unwrap_or((preference, ""));
        let (name, value) = preference.split_once('=')?;
        let is_it = name.trim().eq_ignore_ascii_case(wanted);
        is_it.then(|| value.trim().trim_matches('"'))
    })
}

/// The value of a query parameter, not decoded.
fn parameter<'a>(uri: &'a Uri, wanted: &str) -> Option<&'a str> {
    let pairs = uri.query().unwrap_or_default().split('&');
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(name, value)| (name == wanted).then_some(value))
}
