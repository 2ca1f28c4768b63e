use std::time::Duration;

use koukan_core::{
    context::Sender,
    path::ReversePath,
    reply::Reply,
    resource::{BodySource, Caller, Create, Operation, RefusalKind},
    shares::Client,
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::{Answer, Script, at_rest},
    transaction::Mail,
};
use serde_json::json;
use tokio::time::timeout;

use crate::agent::{Agent, MESSAGE, octets, rcpt, to_upload, whole};

#[tokio::test(start_paused = true)]
async fn one_create_sends_a_message_and_tells_what_became_of_it() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let created = agent.create(whole()).await;
    assert_eq!(
        created.view.final_attempt_reason.as_deref(),
        Some("delivered")
    );
    assert_eq!(created.view.mail_response, Some(Reply::sender_ok()));
    assert_eq!(created.view.rcpt_response, [Reply::recipient_ok()]);
    assert_eq!(created.view.data_response, Some(Reply::message_accepted()));
    assert_eq!(created.view.attempt_count, 1);
    let received = upstream.only_received();
    assert_eq!(received.text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_destination_comes_back_with_the_create() {
    let agent = Agent::over(Script::new().message(Reply::bad_content())).await;
    let mut create = whole();
    create.draft.notification = Some(false);
    let created = agent.create(create).await;
    assert_eq!(created.view.data_response, Some(Reply::bad_content()));
    assert_eq!(created.view.final_attempt_reason.as_deref(), Some("failed"));
}

#[tokio::test(start_paused = true)]
async fn what_is_created_is_committed_and_retried() {
    let busy = Script::new().other_rcpts(Reply::mailbox_busy());
    let agent = Agent::over(busy).await;
    agent.dispatch();
    let created = agent.create(whole()).await;
    assert!(!created.view.is_final());
    assert_eq!(created.view.rcpt_response, [Reply::mailbox_busy()]);
    let census = agent.storage.backend().census().await.unwrap();
    assert_eq!((census.waiting, census.leased), (1, 0));
    let view = agent.end(&created.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("expired"));
    assert_eq!(view.attempt_count, 3);
}

#[tokio::test(start_paused = true)]
async fn without_a_wait_the_create_is_answered_at_once() {
    let slow = Script::new().message(Answer::After(
        Duration::from_secs(60),
        Reply::message_accepted(),
    ));
    let agent = Agent::over(slow).await;
    let mut create = whole();
    create.wait = None;
    let created = agent.create(create).await;
    assert!(!created.view.is_final());
    let census = agent.storage.backend().census().await.unwrap();
    assert_eq!(census.leased, 1);
    assert!(agent.end(&created.location).await.is_final());
}

#[tokio::test(start_paused = true)]
async fn a_repeated_create_is_answered_with_the_first_transaction() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let mut create = whole();
    create.idempotency_key = Some("key".into());
    let first = agent.create(create.clone()).await;
    assert!(!first.is_replayed);
    let second = agent.create(create.clone()).await;
    assert_eq!(second.location, first.location);
    assert!(second.is_replayed);
    assert_eq!(upstream.received().len(), 1);
    create.sender = Sender::new("other");
    let other = agent.create(create).await;
    assert_ne!(other.location, first.location);
}

#[tokio::test(start_paused = true)]
async fn a_key_with_another_request_is_refused_and_nothing_is_sent() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let mut create = whole();
    create.idempotency_key = Some("key".into());
    let first = agent.create(create.clone()).await;
    let mut body = create.clone();
    body.draft.body = Some(BodySource::Inline(octets("Subject: other\r\n\r\n")));
    let mut recipient = create.clone();
    recipient.draft.rcpt_to = vec![rcpt("eve@example.com")];
    let mut to_be_uploaded = create.clone();
    to_be_uploaded.draft.body = None;
    for other in [body, recipient, to_be_uploaded] {
        let refusal = agent.try_create(other).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::KeyReused);
    }
    assert_eq!(upstream.received().len(), 1);
    assert_eq!(agent.create(create).await.location, first.location);
}

