//! The OpenAPI description of the API.
//!
//! The types of [`request`], [`message`] and [`transaction`] describe the JSON that is read and
//! written; only their schemas are used.

mod about;
mod destinations;
mod event;
mod explanation;
mod fields;
mod finish;
mod flat;
mod message;
mod messages;
mod operations;
mod problems;
mod queue;
mod request;
mod suppressions;
mod transaction;
mod webhooks;

use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApiBuilder, RefOr, Schema, Server,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

/// The name of the only authentication scheme.
const BEARER: &str = "bearer";

/// The OpenAPI 3.1 document of the API.
///
/// # Example
///
/// ```
/// let document = koukan_rest::schema::openapi();
/// assert_eq!(document["openapi"], "3.1.0");
/// assert!(document["paths"]["/transactions/{id}"]["get"].is_object());
/// ```
pub fn openapi() -> Value {
    let license = LicenseBuilder::new()
        .name("Apache-2.0 OR MIT")
        .identifier(Some("Apache-2.0 OR MIT"));
    let info = InfoBuilder::new()
        .title("Koukan")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(include_str!("description.md")))
        .license(Some(license.build()));
    let document = OpenApiBuilder::new()
        .info(info.build())
        .paths(operations::paths())
        // The API is on the same server as the document.
        .servers(Some([Server::new("/")]))
        .tags(Some(about::tags()))
        .components(Some(components().build()))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>(
            BEARER,
            [],
        )]))
        .build();
    let mut document = serde_json::to_value(document).expect("a document has no keys but strings");
    finish::finish(&mut document);
    document
}

fn components() -> ComponentsBuilder {
    let mut schemas = Vec::new();
    add::<request::Create>(&mut schemas);
    add::<request::Append>(&mut schemas);
    add::<message::ParsedMessage>(&mut schemas);
    // The elements of tuples are inline; the schemas to which they refer must be added.
    message::HeaderValue::schemas(&mut schemas);
    add::<transaction::Transaction>(&mut schemas);
    add::<transaction::TransactionList>(&mut schemas);
    add::<flat::NewMessage>(&mut schemas);
    add::<flat::MessageBatch>(&mut schemas);
    add::<flat::Message>(&mut schemas);
    add::<flat::BatchResults>(&mut schemas);
    add::<event::EventList>(&mut schemas);
    add::<queue::QueueList>(&mut schemas);
    add::<queue::QueueChanged>(&mut schemas);
    add::<queue::QueuedDetails>(&mut schemas);
    add::<destinations::DestinationList>(&mut schemas);
    add::<destinations::Destination>(&mut schemas);
    add::<suppressions::SuppressionList>(&mut schemas);
    add::<suppressions::Suppression>(&mut schemas);
    add::<webhooks::WebhookList>(&mut schemas);
    add::<webhooks::Webhook>(&mut schemas);
    add::<explanation::Explain>(&mut schemas);
    add::<explanation::Explanation>(&mut schemas);
    add::<problems::Problem>(&mut schemas);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(BEARER, SecurityScheme::Http(bearer));
    problems::add(fields::add(components))
}

/// Adds a schema, and all schemas to which it refers.
fn add<S: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((S::name().into_owned(), <S as PartialSchema>::schema()));
    S::schemas(schemas);
}
