//! `?view=full` and `Prefer: view=full`: how much of a transaction is shown.
//!
//! Clients of the basic API refuse a transaction that has fields they do not know, so a client has
//! to ask for the full view.

use axum::http::{HeaderMap, Uri};
use koukan_core::resource::Refusal;

use super::{parameter, preference};

/// Whether the full view is asked for. An invalid preference is ignored (RFC 7240 section 2); an
/// invalid parameter is the client's mistake.
pub(in crate::server) fn is_full(uri: &Uri, headers: &HeaderMap) -> Result<bool, Refusal> {
    match parameter(uri, "view") {
        Some("full") => Ok(true),
        Some(_) => Err(Refusal::malformed("not a view; there is full").at("view")),
        None => Ok(preference(headers, "view") == Some("full")),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[test]
    fn all_is_shown_to_whoever_asks() {
        let prefer = HeaderName::from_static("prefer");
        for (uri, text, full) in [
            ("/t", "", false),
            ("/t", "wait=3, View = \"full\"", true),
            ("/t", "view=more", false),
            ("/t?x=1&view=full", "", true),
        ] {
            let headers = HeaderMap::from_iter([(prefer.clone(), text.parse().unwrap())]);
            assert_eq!(
                is_full(&uri.parse().unwrap(), &headers),
                Ok(full),
                "{uri} {text}"
            );
        }
        assert!(is_full(&Uri::from_static("/t?view=all"), &HeaderMap::new()).is_err());
    }
}
