//! Operations as HTTP requests.

use std::{fmt::Write as _, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{CONTENT_RANGE, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH},
};
use koukan_core::{
    body::Body,
    resource::{
        Append, Create, List, ListState, Location, Operation, Range, Read, Upload, Version,
    },
};
use serde_json::Value;

use crate::schema::{append_to_json, create_to_json, etag};

/// An operation as it is to be sent.
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) to: Location,
    pub(super) headers: HeaderMap,
    pub(super) octets: Bytes,
    pub(super) kind: Kind,
    pub(super) wait: Option<Duration>,
    /// Whether it can be sent again where no answer came.
    pub(super) is_repeatable: bool,
}

/// What kind of answer is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Created,
    Current,
    Uploaded,
    Listed,
}

const REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("request-timeout");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const FINALIZE: HeaderName = HeaderName::from_static("x-finalize-blob-length");

impl Outgoing {
    /// The request, and what is uploaded with it.
    pub(super) fn of(operation: Operation) -> (Self, Option<Body>) {
        match operation {
            Operation::Upload(upload) => Self::upload(upload),
            operation => (Self::without_upload(operation), None),
        }
    }

    fn without_upload(operation: Operation) -> Self {
        match operation {
            Operation::Create(create) => Self::create(&create),
            Operation::Read(read) => Self::read(read),
            Operation::Append(append) => Self::append(&append),
            Operation::Upload(upload) => Self::upload(upload).0,
            Operation::Parsed(parsed) => {
                let mut request = Self::new(Method::POST, parsed.to, Kind::Current);
                request.if_match(parsed.if_match.as_ref());
                request.json(&parsed.message);
                request
            }
            Operation::Cancel(transaction) => {
                let to = match transaction.as_str().ends_with("/cancel") {
                    true => transaction,
                    false => transaction.join("cancel"),
                };
                let mut request = Self::new(Method::POST, to, Kind::Current);
                request.is_repeatable = true;
                request
            }
            Operation::List(list) => Self::list(&list),
        }
    }

    fn new(method: Method, to: Location, kind: Kind) -> Self {
        Self {
            method,
            to,
            headers: HeaderMap::new(),
            octets: Bytes::new(),
            kind,
            wait: None,
            is_repeatable: false,
        }
    }

    fn create(create: &Create) -> Self {
        let name = percent_encoded(&create.sender.name);
        let to = Location::new(format!("/senders/{name}/transactions"));
        let mut request = Self::new(Method::POST, to, Kind::Created);
        request.json(&create_to_json(&create.sender, &create.draft));
        if let Some(key) = &create.idempotency_key {
            request.put(IDEMPOTENCY_KEY, key);
            request.is_repeatable = true;
        }
        if let Some(wait) = create.wait {
            request.wait(wait);
            request.put(PREFER, &format!("wait={}", seconds(wait)));
        }
        request
    }

    fn read(read: Read) -> Self {
        let mut request = Self::new(Method::GET, read.transaction, Kind::Current);
        request.is_repeatable = true;
        if let Some(version) = &read.if_none_match {
            request.put(IF_NONE_MATCH, &etag::quoted(version));
        }
        if let Some(wait) = read.wait {
            request.wait(wait);
        }
        request
    }

    fn append(append: &Append) -> Self {
        let to = append.transaction.clone();
        let mut request = Self::new(Method::PATCH, to, Kind::Current);
        request.if_match(append.if_match.as_ref());
        if !append.draft.is_empty() {
            request.json(&append_to_json(&append.draft, append.rcpt_to_list_offset));
        }
        request
    }

    fn upload(upload: Upload) -> (Self, Option<Body>) {
        let mut request = Self::new(Method::PUT, upload.to, Kind::Uploaded);
        let is_empty = upload.content.is_empty();
        match upload.range {
            Some(Range {
                total: Some(total), ..
            }) if is_empty => request.put(FINALIZE, &total.to_string()),
            Some(range) => request.put(CONTENT_RANGE, &content_range(range)),
            None => {}
        }
        request.put(CONTENT_TYPE, "application/octet-stream");
        (request, Some(upload.content))
    }

    fn list(list: &List) -> Self {
        let name = percent_encoded(&list.sender);
        let mut uri = format!("/senders/{name}/transactions?limit={}", list.limit);
        if let Some(state) = list.state {
            let state = match state {
                ListState::Waiting => "waiting",
                ListState::Active => "active",
                ListState::Finished => "finished",
            };
            uri += "&state=";
            uri += state;
        }
        if let Some(cursor) = &list.cursor {
            uri += "&cursor=";
            uri += &percent_encoded(cursor);
        }
        let mut request = Self::new(Method::GET, Location::new(uri), Kind::Listed);
        request.is_repeatable = true;
        request
    }

    fn json(&mut self, value: &Value) {
        self.octets = value.to_string().into();
        self.put(CONTENT_TYPE, "application/json");
    }

    fn if_match(&mut self, version: Option<&Version>) {
        if let Some(version) = version {
            self.put(IF_MATCH, &etag::quoted(version));
        }
    }

    fn wait(&mut self, wait: Duration) {
        self.wait = Some(wait);
        self.put(REQUEST_TIMEOUT, &seconds(wait).to_string());
    }

    fn put(&mut self, name: HeaderName, value: &str) {
        // What cannot stand in a header field is missed by the server, which says so.
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }
}

/// Whole seconds, rounded up.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn content_range(range: Range) -> String {
    let last = range.end.map_or(range.start, |end| end.saturating_sub(1));
    match range.total {
        Some(total) => format!("bytes {}-{last}/{total}", range.start),
        None => format!("bytes {}-{last}/*", range.start),
    }
}

/// A text as one segment of a path: RFC 3986 section 2.1.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            encoded.push(char::from(octet));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(encoded, "%{octet:02X}");
        }
    }
    encoded
}
