//! Turns HTTP responses into answers of the resource service.

use http::{
    HeaderMap, HeaderName,
    header::{CONTENT_RANGE, LOCATION},
};
use koukan_core::resource::{
    BadAnswer, Created, ListedTransaction, Location, Refusal, RefusalKind, ResourceResponse,
    TransactionsListed, View,
};
use serde_json::{Map, Value};

use crate::schema::{
    json::{self, InvalidJson, VALUES_MAX},
    problem, view_from_json,
};

use super::{ClientError, etag::version, transport::Response, uri::resolve};

/// Set if the transaction was made by an earlier request.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

impl Response {
    /// The response to a create.
    pub(super) fn created(&self) -> Result<ResourceResponse, ClientError> {
        let json = self.json()?;
        let view = self.view(&json)?;
        let location = self.headers.get(LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        let location = location.and_then(|location| self.resolve(location));
        let location = location.or_else(|| self.told_location(&json, &view));
        Ok(ResourceResponse::Created(Created {
            location: location.ok_or_else(|| self.bad("no Location"))?,
            version: version(&self.headers, &self.content),
            view: Box::new(view),
            is_replayed: self.is_replayed(),
        }))
    }

    fn is_replayed(&self) -> bool {
        self.headers
            .get(REPLAYED)
            .is_some_and(|value| value == "true")
    }

    /// The URI of a transaction whose response has no `Location`: the one in its own `uri` field,
    /// or that of its message. A transaction that already has its final reply is never asked about
    /// again, so then any URI will do.
    fn told_location(&self, json: &Value, view: &View) -> Option<Location> {
        if let Some(uri) = json.get("uri").and_then(Value::as_str) {
            return self.resolve(uri);
        }
        let body = view.body.as_ref();
        let blob = body.and_then(|body| body.blob_status.as_ref());
        let whole = blob.and_then(|blob| blob.uri.as_str().strip_suffix("/body"));
        let builder = body.and_then(|body| body.message_builder.as_ref()?.uri.as_ref());
        let parsed = builder.and_then(|uri| uri.as_str().strip_suffix("/message_builder"));
        if let Some(uri) = whole.or(parsed) {
            return Some(Location::new(uri));
        }
        let is_over = view.is_final() || view.data_response.is_some();
        is_over.then(|| Location::new(self.uri.to_string()))
    }

    /// The error for a response that breaks the contract.
    pub(super) fn bad(&self, reason: &'static str) -> ClientError {
        ClientError::Malformed(self.facts(reason, &self.content))
    }

    /// The error for a redirect to `to` that breaks the contract.
    pub(super) fn bad_redirect(&self, reason: &'static str, to: &str) -> ClientError {
        ClientError::Malformed(self.facts(reason, to.as_bytes()))
    }

    /// What the error says about the response.
    fn facts(&self, reason: &'static str, content: &[u8]) -> BadAnswer {
        let method = self.method.as_str();
        BadAnswer::new(method, &self.uri, self.status.as_u16(), reason, content)
    }

    /// The response with a transaction in its present state.
    pub(super) fn current(&self) -> Result<ResourceResponse, ClientError> {
        Ok(ResourceResponse::Current {
            version: version(&self.headers, &self.content),
            view: Box::new(self.view(&self.json()?)?),
        })
    }

    /// The response with a list of a sender's transactions.
    pub(super) fn listed(&self) -> Result<ResourceResponse, ClientError> {
        let json = self.json()?;
        let entries = json.get("transactions").and_then(Value::as_array);
        let entries = entries.ok_or_else(|| self.bad("no transactions"))?;
        let transactions = entries.iter().map(|entry| self.entry(entry));
        let next = json.get("next_cursor").and_then(Value::as_str);
        Ok(ResourceResponse::Listed(TransactionsListed {
            transactions: transactions.collect::<Result<_, _>>()?,
            next: next.map(Into::into),
        }))
    }

    fn entry(&self, json: &Value) -> Result<ListedTransaction, ClientError> {
        let text = |name: &str| json.get(name).and_then(Value::as_str);
        let location = text("uri").and_then(|uri| self.resolve(uri));
        let created = text("created").and_then(|created| created.parse().ok());
        Ok(ListedTransaction {
            location: location.ok_or_else(|| self.bad("an entry without a URI"))?,
            created: created.unwrap_or_default(),
            view: Box::new(self.view(json)?),
        })
    }

    /// The response that refuses a request.
    pub(super) fn refusal(&self) -> Result<Refusal, ClientError> {
        let mut refusal = problem::from_response(self.status, &self.headers, &self.content);
        if let Some(there) = self.redirect()? {
            refusal.kind = RefusalKind::Elsewhere(Location::new(there.to_string()));
        }
        Ok(refusal)
    }

    fn json(&self) -> Result<Value, ClientError> {
        if self.content.trim_ascii().is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        json::parse(&self.content, VALUES_MAX).map_err(|error| match error {
            InvalidJson::TooManyValues(_) => self.bad("more values than are read"),
            InvalidJson::Syntax(_) | InvalidJson::Ambiguous(_) => self.bad("no JSON"),
        })
    }

    fn view(&self, json: &Value) -> Result<View, ClientError> {
        let view = view_from_json(json);
        let mut view = view.map_err(|_| self.bad("not a transaction"))?;
        if let Some(body) = &mut view.body {
            let blob = body.blob_status.iter_mut().map(|blob| &mut blob.uri);
            let builder = body.message_builder.iter_mut().flat_map(|builder| {
                let blobs = builder.blob_status.iter_mut().flatten();
                let blobs = blobs.map(|(_, blob)| &mut blob.uri);
                builder.uri.iter_mut().chain(blobs)
            });
            for uri in blob.chain(builder) {
                *uri = self
                    .resolve(uri.as_str())
                    .ok_or_else(|| self.bad("a URI that is none"))?;
            }
        }
        Ok(view)
    }

    fn resolve(&self, reference: &str) -> Option<Location> {
        let uri = resolve(&self.uri, reference)?;
        Some(Location::new(uri.to_string()))
    }
}

/// The octets that a blob has now, and how many it will have: `bytes 0-9/20`, `bytes 0-9/*`, or
/// `bytes */10`.
pub(super) fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let value = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let total = total.parse().ok();
    match range.split_once('-') {
        Some((_, last)) => Some((last.parse::<u64>().ok()?.checked_add(1)?, total)),
        None => Some((total?, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_tell_where_to_go_on() {
        for (value, range) in [
            ("bytes 0-9/20", Some((10, Some(20)))),
            ("bytes 0-9/*", Some((10, None))),
            ("bytes */10", Some((10, None))),
            ("lines 0-9/20", None),
            ("bytes 0-x/20", None),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_RANGE, value.parse().unwrap())]);
            assert_eq!(content_range(&headers), range, "{value}");
        }
    }
}
