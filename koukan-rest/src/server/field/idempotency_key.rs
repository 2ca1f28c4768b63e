//! `Idempotency-Key`: what makes a create safe to repeat.

use axum::http::{HeaderMap, HeaderName};
use koukan_core::resource::Refusal;

const NAME: HeaderName = HeaderName::from_static("idempotency-key");
const LEN_MAX: usize = 255;

/// The key; `None` if there is none.
///
/// *Shape*: 1 to 255 visible ASCII characters, unchanged.
pub(in crate::server) fn of(headers: &HeaderMap) -> Result<Option<Box<str>>, Refusal> {
    let wrong = || {
        let detail = "not one value of 1 to 255 visible ASCII characters";
        Refusal::malformed(detail).at("Idempotency-Key")
    };
    let mut values = headers.get_all(NAME).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().map_err(|_| wrong())?;
    let is_key = (1..=LEN_MAX).contains(&key.len()) && key.bytes().all(|c| c.is_ascii_graphic());
    if values.next().is_some() || !is_key {
        return Err(wrong());
    }
    Ok(Some(key.into()))
}
