//! Described messages: what was accepted is delivered, however large its stored form is.

use koukan_core::{
    resource::{BodySource, RefusalKind},
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::Script,
};
use serde_json::{Value, json};

use crate::{
    agent::{Agent, octets, to_upload, whole},
    restart::after_crash,
};

fn described(spec: Value) -> Option<BodySource> {
    Some(BodySource::MessageBuilder(spec))
}

/// As many parameters as fit into a media type, without blanks.
fn parameters() -> String {
    let parameters: String = (0..140).map(|n| format!(";p{n}=@")).collect();
    format!("text/plain{parameters}")
}

#[tokio::test(start_paused = true)]
async fn what_is_as_large_as_it_may_be_is_delivered() {
    let from_two = json!([{"address": "a@b"}, {"address": "c@d"}]);
    let mut several = vec![json!(["from", from_two])];
    several.extend(vec![json!(["x-a", "b"]); 999]);
    let text = json!({"inline": "x"});
    for spec in [
        json!({"headers": vec![json!(["x-a", "b"]); 1000]}),
        json!({"headers": several}),
        json!({"headers": vec![json!(["x", "y".repeat((32 << 10) - 5)]); 8]}),
        json!({"text_body": [{"content_type": parameters(), "content": text}]}),
    ] {
        let upstream = Script::new();
        let agent = Agent::over(upstream.clone()).await;
        let mut create = whole();
        create.draft.body = described(spec);
        let created = agent.create(create).await;
        let reason = created.view.final_attempt_reason;
        assert_eq!(reason.as_deref(), Some("delivered"));
        assert_eq!(upstream.received().len(), 1);
    }
    let mut create = whole();
    create.draft.body = described(json!({"headers": vec![json!(["x-a", "b"]); 1001]}));
    let agent = Agent::over(Script::new()).await;
    let refusal = agent.try_create(create).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Malformed);
}

#[tokio::test(start_paused = true)]
async fn what_is_as_large_as_it_may_be_is_uploaded_after_a_restart() {
    let backend = MemoryBackend::new();
    let process = backend.another_process();
    let agent = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
    let name = "n".repeat(255);
    let file = |content: Value| json!({"content_type": "a/b", "content": content});
    let mut create = to_upload();
    create.draft.body = described(json!({"file_attachments": [file(json!({"create_id": name}))]}));
    let first = agent.create(create).await.location.join("blob").join(&name);
    agent.upload(&first, None, octets("meow")).await.unwrap();

    // The shared part gets a name of its own.
    let mut create = to_upload();
    create.draft.body = described(json!({
        "headers": vec![json!(["x-a", "b"]); 1000],
        "file_attachments": [
            file(json!({"create_id": name})),
            file(json!({"reuse_uri": first.as_str()})),
        ],
    }));
    let created = agent.create(create).await.location;
    drop(agent);

    let upstream = Script::new();
    let agent = after_crash(&backend, &upstream).await;
    let part = created.join("blob").join(&name);
    agent.upload(&part, None, octets("woof")).await.unwrap();
    let view = agent.end(&created).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    let received = upstream.received();
    let message = received.last().unwrap().text();
    assert!(message.contains("bWVvdw==") && message.contains("d29vZg=="));
}
