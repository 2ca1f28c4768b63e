//! Webhooks, for operators.

#![allow(dead_code, reason = "the types stand for their schemas")]

use utoipa::{
    ToSchema,
    openapi::{HttpMethod, ResponseBuilder, path::OperationBuilder},
};

use super::{
    about,
    operations::{JSON, content, operation, refused},
};

/// All webhooks, by name.
#[derive(ToSchema)]
pub(super) struct WebhookList {
    webhooks: Vec<Webhook>,
}

/// The state of a webhook.
#[derive(ToSchema)]
pub(super) struct Webhook {
    /// Its name in the configuration.
    name: String,
    state: WebhookState,
    /// How often it has failed to accept these events since the agent started.
    failures: u32,
    /// Since when it has accepted nothing.
    #[schema(required = false, format = "date-time")]
    failing_since: String,
    /// Why it did not accept the last call.
    #[schema(required = false, example = "it answered 503")]
    last_error: String,
    /// The first event that it does not accept.
    #[schema(required = false)]
    first_event: String,
    /// The last event that it does not accept.
    #[schema(required = false)]
    last_event: String,
}

/// Whether it accepts events: `failing` is called again; `dead` was given up; `elsewhere` is called
/// by another replica, which knows its state.
#[derive(ToSchema)]
#[serde(rename_all = "lowercase")]
enum WebhookState {
    Up,
    Failing,
    Dead,
    Elsewhere,
}

/// Adds the routes.
pub(super) fn add(mut add: impl FnMut(&str, HttpMethod, OperationBuilder)) {
    let listed = ResponseBuilder::new()
        .description("all of them")
        .content(JSON, content::<WebhookList>());
    let list = operation(&about::LIST_WEBHOOKS, &[]).response("200", listed.build());
    let list = refused(list, &[401, 403, 409, 429, 500, 503]);
    add("/webhooks", HttpMethod::Get, list);
    let one = |about, text: &str| {
        let shown = ResponseBuilder::new()
            .description(text)
            .content(JSON, content::<Webhook>());
        let operation = operation(about, &["webhook"]).response("200", shown.build());
        refused(operation, &[400, 401, 403, 404, 409, 429, 500, 503])
    };
    let show = one(&about::SHOW_WEBHOOK, "the webhook");
    add("/webhooks/{webhook}", HttpMethod::Get, show);
    for (action, about) in &about::WEBHOOK_CHANGES {
        let change = one(about, "the webhook as it was");
        let path = format!("/webhooks/{{webhook}}/{action}");
        add(&path, HttpMethod::Post, change);
    }
}
