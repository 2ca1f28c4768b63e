//! Header fields and other parameters.

use utoipa::openapi::{
    ComponentsBuilder, Object, Ref, RefOr, Required, Schema, Type,
    header::HeaderBuilder,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::{KnownFormat, ObjectBuilder, SchemaFormat},
};

/// Header fields of requests, and query parameters.
const PARAMETERS: [(&str, ParameterIn, &str, Type); 28] = {
    use ParameterIn::{Header, Query};
    [
        (
            "If-Match",
            Header,
            "The ETag of the version to be changed.",
            Type::String,
        ),
        (
            "If-None-Match",
            Header,
            "The ETag of a version that the client knows; with request-timeout, the answer comes as soon as there is another version.",
            Type::String,
        ),
        (
            "request-timeout",
            Header,
            "How many seconds to wait: with If-None-Match for another version, otherwise for the end.",
            Type::Integer,
        ),
        (
            "Prefer",
            Header,
            "`wait=SECONDS` (RFC 7240): like request-timeout. `wait-for=attempt` or `wait-attempt=SECONDS`: wait for the end of the first attempt. `view=full`: the full view of the transaction.",
            Type::String,
        ),
        (
            "Idempotency-Key",
            Header,
            "Makes it safe to repeat the create. The same request with the same key is answered with the first transaction; another request with that key is refused.",
            Type::String,
        ),
        (
            "Content-Range",
            Header,
            "`bytes START-END/TOTAL`, where TOTAL is `*` until it is known. The range that reaches TOTAL finishes the blob. Without this field the content is the whole blob.",
            Type::String,
        ),
        (
            "X-Finalize-Blob-Length",
            Header,
            "Finishes a blob that has that many octets; the request has no content.",
            Type::Integer,
        ),
        (
            "state",
            Query,
            "Only those that are `waiting`, `active` or `finished`.",
            Type::String,
        ),
        (
            "mail_from",
            Query,
            "Only those with this reverse-path; `<>` is the null reverse-path.",
            Type::String,
        ),
        (
            "recipient",
            Query,
            "Only those with this recipient; upper and lower case are alike.",
            Type::String,
        ),
        (
            "domain",
            Query,
            "Only those with a recipient in this domain.",
            Type::String,
        ),
        (
            "destination",
            Query,
            "Only those that go to this host; or to this domain, where the transaction names no host.",
            Type::String,
        ),
        (
            "since",
            Query,
            "Only those created at this time or later.",
            Type::String,
        ),
        (
            "until",
            Query,
            "Only those created before this time.",
            Type::String,
        ),
        (
            "reply",
            Query,
            "Only those whose last reply contains all of these words; at most 16.",
            Type::String,
        ),
        (
            "dry_run",
            Query,
            "`true`: nothing is changed; the answer says what would be.",
            Type::Boolean,
        ),
        (
            "all",
            Query,
            "`true`: allows a change of all transactions when no other parameter selects some.",
            Type::Boolean,
        ),
        ("limit", Query, "How many at most.", Type::Integer),
        (
            "cursor",
            Query,
            "The `next_cursor` of the previous page.",
            Type::String,
        ),
        (
            "view",
            Query,
            "`full` shows all of the transaction, not just the fields of the basic API.",
            Type::String,
        ),
        (
            "wait-for",
            Query,
            "What a wait without If-None-Match is for: the `end`, or the end of the first `attempt`.",
            Type::String,
        ),
        (
            "id",
            ParameterIn::Path,
            "The transaction, as in its URI.",
            Type::String,
        ),
        (
            "message_id",
            ParameterIn::Path,
            "The message, as in its URI.",
            Type::String,
        ),
        (
            "name",
            ParameterIn::Path,
            "The destination: a domain, an address literal in brackets, or a host and its port.",
            Type::String,
        ),
        (
            "webhook",
            ParameterIn::Path,
            "The name of a webhook in the configuration.",
            Type::String,
        ),
        (
            "sender",
            ParameterIn::Path,
            "The sender's name.",
            Type::String,
        ),
        (
            "address",
            ParameterIn::Path,
            "The address of a recipient.",
            Type::String,
        ),
        (
            "reason",
            Query,
            "The reason; senders see it when a message is refused.",
            Type::String,
        ),
    ]
};

