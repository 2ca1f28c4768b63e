use koukan_core::{
    context::Sender,
    resource::{BodySource, MessageOperation, RefusalKind},
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::Script,
};
use serde_json::json;

use super::{TO, now, states, to};
use crate::agent::Agent;

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_and_nothing_is_made() {
    let settings = RestHandlerSettings::default().with_max_recipients(3);
    let agent = Agent::on(MemoryBackend::new(), Script::new(), settings).await;
    let many = to(&[&TO[..], &["erin@example.com"]].concat());
    let mut stepwise = to(&TO);
    stepwise.sender = Sender::new("gateway").with_tag("mx");
    let mut bare = to(&TO);
    bare.draft.body = None;
    let mut uploaded = to(&TO);
    uploaded.draft.body = Some(BodySource::MessageBuilder(json!({
        "headers": [["subject", "hi"]],
        "text_body": [{"content_type": "text/plain", "content": {"create_id": "a"}}],
    })));
    for (create, field) in [
        (many, Some("rcpt_to")),
        (stepwise, None),
        (bare, Some("body")),
        (uploaded, Some("body")),
        (to(&[]), Some("rcpt_to")),
    ] {
        let refusal = agent.try_send(create).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Malformed, "{refusal}");
        assert_eq!(refusal.field.as_deref(), field, "{refusal}");
    }
    let stranger = agent.acting_for("other");
    let refusal = stranger.try_send(to(&TO)).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Forbidden);
    let mut create = to(&TO);
    create.wait = None;
    let message = agent.send(create).await;
    for operation in [
        MessageOperation::Read(now(message.id)),
        MessageOperation::Cancel(message.id),
    ] {
        let refusal = stranger.ask_message(operation).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Forbidden);
    }
    for unknown in [
        "01arz3ndektsv4rrffq69g5fav-3".to_owned(),
        message.id.to_string().replace("-3", "-4"),
    ] {
        let read = now(unknown.parse().unwrap());
        let refusal = agent.read_message(read).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::NotFound, "{unknown}");
    }
    assert_eq!(states(&agent.message(message.id).await).len(), 3);
}
