//! The routes.

use utoipa::{
    ToSchema,
    openapi::{
        Content, HttpMethod, KnownFormat, Object, Paths, Ref, Response, ResponseBuilder,
        SchemaFormat, Type,
        path::{OperationBuilder, PathsBuilder},
        request_body::{RequestBody, RequestBodyBuilder},
        schema::ObjectBuilder,
        security::SecurityRequirement,
    },
};

use super::{
    about::{self, About},
    destinations,
    event::EventList,
    explanation, fields,
    message::ParsedMessage,
    messages, problems,
    queue::{QueueChanged, QueueList, QueuedDetails},
    request::{Append, Create},
    suppressions,
    transaction::{Transaction, TransactionList},
    webhooks,
};

pub(super) const JSON: &str = "application/json";
const MESSAGE: &str = "message/rfc822";
const OCTETS: &str = "application/octet-stream";

/// Statuses that any request for a transaction may get.
pub(super) const OF_A_TRANSACTION: [u16; 8] = [308, 400, 401, 403, 404, 429, 500, 503];

/// Statuses that any create may get.
pub(super) const OF_A_CREATE: [u16; 12] =
    [400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503];

/// Parameters that select transactions of the queue.
const QUEUE_FILTER: [&str; 10] = [
    "queue-id",
    "queue-sender",
    "queue-state",
    "mail_from",
    "recipient",
    "domain",
    "destination",
    "since",
    "until",
    "reply",
];

/// All routes, with their methods.
pub(super) fn paths() -> Paths {
    let mut paths = PathsBuilder::new().build();
    let mut add = |path: &str, method, operation: OperationBuilder| {
        paths.add_path_operation(path, vec![method], operation.build());
    };
    let of_sender = "/senders/{sender}/transactions";
    add(of_sender, HttpMethod::Post, create());
    add(of_sender, HttpMethod::Get, list());
    messages::add(&mut add);
    add("/transactions/{id}", HttpMethod::Get, read());
    add("/transactions/{id}", HttpMethod::Patch, append());
    add("/transactions/{id}/body", HttpMethod::Put, upload_body());
    let blob = "/transactions/{id}/blob/{blob_id}";
    add(blob, HttpMethod::Put, upload_blob());
    let builder = "/transactions/{id}/message_builder";
    add(builder, HttpMethod::Post, parsed(&about::POST_PARSED));
    add(builder, HttpMethod::Put, parsed(&about::PUT_PARSED));
    add("/transactions/{id}/cancel", HttpMethod::Post, cancel());
    add("/events", HttpMethod::Get, read_events());
    add("/queue", HttpMethod::Get, list_queue());
    add("/queue/{id}", HttpMethod::Get, show_queued());
    add("/queue/{id}/message", HttpMethod::Get, read_message());
    for (action, one, many) in &about::CHANGES {
        let path = format!("/queue/{{id}}/{action}");
        add(&path, HttpMethod::Post, change_one(one));
        add(&format!("/queue/{action}"), HttpMethod::Post, change(many));
    }
    destinations::add(&mut add);
    suppressions::add(&mut add);
    webhooks::add(&mut add);
    explanation::add(&mut add);
    let text = "text/plain";
    for (path, about, media_type) in [
        ("/openapi.json", &about::OPENAPI, JSON),
        ("/healthz", &about::HEALTHZ, text),
        ("/readyz", &about::READYZ, text),
        ("/metrics", &about::METRICS, text),
    ] {
        add(path, HttpMethod::Get, of_agent(about, media_type));
    }
    paths
}

fn create() -> OperationBuilder {
    let created = transaction(
        "the transaction was created now, or earlier by the request that this one repeats",
    );
    let created = ["Location", "Idempotency-Replayed"]
        .into_iter()
        .fold(created, |created, name| {
            created.header_ref(name, fields::header(name))
        });
    let created = held_back(created);
    let parameters = [
        "sender",
        "Idempotency-Key",
        "Prefer",
        "request-timeout",
        "wait-for",
        "view",
    ];
    let operation = operation(&about::CREATE, &parameters)
        .request_body(Some(json::<Create>()))
        .response("201", created.build());
    refused(operation, &OF_A_CREATE)
}