/// Parameters that share their name with others: the name here, the name on the wire, and the description.
const NAMESAKES: [(&str, &str, &str); 5] = [
    (
        "event-type",
        "type",
        "Only those of this type; or of several types, separated by commas: `queued`, `delivered`, `deferred`, `failed`, `expired`, `cancelled`, `abandoned`, `held`, `released`, `bounced`, `ended`.",
    ),
    (
        "event-cursor",
        "cursor",
        "Those after this place: the `next_cursor` of the previous page, the `id` of an event, or `latest` for events that are still to come.",
    ),
    ("queue-id", "id", "Only the transaction of this id."),
    (
        "queue-sender",
        "sender",
        "Only those of the sender with this name.",
    ),
    (
        "queue-state",
        "state",
        "Only those in this state: `waiting` (for an attempt or to be released), `held`, `active`, `finished`, or `unfinished`, which is the default; `any` for all.",
    ),
];

/// Fields of responses.
const HEADERS: [(&str, &str); 7] = [
    ("ETag", "The version of the transaction; opaque."),
    (
        "Location",
        "The URI of the transaction, or where to repeat the request.",
    ),
    (
        "Content-Range",
        "`bytes 0-LAST/TOTAL`: the octets that the blob has now. In a 416, `bytes */LENGTH`: how many octets it has, and so where to go on.",
    ),
    (
        "Retry-After",
        "How many seconds to wait before trying again.",
    ),
    ("WWW-Authenticate", "`Bearer`."),
    (
        "Idempotency-Replayed",
        "`true` if an earlier request with the same `Idempotency-Key` created the transaction.",
    ),
    (
        "Preference-Applied",
        "`wait=SECONDS`: the longest time for which the answer was held back, if the request preferred to wait.",
    ),
];

/// Adds all parameters and header fields.
pub(super) fn add(components: ComponentsBuilder) -> ComponentsBuilder {
    let components =
        PARAMETERS
            .into_iter()
            .fold(components, |components, (name, place, text, kind)| {
                let parameter = described(name, place, text, schema(name, kind));
                components.parameter(name, parameter)
            });
    let components = NAMESAKES
        .into_iter()
        .fold(components, |components, (key, name, text)| {
            let schema = schema(key, Type::String);
            components.parameter(key, described(name, ParameterIn::Query, text, schema))
        });
    let blob = described(
        "blob_id",
        ParameterIn::Path,
        "The `create_id` of a part of the message.",
        Object::with_type(Type::String).into(),
    );
    HEADERS.iter().fold(
        components.parameter("blob_id", blob),
        |components, (name, text)| {
            let header = HeaderBuilder::new()
                .description(Some(*text))
                .schema(Some(Object::with_type(Type::String)));
            components.header(*name, header.build())
        },
    )
}

/// A reference to a parameter.
pub(super) fn parameter(name: &str) -> Ref {
    Ref::new(format!("#/components/parameters/{name}"))
}

/// A reference to a header field of responses.
pub(super) fn header(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

fn described(name: &str, place: ParameterIn, text: &str, schema: RefOr<Schema>) -> Parameter {
    let required = match place {
        ParameterIn::Path => Required::True,
        _ => Required::False,
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(text))
        .schema(Some(schema))
        .build()
}

fn schema(name: &str, kind: Type) -> RefOr<Schema> {
    let object = ObjectBuilder::new();
    let object = match name {
        "state" => object.enum_values(Some(["waiting", "scheduled", "active", "finished"])),
        "queue-state" => object.enum_values(Some([
            "waiting",
            "held",
            "scheduled",
            "active",
            "finished",
            "unfinished",
            "any",
        ])),
        "since" | "until" => object.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
        "view" => object.enum_values(Some(["full"])),
        "wait-for" => object.enum_values(Some(["attempt", "end"])),
        "limit" => object.minimum(Some(1)),
        // One entity tag, or several separated by commas.
        "If-Match" | "If-None-Match" => object.pattern(Some(r"^[!-+\x2d-~]+$")),
        "Idempotency-Key" => object.pattern(Some("^[!-~]{1,255}$")),
        "Content-Range" => object.pattern(Some(
            r"^bytes ([0-9]{1,18}-[0-9]{1,18}/(\*|[0-9]{1,18})|\*/[0-9]{1,18})$",
        )),
        _ if kind == Type::Integer => object.minimum(Some(0)),
        _ => object,
    };
    object.schema_type(kind).build().into()
}
