//! Writes webhooks as JSON.

use koukan_core::resource::HookView;
use serde_json::{Value, json};

/// Writes a list of webhooks.
pub fn hooks_to_json(views: &[HookView]) -> Value {
    let hooks = views.iter().map(hook_to_json);
    json!({"webhooks": hooks.collect::<Vec<_>>()})
}

/// Writes one webhook.
pub fn hook_to_json(view: &HookView) -> Value {
    let mut json = json!({
        "name": view.name,
        "state": view.state.as_str(),
        "failures": view.failures,
    });
    if let Some(since) = view.failing_since {
        json["failing_since"] = json!(since.to_string());
    }
    if let Some(error) = &view.last_error {
        json["last_error"] = json!(error);
    }
    if let Some((first, last)) = view.events {
        json["first_event"] = json!(first.to_string());
        json["last_event"] = json!(last.to_string());
    }
    json
}
