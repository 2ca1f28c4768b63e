//! Requests to a router with a scripted service.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, request::Builder},
};
use http_body_util::BodyExt;
use koukan_core::resource::{
    Created, Location, Operation, ResourceRequest, ResourceResponse, Version, View,
};
use koukan_rest::server::{Server, ServerSettings};
use serde_json::Value;
use tower::{BoxError, ServiceExt, service_fn};

/// The operations that the service was asked for.
pub(crate) type Asked = Arc<Mutex<Vec<ResourceRequest>>>;

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that an answer has well-formed problem details, and returns the detail.
    pub(crate) fn detail(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        json["detail"].as_str().unwrap().into()
    }
}

pub(crate) fn current(version: &str) -> ResourceResponse {
    ResourceResponse::Current {
        view: Box::new(View::default()),
        version: Version::new(version),
    }
}

pub(crate) fn created() -> ResourceResponse {
    ResourceResponse::Created(Created {
        location: Location::of_transaction("T"),
        view: Box::new(View::default()),
        version: Version::new("1"),
        is_replayed: false,
    })
}

/// A server that gives that answer to every request, after it has read the upload.
pub(crate) fn answering(response: ResourceResponse) -> (Server, Asked) {
    answering_with(response, ServerSettings::default())
}

pub(crate) fn answering_with(
    response: ResourceResponse,
    settings: ServerSettings,
) -> (Server, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let service = service_fn(move |mut request: ResourceRequest| {
        let (seen, response) = (Arc::clone(&seen), response.clone());
        async move {
            if let Operation::Upload(upload) = &mut request.operation {
                while upload.content.next().await?.is_some() {}
            }
            seen.lock().unwrap().push(request);
            Ok::<_, BoxError>(response)
        }
    });
    (Server::new(service, settings), asked)
}

/// A server that answers with what `answer` makes of the operation.
pub(crate) fn with(
    answer: impl Fn(Operation) -> ResourceResponse + Clone + Send + Sync + 'static,
) -> Server {
    let service = service_fn(move |request: ResourceRequest| {
        let response = answer(request.operation);
        async move { Ok::<_, BoxError>(response) }
    });
    Server::new(service, ServerSettings::default())
}

pub(crate) async fn send(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let octets = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        text: String::from_utf8(octets.into()).unwrap(),
    }
}

pub(crate) fn request(method: &str, path: &str) -> Builder {
    Request::builder().method(method).uri(path)
}

pub(crate) fn json_request(method: &str, path: &str, json: &str) -> Request<Body> {
    let request = request(method, path).header("content-type", "application/json");
    request.body(Body::from(json.to_owned())).unwrap()
}

pub(crate) fn empty(request: Builder) -> Request<Body> {
    request.body(Body::empty()).unwrap()
}

/// The only operation that the service was asked for.
pub(crate) fn only(asked: &Asked) -> Operation {
    let mut asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    asked.pop().unwrap().operation
}

pub(crate) const CREATE: &str =
    r#"{"mail_from": {"m": "alice@example.com"}, "rcpt_to": [{"m": "bob@example.com"}]}"#;
