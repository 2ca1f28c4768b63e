//! Webhooks, for those who operate the agent.

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

/// How a webhook stands.
#[derive(ToSchema)]
pub(super) struct Webhook {
    /// Its name in the configuration.
    name: String,
    state: WebhookState,
    /// How often it has failed to take these events, since the agent has started.
    failures: u32,
    /// Since when it takes nothing.
    #[schema(required = false, format = "date-time")]
    failing_since: String,
    /// Why it has taken nothing the last time.
    #[schema(required = false, example = "it answered 503")]
    last_error: String,
    /// The first of the events that it does not take.
    #[schema(required = false)]
    first_event: String,
    /// The last of them.
    #[schema(required = false)]
    last_event: String,
}

/// Whether it takes events: `failing` is called again, `dead` was given up; `elsewhere` is called by another replica, which
/// answers for it.
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