fn list() -> OperationBuilder {
    let listed = ResponseBuilder::new()
        .description("transactions, newest first")
        .content(JSON, content::<TransactionList>());
    let parameters = [
        "sender",
        "state",
        "mail_from",
        "recipient",
        "domain",
        "destination",
        "since",
        "until",
        "reply",
        "limit",
        "cursor",
        "view",
    ];
    let operation = operation(&about::LIST, &parameters).response("200", listed.build());
    refused(operation, &[400, 401, 403, 404, 429, 500, 503])
}

fn read_events() -> OperationBuilder {
    let page = ResponseBuilder::new()
        .description("events, the oldest first")
        .content(JSON, content::<EventList>());
    let parameters = [
        "event-cursor",
        "limit",
        "event-type",
        "queue-sender",
        "request-timeout",
    ];
    let operation = operation(&about::EVENTS, &parameters).response("200", page.build());
    refused(operation, &[400, 401, 403, 404, 410, 429, 500, 503])
}

fn list_queue() -> OperationBuilder {
    let listed = ResponseBuilder::new()
        .description("transactions, newest first")
        .content(JSON, content::<QueueList>());
    let parameters = [&QUEUE_FILTER[..], &["limit", "cursor"]].concat();
    let operation = operation(&about::LIST_QUEUE, &parameters).response("200", listed.build());
    refused(operation, &[400, 401, 403, 429, 500, 503])
}

fn change(about: &About) -> OperationBuilder {
    let changed = ResponseBuilder::new()
        .description("how many were changed, or would be")
        .content(JSON, content::<QueueChanged>());
    let parameters = [&QUEUE_FILTER[..], &["dry_run", "all"]].concat();
    let operation = operation(about, &parameters).response("200", changed.build());
    refused(operation, &[400, 401, 403, 429, 500, 503])
}

fn change_one(about: &About) -> OperationBuilder {
    let shown = ResponseBuilder::new()
        .description("the transaction after the change")
        .content(JSON, content::<QueuedDetails>());
    let operation = operation(about, &["id"]).response("200", shown.build());
    refused(operation, &[400, 401, 403, 404, 409, 429, 500, 503])
}

fn show_queued() -> OperationBuilder {
    let shown = ResponseBuilder::new()
        .description("the transaction and its attempts")
        .content(JSON, content::<QueuedDetails>());
    let operation = operation(&about::SHOW_QUEUED, &["id"]).response("200", shown.build());
    refused(operation, &[400, 401, 403, 404, 429, 500, 503])
}

fn read_message() -> OperationBuilder {
    let message = ResponseBuilder::new()
        .description("the message")
        .content(MESSAGE, Content::new(Some(binary())))
        // Generators of clients take this for octets.
        .content(OCTETS, Content::new(Some(binary())));
    let operation = operation(&about::READ_MESSAGE, &["id"]).response("200", message.build());
    refused(operation, &[400, 401, 403, 404, 429, 500, 503])
}

fn binary() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
}

fn read() -> OperationBuilder {
    let unchanged = ResponseBuilder::new()
        .description("there is no other version")
        .header_ref("ETag", fields::header("ETag"));
    let current = transaction("the transaction as it is now");
    let parameters = [
        "id",
        "If-None-Match",
        "request-timeout",
        "Prefer",
        "wait-for",
        "view",
    ];
    let operation = operation(&about::READ, &parameters)
        .response("200", held_back(current).build())
        .response("304", held_back(unchanged).build());
    refused(operation, &OF_A_TRANSACTION)
}

fn append() -> OperationBuilder {
    let mut body = json::<Append>();
    // Without content the request only shows that the client is still there.
    body.required = None;
    let operation = operation(&about::APPEND, &["id", "If-Match", "view"])
        .request_body(Some(body))
        .response(
            "200",
            transaction("the transaction after the addition").build(),
        );
    let operation = refused(operation, &OF_A_TRANSACTION);
    refused(operation, &[408, 409, 412, 413, 415, 428])
}