#[tokio::test(start_paused = true)]
async fn of_creates_with_one_key_at_once_one_is_made_and_the_others_find_it() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let mut create = whole();
    create.idempotency_key = Some("key".into());
    let mut other = create.clone();
    other.draft.rcpt_to = vec![rcpt("eve@example.com")];
    let (first, second, third) = tokio::join!(
        agent.create(create.clone()),
        agent.create(create.clone()),
        agent.try_create(other),
    );
    assert_eq!(first.location, second.location);
    assert_ne!(first.is_replayed, second.is_replayed);
    assert_eq!(third.unwrap_err().kind, RefusalKind::KeyReused);
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sender_has_so_many_unfinished_uploads() {
    let settings = RestHandlerSettings::default().with_max_unfinished_uploads(2);
    let agent = Agent::on(MemoryBackend::new(), Script::new(), settings).await;
    let first = agent.create(to_upload()).await.location;
    let second = agent.create(to_upload()).await.location;
    let refused = async || agent.try_create(to_upload()).await.unwrap_err().kind;
    assert!(matches!(refused().await, RefusalKind::TooMany { .. }));
    // Transactions created with their message, and those of others, are not uploads of this sender.
    agent.create(whole()).await;
    let mut other = to_upload();
    other.sender = Sender::new("other");
    agent.create(other).await;

    let body = first.join("body");
    agent
        .upload(&body, None, octets("A: b\r\n\r\n"))
        .await
        .unwrap();
    let third = agent.create(to_upload()).await.location;
    assert!(matches!(refused().await, RefusalKind::TooMany { .. }));
    agent.ask(Operation::Cancel(second)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    agent.create(to_upload()).await;
    assert!(matches!(refused().await, RefusalKind::TooMany { .. }));
    assert!(!agent.view(&third).await.is_final());
}

#[tokio::test(start_paused = true)]
async fn a_gateway_is_told_the_host_to_deliver_to() {
    let agent = Agent::over(Script::new()).await;
    let mut create = to_upload();
    create.sender = Sender::new("relay");
    let refusal = agent.try_create(create.clone()).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Malformed);
    assert_eq!(refusal.field.as_deref(), Some("remote_host"));
    create.draft.remote_host = Some("192.0.2.1:25".parse().unwrap());
    agent.create(create).await;
}

