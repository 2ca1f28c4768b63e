//! HTTP responses as answers.

use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;
use http::{
    HeaderMap, StatusCode, Uri,
    header::{CONTENT_RANGE, ETAG, LOCATION},
};
use koukan_core::resource::{
    BodyView, Created, Listed, ListedTransaction, Location, ResourceResponse, Uploaded, Version,
    View,
};
use serde_json::Value;

use crate::schema::{etag, problem, view_from_json};

use super::{ClientError, request::Kind};

/// A response that has come whole.
pub(super) struct Incoming {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Where it came from.
    pub(super) uri: Uri,
}

impl Incoming {
    pub(super) fn into_answer(self, kind: Kind) -> Result<ResourceResponse, ClientError> {
        if self.status == StatusCode::NOT_MODIFIED {
            return Ok(ResourceResponse::Unchanged(self.version()));
        }
        if !self.status.is_success() {
            let refusal = problem::from_response(self.status, &self.headers, &self.body);
            return Ok(refusal.into());
        }
        match kind {
            Kind::Created => {
                let location = self.headers.get(LOCATION);
                let location = location.and_then(|location| location.to_str().ok());
                let location = location.ok_or(ClientError::Malformed("no Location"))?;
                Ok(ResourceResponse::Created(Created {
                    location: self.resolve(location),
                    version: self.version(),
                    view: Box::new(self.view()?),
                }))
            }
            Kind::Current => Ok(ResourceResponse::Current {
                version: self.version(),
                view: Box::new(self.view()?),
            }),
            Kind::Uploaded => Ok(ResourceResponse::Uploaded(self.uploaded())),
            Kind::Listed => self.listed(),
        }
    }

    fn json(&self) -> Result<Value, ClientError> {
        if self.body.is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_slice(&self.body).map_err(|_| ClientError::Malformed("no JSON"))
    }

    fn view(&self) -> Result<View, ClientError> {
        self.view_of(&self.json()?)
    }

    fn view_of(&self, json: &Value) -> Result<View, ClientError> {
        let view = view_from_json(json);
        let mut view = view.map_err(|_| ClientError::Malformed("not a transaction"))?;
        if let Some(body) = &mut view.body {
            self.resolve_all(body);
        }
        Ok(view)
    }

    fn resolve_all(&self, body: &mut BodyView) {
        let resolve = |uri: &mut Location| *uri = self.resolve(uri.as_str());
        if let Some(blob) = &mut body.blob_status {
            resolve(&mut blob.uri);
        }
        if let Some(builder) = &mut body.message_builder {
            if let Some(uri) = &mut builder.uri {
                resolve(uri);
            }
            for (_, blob) in builder.blob_status.iter_mut().flatten() {
                resolve(&mut blob.uri);
            }
        }
    }

    /// A reference against where the response came from: RFC 3986 section 5, as far as servers of
    /// this API use it.
    fn resolve(&self, reference: &str) -> Location {
        if reference.contains("://") {
            return Location::new(reference);
        }
        let scheme = self.uri.scheme_str().unwrap_or("http");
        if reference.starts_with("//") {
            return Location::new(format!("{scheme}:{reference}"));
        }
        let authority = self
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        if reference.starts_with('/') {
            return Location::new(format!("{scheme}://{authority}{reference}"));
        }
        let path = self.uri.path();
        let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
        Location::new(format!("{scheme}://{authority}{folder}{reference}"))
    }

    /// The version that the server names, else one of our own making.
    fn version(&self) -> Version {
        let named = self.headers.get(ETAG).and_then(|etag| etag.to_str().ok());
        named.map_or_else(
            || {
                let mut hash = DefaultHasher::new();
                hash.write(&self.body);
                Version::new(format!("{:016x}", hash.finish()))
            },
            etag::parse,
        )
    }

    fn uploaded(&self) -> Uploaded {
        let range = self.headers.get(CONTENT_RANGE);
        let range = range
            .and_then(|range| range.to_str().ok())
            .unwrap_or_default();
        let (octets, total) = range
            .strip_prefix("bytes ")
            .and_then(|range| range.split_once('/'))
            .unwrap_or_default();
        let last = octets
            .split_once('-')
            .and_then(|(_, last)| last.parse::<u64>().ok());
        let total = total.parse().ok();
        let len = last.map_or(0, |last| last + 1);
        Uploaded {
            len,
            total,
            // Without a range it was the whole.
            finalized: range.is_empty() || total == Some(len),
        }
    }

    fn listed(&self) -> Result<ResourceResponse, ClientError> {
        let json = self.json()?;
        let mut transactions = Vec::new();
        for entry in json["transactions"].as_array().into_iter().flatten() {
            let created = entry["created"].as_str().unwrap_or_default();
            transactions.push(ListedTransaction {
                location: self.resolve(entry["uri"].as_str().unwrap_or_default()),
                created: created.parse().unwrap_or_default(),
                view: Box::new(self.view_of(entry)?),
            });
        }
        Ok(ResourceResponse::Listed(Listed {
            transactions,
            next: json["next_cursor"].as_str().map(Into::into),
        }))
    }
}
