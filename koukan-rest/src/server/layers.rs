//! The layers around all routes.

use std::any::Any;

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderName, HeaderValue, Method,
        header::{
            AUTHORIZATION, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH,
            IF_NONE_MATCH, LOCATION, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use koukan_core::{
    resource::Refusal,
    shares::{Client, Shares},
};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    cors::CorsLayer,
    request_id::{PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    sensitive_headers::SetSensitiveRequestHeadersLayer,
    set_header::SetResponseHeaderLayer,
    trace::TraceLayer,
};

use super::{
    failures::Failures, problem::Problem, request_ids::RequestIds, sending::Room, shared::Shared,
    sound::expect_sound, unread::end_content,
};

/// The routes with all layers around them, outermost first.
///
/// All layers are added at once: a router boxes its routes for each layer that it is given, and
/// copies the boxes for each request.
pub(super) fn around(routes: Router, shared: &Shared) -> Router {
    let settings = &shared.settings;
    let slots = Shares::new(settings.max_requests as u64);
    let no_store = HeaderValue::from_static("no-store");
    let no_sniff = HeaderValue::from_static("nosniff");
    routes.layer(
        ServiceBuilder::new()
            // Outermost, so that no code that prints header fields prints a token.
            .layer(SetSensitiveRequestHeadersLayer::new([AUTHORIZATION]))
            // Around the trace, so that the log entry of a request can be found by the id that its client got.
            .layer(SetRequestIdLayer::x_request_id(RequestIds))
            // Sees the request with its id, and the response of all inner layers.
            .layer(
                TraceLayer::new_for_http()
                    .make_span_with(span)
                    .on_failure(Failures),
            )
            // Inside the layer that assigns the id.
            .layer(PropagateRequestIdLayer::x_request_id())
            // What clients have written is never treated as a script.
            .layer(SetResponseHeaderLayer::overriding(
                X_CONTENT_TYPE_OPTIONS,
                no_sniff,
            ))
            // No proxy may store what changes at any time and is private.
            .layer(SetResponseHeaderLayer::overriding(CACHE_CONTROL, no_store))
            // Outside the limits and authentication: scripts must be able to read refusals too, and
            // preflight requests carry no token.
            .option_layer(cors(&settings.cors_origins))
            // Around everything that may answer before the content was read, including after a panic.
            .layer(from_fn(end_content))
            // Around everything that may panic, so that a panic costs one request.
            .layer(CatchPanicLayer::custom(panicked))
            // Inside the others: it changes the content, which no other layer needs to see; but it is
            // only known inside of it how much the content is.
            .layer(CompressionLayer::new().gzip(true))
            // Around everything expensive; inside the layers that make its refusal a well-formed response.
            .layer(from_fn_with_state((slots, shared.clone()), limit_load))
            // Innermost, since its refusals are responses like any others.
            .layer(expect_sound(shared.clone())),
    )
}

/// Finds out who sent the request, and answers 503 at once if there is no free slot: a queue would
/// only make clients wait. No client can take all slots, nor all the room for responses. A client is
/// known by its token, wherever it connects from; without a token, by its address.
async fn limit_load(
    State((slots, shared)): State<(Shares<Client>, Shared)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let asking = shared.asking(&request);
    let client = asking.client().clone();
    let room = Room {
        slot: slots.charge(&client, 1).ok_or_else(Problem::overloaded)?,
        answers: shared.answers.clone(),
        client,
    };
    if !room.is_free() {
        return Err(Problem::overloaded());
    }
    request.extensions_mut().insert(asking);
    let (method, version) = (request.method().clone(), request.version());
    let response = next.run(request).await;
    room.hold(response, (&method, version))
}

/// The response after a panic: the panic's message goes to the log, not to the client.
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(message, "a request panicked");
    Problem::from(Refusal::internal()).into_response()
}

/// The span of a request: its path without the query, and its id.
fn span<B>(request: &axum::http::Request<B>) -> tracing::Span {
    let id = request.extensions().get::<RequestId>();
    let id = id.and_then(|id| id.header_value().to_str().ok());
    let (method, path) = (request.method(), request.uri().path());
    tracing::info_span!("request", %method, path, id)
}

/// The origins whose scripts may use the API; `None` if there are none.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins = origins.iter().filter_map(|origin| {
        // With `*`, any web page could act for a user of this machine.
        let value = HeaderValue::from_str(origin).ok();
        let value = value.filter(|_| origin != "*");
        if value.is_none() {
            tracing::warn!(%origin, "not an origin");
        }
        value
    });
    let origins: Vec<_> = origins.collect();
    if origins.is_empty() {
        return None;
    }
    let cors = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_RANGE,
            CONTENT_TYPE,
            IF_MATCH,
            IF_NONE_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("prefer"),
            HeaderName::from_static("request-timeout"),
            HeaderName::from_static("x-finalize-blob-length"),
        ])
        .expose_headers([
            CONTENT_RANGE,
            ETAG,
            LOCATION,
            RETRY_AFTER,
            HeaderName::from_static("idempotency-replayed"),
            HeaderName::from_static("preference-applied"),
            HeaderName::from_static("x-request-id"),
        ]);
    Some(cors)
}
