//! The location of a resource.

use std::{fmt, sync::Arc};

/// The URI of a transaction or of a part of it, as given by the server.
///
/// *Shape*: an absolute path (`/transactions/T/body`) or an absolute URI. Clients use it unchanged.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Location(Arc<str>);

/// The meaning of a location in this agent's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// `/transactions/T`.
    Transaction(&'a str),
    /// `/transactions/T/body`.
    Body(&'a str),
    /// `/transactions/T/blob/B`.
    Blob(&'a str, &'a str),
    /// `/transactions/T/message_builder`.
    MessageBuilder(&'a str),
    /// `/transactions/T/cancel`.
    Cancel(&'a str),
}

/// The location is not one of this agent's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the location of a transaction, as in /transactions/T, or of its body or blob")]
pub struct InvalidLocation;

impl Location {
    /// A location as given.
    pub fn new(uri: impl Into<Arc<str>>) -> Self {
        Self(uri.into())
    }

    /// The location of a transaction of this agent.
    pub fn of_transaction(id: impl fmt::Display) -> Self {
        Self(format!("/transactions/{id}").into())
    }

    /// The location of something below this one: its path continues with `/` and `rest`.
    #[must_use]
    pub fn join(&self, rest: &str) -> Self {
        Self([self.0.trim_end_matches('/'), "/", rest].concat().into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its meaning, if it has the form of this agent's locations. Scheme and authority of an
    /// absolute URI are ignored.
    ///
    /// # Errors
    ///
    /// [`InvalidLocation`].
    pub fn target(&self) -> Result<Target<'_>, InvalidLocation> {
        let path = match self.0.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
            None => &self.0,
        };
        let rest = path.strip_prefix("/transactions/").ok_or(InvalidLocation)?;
        let mut parts = rest.split('/');
        let id = parts.next().filter(|id| !id.is_empty());
        let id = id.ok_or(InvalidLocation)?;
        let target = match (parts.next(), parts.next()) {
            (None, _) => Target::Transaction(id),
            (Some("body"), None) => Target::Body(id),
            (Some("message_builder"), None) => Target::MessageBuilder(id),
            (Some("cancel"), None) => Target::Cancel(id),
            (Some("blob"), Some(blob)) if !blob.is_empty() => Target::Blob(id, blob),
            _ => return Err(InvalidLocation),
        };
        match parts.next() {
            None => Ok(target),
            Some(_) => Err(InvalidLocation),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_absolute_uris_stand_for_the_same() {
        for (uri, target) in [
            ("/transactions/T", Target::Transaction("T")),
            ("http://[::1]:8000/transactions/T", Target::Transaction("T")),
            ("/transactions/T/body", Target::Body("T")),
            (
                "https://a/transactions/T/blob/img",
                Target::Blob("T", "img"),
            ),
            (
                "/transactions/T/message_builder",
                Target::MessageBuilder("T"),
            ),
            ("/transactions/T/cancel", Target::Cancel("T")),
        ] {
            assert_eq!(Location::new(uri).target(), Ok(target), "{uri}");
        }
        for uri in [
            "",
            "/",
            "/transactions/",
            "/transactions//body",
            "/transactions/T/",
            "/transactions/T/blob",
            "/transactions/T/blob/",
            "/transactions/T/blob/a/b",
            "/transactions/T/body/x",
            "/senders/x/transactions",
            "http://a",
        ] {
            assert_eq!(Location::new(uri).target(), Err(InvalidLocation), "{uri}");
        }
    }

    #[test]
    fn parts_lie_below_their_transaction() {
        let transaction = Location::of_transaction("T");
        assert_eq!(transaction.join("body").target(), Ok(Target::Body("T")));
    }
}
