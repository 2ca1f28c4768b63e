//! The content of a request.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http_body_util::{Either, Full};

use super::upload::{Source, Upload};

/// The content of a request.
#[derive(Debug)]
pub(in super::super) enum Content {
    /// No content.
    None,
    /// A JSON document.
    Json(Bytes),
    /// Octets that arrive bit by bit.
    Upload(Arc<Source>),
}

/// The content as the HTTP library takes it.
pub(super) type RequestBody = Either<Full<Bytes>, Upload>;

impl Content {
    pub(super) fn media_type(&self) -> Option<HeaderValue> {
        match self {
            Self::None => None,
            Self::Json(_) => Some(HeaderValue::from_static("application/json")),
            Self::Upload(_) => Some(HeaderValue::from_static("application/octet-stream")),
        }
    }

    /// Whether the content can be sent completely more than once.
    pub(super) fn is_repeatable(&self) -> bool {
        match self {
            Self::None | Self::Json(_) => true,
            Self::Upload(source) => source.is_whole(),
        }
    }

    pub(super) fn source(&self) -> Option<&Source> {
        match self {
            Self::Upload(source) => Some(source),
            Self::None | Self::Json(_) => None,
        }
    }

    pub(super) fn body(&self) -> RequestBody {
        match self {
            Self::None => Either::Left(Full::default()),
            Self::Json(json) => Either::Left(Full::new(json.clone())),
            Self::Upload(source) => Either::Right(Source::upload(source)),
        }
    }
}
