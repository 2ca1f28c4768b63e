//! The routes of messages.

use utoipa::openapi::{HttpMethod, ResponseBuilder, path::OperationBuilder};

use super::{
    about, fields,
    flat::{BatchResults, Message, MessageBatch, NewMessage},
    operations::{
        JSON, OF_A_CREATE, OF_A_TRANSACTION, content, held_back, json, operation, refused,
    },
};

/// Adds all routes.
pub(super) fn add(mut add: impl FnMut(&str, HttpMethod, OperationBuilder)) {
    let one = "/senders/{sender}/messages";
    add(one, HttpMethod::Post, create_message());
    let batch = "/senders/{sender}/messages/batch";
    add(batch, HttpMethod::Post, create_messages());
    add("/messages/{message_id}", HttpMethod::Get, read_whole());
    let cancel = "/messages/{message_id}/cancel";
    add(cancel, HttpMethod::Post, cancel_whole());
}

fn create_message() -> OperationBuilder {
    let created =
        message("the message was created now, or earlier by the request that this one repeats");
    let created = ["Location", "Idempotency-Replayed"]
        .into_iter()
        .fold(created, |created, name| {
            created.header_ref(name, fields::header(name))
        });
    let parameters = [
        "sender",
        "Idempotency-Key",
        "Prefer",
        "request-timeout",
        "wait-for",
    ];
    let operation = operation(&about::CREATE_MESSAGE, &parameters)
        .request_body(Some(json::<NewMessage>()))
        .response("201", held_back(created).build());
    refused(operation, &OF_A_CREATE)
}

fn create_messages() -> OperationBuilder {
    let made = ResponseBuilder::new()
        .description("the result for each message, in order")
        .content(JSON, content::<BatchResults>());
    let operation = operation(&about::CREATE_MESSAGES, &["sender", "Idempotency-Key"])
        .request_body(Some(json::<MessageBatch>()))
        .response("200", made.build());
    refused(operation, &OF_A_CREATE)
}

fn read_whole() -> OperationBuilder {
    let unchanged = ResponseBuilder::new()
        .description("there is no other version")
        .header_ref("ETag", fields::header("ETag"));
    let parameters = [
        "message_id",
        "If-None-Match",
        "request-timeout",
        "Prefer",
        "wait-for",
    ];
    let operation = operation(&about::READ_WHOLE, &parameters)
        .response(
            "200",
            held_back(message("the message as it is now")).build(),
        )
        .response("304", held_back(unchanged).build());
    refused(operation, &OF_A_TRANSACTION)
}

fn cancel_whole() -> OperationBuilder {
    let operation = operation(&about::CANCEL_WHOLE, &["message_id"])
        .response("200", message("the message as it is now").build());
    refused(operation, &OF_A_TRANSACTION)
}

fn message(description: &str) -> ResponseBuilder {
    ResponseBuilder::new()
        .description(description)
        .header_ref("ETag", fields::header("ETag"))
        .content(JSON, content::<Message>())
}