#[tokio::test(start_paused = true)]
async fn bare_line_ends_become_crlf() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let mut create = whole();
    create.draft.body = Some(BodySource::Inline(octets("Subject: hi\n\nhello\n")));
    agent.create(create).await;
    let received = upstream.only_received();
    assert_eq!(received.text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_or_unknown_is_refused_with_its_field() {
    let agent = Agent::over(Script::new()).await;
    let mut no_mail = whole();
    no_mail.draft.mail_from = None;
    let mut no_rcpt = whole();
    no_rcpt.draft.rcpt_to.clear();
    let mut unknown = whole();
    unknown.sender = Sender::new("nobody");
    let mut tag = whole();
    tag.sender = Sender::new("app").with_tag("x");
    let mut spec = whole();
    let json = json!({"headers": [["subject", 1]]});
    spec.draft.body = Some(BodySource::MessageBuilder(json));
    for (create, kind, field) in [
        (no_mail, RefusalKind::Malformed, Some("mail_from")),
        (no_rcpt, RefusalKind::Malformed, Some("rcpt_to")),
        (unknown, RefusalKind::NotFound, None),
        (tag, RefusalKind::NotFound, Some("sender.tag")),
        (
            spec,
            RefusalKind::Malformed,
            Some("body.message_builder.headers[0][1]"),
        ),
    ] {
        let refusal = agent.try_create(create).await.unwrap_err();
        assert_eq!((&refusal.kind, refusal.field.as_deref()), (&kind, field));
    }
    let census = agent.storage.backend().census().await.unwrap();
    assert_eq!(census, koukan_core::storage::Census::default());
}

fn described(headers: serde_json::Value) -> Create {
    let mut create = whole();
    let text = json!({"content_type": "text/plain", "content": {"inline": "hello, world!"}});
    let json = json!({"headers": headers, "text_body": [text]});
    create.draft.body = Some(BodySource::MessageBuilder(json));
    create
}

#[tokio::test(start_paused = true)]
async fn a_message_has_an_author_and_a_sender() {
    let of = |names: &[&str]| {
        let of = names.iter().map(|name| json!({"address": name}));
        of.collect::<serde_json::Value>()
    };
    for (headers, expected) in [
        (
            json!([["subject", "hello"]]),
            "From: alice@example.com\r\nSubject: hello\r\n",
        ),
        (
            json!([["From", of(&["b@x"])], ["subject", "hello"]]),
            "From: b@x\r\nSubject: hello\r\n",
        ),
        (
            json!([["from", of(&["b@x", "c@x"])], ["subject", "hello"]]),
            "From: b@x, c@x\r\nSender: alice@example.com\r\nSubject: hello\r\n",
        ),
        (
            json!([["from", of(&["b@x", "c@x"])], ["sender", of(&["c@x"])]]),
            "From: b@x, c@x\r\nSender: c@x\r\n",
        ),
        (
            json!([["resent-from", of(&["b@x", "c@x"])]]),
            "From: alice@example.com\r\nResent-From: b@x, c@x\r\n\
             Resent-Sender: alice@example.com\r\n",
        ),
    ] {
        let upstream = Script::new();
        let agent = Agent::over(upstream.clone()).await;
        let created = agent.create(described(headers.clone())).await;
        agent.end(&created.location).await;
        let received = upstream.only_received();
        let message = received.text();
        assert!(message.starts_with(expected), "{headers}: {message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_null_reverse_path_is_no_author() {
    let agent = Agent::over(Script::new()).await;
    let mut create = described(json!([["subject", "hello"]]));
    let null = ReversePath::Null;
    create.draft.mail_from = Some(Mail::new(null.clone()));
    let refusal = agent.try_create(create).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Malformed);
    let field = refusal.field.as_deref();
    assert_eq!(field, Some("body.message_builder.headers"));
    let mut create = described(json!([["from", [{"address": "b@x"}, {"address": "c@x"}]]]));
    create.draft.mail_from = Some(Mail::new(null));
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let created = agent.create(create).await;
    agent.end(&created.location).await;
    let received = upstream.only_received();
    assert!(
        received
            .text()
            .starts_with("From: b@x, c@x\r\nSender: b@x\r\n")
    );
}

#[tokio::test(start_paused = true)]
async fn only_who_is_trusted_says_where_to_connect() {
    let agent = Agent::over(Script::new()).await;
    let mut create = whole();
    create.sender = Sender::new("output");
    create.draft.remote_host = Some("192.0.2.1:25".parse().unwrap());
    let untrusted = agent.acting_for("output");
    let refusal = untrusted.try_create(create.clone()).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Forbidden);
    agent.create(create).await;
}

/// Its share is that of its address or token, unless it is a gateway that names the client for which it acts.
#[tokio::test(start_paused = true)]
async fn connections_to_destinations_are_shared_between_callers() {
    let at = |address: &str| Client::at(address.parse().unwrap());
    let unknown = Caller::unrestricted();
    let gateway = Caller::unrestricted().with_trust(true);
    let peer = Some("192.0.2.7:25".parse().unwrap());
    for (caller, remote, expected) in [
        (unknown.clone(), None, at("2001:db8::1")),
        // Whoever is not trusted can name anybody.
        (unknown.clone(), peer.clone(), at("2001:db8::1")),
        (gateway.clone(), None, at("2001:db8::1")),
        (gateway, peer, at("192.0.2.7")),
    ] {
        let upstream = Script::new();
        let agent = Agent::over(upstream.clone()).await;
        let agent = Agent {
            caller: caller.with_client(at("2001:db8::2")),
            ..agent
        };
        let mut create = whole();
        create.draft.remote_host = remote;
        agent.create(create).await;
        assert_eq!(upstream.only_received().context.client(), expected);
    }
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let named = unknown.with_client(Client::named("app"));
    let agent = Agent {
        caller: named,
        ..agent
    };
    agent.create(whole()).await;
    let client = upstream.only_received().context.client();
    assert_eq!(client, Client::named("app"));
}

#[tokio::test(start_paused = true)]
async fn a_caller_creates_for_its_own_senders_only() {
    let agent = Agent::over(Script::new()).await.acting_for("other");
    let refusal = agent.try_create(whole()).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Forbidden);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_closes_lets_go_of_those_who_wait() {
    let slow = Script::new().message(Answer::Never);
    let agent = Agent::over(slow).await;
    let waiting = tokio::spawn({
        let agent = agent.clone();
        async move { agent.create(whole()).await }
    });
    at_rest().await;
    // Others may still come, and so may they.
    agent.handler.attempts().stop();
    at_rest().await;
    assert!(!waiting.is_finished());
    agent.handler.attempts().let_go();
    assert!(!waiting.await.unwrap().view.is_final());
    let later = agent.create(whole()).await;
    assert!(!later.view.is_final());
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_stops_promises_as_ever_and_leaves_what_it_can_to_the_queue() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    agent.handler.attempts().stop();
    let mut create = whole();
    create.wait = None;
    let kept = agent.create(create).await;
    let draft = agent.create(to_upload()).await;
    let body = draft.location.join("body");
    agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
    at_rest().await;
    let ended = agent.handler.attempts().ended();
    timeout(Duration::from_secs(1), ended).await.unwrap();
    assert!(upstream.received().is_empty());
    agent.dispatch();
    for created in [kept, draft] {
        let view = agent.end(&created.location).await;
        assert_eq!(view.final_attempt_reason.as_deref(), Some("delivered"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_stops_and_keeps_nothing_refuses_what_would_have_to_be_kept() {
    let agent = Agent::over(Script::new()).await;
    let draft = agent.create(to_upload()).await;
    agent.handler.attempts().stop_without_queue();
    let refusal = agent.try_create(to_upload()).await.unwrap_err();
    assert!(matches!(refusal.kind, RefusalKind::Unavailable { .. }));
    // Nobody would deliver what is completed now.
    let body = draft.location.join("body");
    let refusal = agent.upload(&body, None, octets(MESSAGE)).await;
    let kind = refusal.unwrap_err().kind;
    assert!(matches!(kind, RefusalKind::Unavailable { .. }));
    assert!(!agent.view(&draft.location).await.is_final());
}
