//! `filter_output`: results of filters in other agents.

use koukan_core::{
    context::Sender,
    resource::{Caller, Draft, RefusalKind},
    signals::{CARRIED_MAX, DurableSignal, TraceId},
    stage::rest_endpoint::{self, RestEndpoint},
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::Script,
    transaction::Driver,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::agent::{Agent, MESSAGE, mail, octets, rcpt, to_upload, whole};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Spf {
    result: String,
}

impl DurableSignal for Spf {
    const NAME: &'static str = "spf";
}

fn pass() -> Spf {
    Spf {
        result: "pass".into(),
    }
}

/// What a gateway sends: a name that is known here, one that is not, and the id of the message.
fn told(id: TraceId) -> Map<String, Value> {
    let told = json!({
        "spf": {"result": "pass"},
        "of the future": [1, {"a": null}],
        "trace_id": id.to_string(),
    });
    told.as_object().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_trusted_peer_is_believed_and_what_is_unknown_is_carried() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let id = TraceId::random();
    let mut create = whole();
    create.draft.filter_output = told(id);
    let created = agent.create(create).await;
    let view = agent.end(&created.location).await;
    assert_eq!(view.filter_output, told(id));
    let signals = upstream.only_received().signals;
    assert_eq!(signals.find_durable::<Spf>().unwrap(), Some(pass()));
    assert_eq!(TraceId::of(&signals), id);
    assert_eq!(signals.carried().to_map(), told(id));
}

#[tokio::test(start_paused = true)]
async fn nobody_else_is_believed() {
    for caller in [Caller::unrestricted(), Caller::of_senders(["app".into()])] {
        let upstream = Script::new();
        let agent = Agent {
            caller,
            ..Agent::over(upstream.clone()).await
        };
        let id = TraceId::random();
        let mut create = whole();
        create.draft.filter_output = told(id);
        let created = agent.create(create).await;
        let view = agent.end(&created.location).await;
        assert_eq!(view.filter_output, Map::new());
        let signals = upstream.only_received().signals;
        assert_eq!(signals.find_durable::<Spf>().unwrap(), None);
        assert_ne!(TraceId::of(&signals), id);
        // It is the transaction's own.
        let own = TraceId::of(&signals).to_string();
        assert_eq!(created.location.to_string(), format!("/transactions/{own}"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_told_is_known_after_a_restart_also_of_a_draft() {
    let backend = MemoryBackend::new();
    let process = backend.another_process();
    let agent = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
    let id = TraceId::random();
    let mut create = to_upload();
    create.draft.filter_output = told(id);
    let created = agent.create(create).await;
    drop(agent);

    let upstream = Script::new();
    let process = backend.another_process();
    let agent = Agent::on(process, upstream.clone(), RestHandlerSettings::default()).await;
    let view = agent.view(&created.location).await;
    assert_eq!(view.filter_output, told(id));
    let body = created.location.join("body");
    agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
    agent.dispatch();
    agent.end(&created.location).await;
    let signals = upstream.only_received().signals;
    assert_eq!(signals.carried().to_map(), told(id));
}

#[tokio::test(start_paused = true)]
async fn more_may_be_told_with_recipients() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let mut create = to_upload();
    create.sender = Sender::new("gateway").with_tag("mx");
    create.draft.rcpt_to.clear();
    create.draft.filter_output.insert("a".into(), 1.into());
    let created = agent.create(create).await;
    let append = |output: Value| Draft {
        rcpt_to: vec![rcpt("bob@example.com")],
        filter_output: output.as_object().unwrap().clone(),
        ..Draft::default()
    };
    let at = &created.location;
    let (_, version) = agent.try_read(crate::agent::read(at)).await.unwrap();
    let large = json!({"b": "x".repeat(CARRIED_MAX - 2)});
    let refused = agent.append(at, Some(&version), append(large), None).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Malformed);
    assert!(refused.detail.contains("octets together"), "{refused:?}");
    // Existing values stay.
    let more = append(json!({"a": 2, "b": 3}));
    let (view, changed) = agent.append(at, Some(&version), more, None).await.unwrap();
    assert_eq!(Value::from(view.filter_output), json!({"a": 1, "b": 3}));
    assert_ne!(version, changed);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_tells_a_handler() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let settings = rest_endpoint::RestEndpointSettings::default()
        .with_sender(Sender::new("gateway").with_tag("mx"))
        .with_filter_output(true);
    let endpoint = RestEndpoint::new(agent.handler.clone(), settings);
    let signals = koukan_core::signals::Signals::default();
    signals.set_durable(&pass()).unwrap();
    let context = koukan_core::test_util::context();
    let mail = mail("alice@example.com");
    let (mut driver, _mail) = Driver::start_with(endpoint, context, mail, signals.clone());
    let pending = driver.rcpt(rcpt("bob@example.com")).await;
    assert!(driver.wait(pending).await.is_positive());
    driver.send(octets(MESSAGE)).await.unwrap();
    assert!(driver.finish().await.is_positive());
    let received = upstream.only_received().signals;
    assert_eq!(received.find_durable::<Spf>().unwrap(), Some(pass()));
    assert_eq!(TraceId::of(&received), TraceId::of(&signals));
}
