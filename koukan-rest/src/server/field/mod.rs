//! The header fields that requests come with.

pub(super) mod condition;
pub(super) mod content_range;
pub(super) mod content_type;
pub(super) mod idempotency_key;
pub(super) mod wait;

use axum::http::{HeaderMap, HeaderName};
use koukan_core::resource::Refusal;

/// The one value of a field, `None` where there is none.
///
/// # Errors
///
/// Where it is there twice, or is no visible ASCII.
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