fn upload_body() -> OperationBuilder {
    upload(operation(&about::UPLOAD_BODY, &["id"]))
}

fn upload_blob() -> OperationBuilder {
    upload(operation(&about::UPLOAD_BLOB, &["id", "blob_id"]))
}

fn upload(operation: OperationBuilder) -> OperationBuilder {
    // Any media type is accepted. For a range of types, generators make no body, or one that is not octets.
    let octets = RequestBodyBuilder::new()
        .description(Some("The octets. Any other media type is accepted too."))
        .content(OCTETS, Content::new(Some(binary())));
    let written = ResponseBuilder::new()
        .description("the octets were written")
        .header_ref("Content-Range", fields::header("Content-Range"));
    let operation = operation
        .parameter_ref(fields::parameter("Content-Range"))
        .parameter_ref(fields::parameter("X-Finalize-Blob-Length"))
        .request_body(Some(octets.build()))
        .response("200", written.build());
    let operation = refused(operation, &OF_A_TRANSACTION);
    refused(operation, &[408, 409, 413, 415, 416])
}

fn parsed(about: &About) -> OperationBuilder {
    let operation = operation(about, &["id", "If-Match"])
        .request_body(Some(json::<ParsedMessage>()))
        .response("200", transaction("the message was accepted").build());
    let operation = refused(operation, &OF_A_TRANSACTION);
    refused(operation, &[408, 409, 412, 413, 415, 428])
}

fn cancel() -> OperationBuilder {
    let operation = operation(&about::CANCEL, &["id", "view"])
        .response("200", transaction("the transaction as it is now").build());
    refused(operation, &OF_A_TRANSACTION)
}

/// Operations on the agent that need no token.
fn of_agent(about: &About, media_type: &str) -> OperationBuilder {
    let kind = match media_type {
        JSON => Type::Object,
        _ => Type::String,
    };
    let content = || Content::new(Some(Object::with_type(kind.clone())));
    let answer = |text: &str| -> Response {
        let answer = ResponseBuilder::new().description(text);
        answer.content(media_type, content()).build()
    };
    let operation = operation(about, &[])
        .security(SecurityRequirement::default())
        .response("200", answer("yes"));
    match about.id {
        "readyz" => operation.response("503", answer("not now")),
        // The document takes one of the places for requests, as other routes do.
        "openapi" => refused(operation, &[500, 503]),
        _ => operation,
    }
}

pub(super) fn operation(about: &About, parameters: &[&str]) -> OperationBuilder {
    let operation = OperationBuilder::new()
        .operation_id(Some(about.id))
        .tag(about.tag)
        .summary(Some(about.summary))
        .description(Some(about.text));
    parameters.iter().fold(operation, |operation, name| {
        operation.parameter_ref(fields::parameter(name))
    })
}

pub(super) fn refused(operation: OperationBuilder, statuses: &[u16]) -> OperationBuilder {
    statuses.iter().fold(operation, |operation, status| {
        operation.response(status.to_string(), problems::response(*status))
    })
}

/// Adds the header field that says for how long the answer was held back.
pub(super) fn held_back(response: ResponseBuilder) -> ResponseBuilder {
    let name = "Preference-Applied";
    response.header_ref(name, fields::header(name))
}

fn transaction(description: &str) -> ResponseBuilder {
    ResponseBuilder::new()
        .description(description)
        .header_ref("ETag", fields::header("ETag"))
        .content(JSON, content::<Transaction>())
}

pub(super) fn json<S: ToSchema>() -> RequestBody {
    let body = RequestBodyBuilder::new().content(JSON, content::<S>());
    body.required(Some(utoipa::openapi::Required::True)).build()
}

/// Content that follows a schema of the components.
pub(super) fn content<S: ToSchema>() -> Content {
    Content::new(Some(Ref::from_schema_name(S::name())))
}
