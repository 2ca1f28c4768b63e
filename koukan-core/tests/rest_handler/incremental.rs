use std::time::Duration;

use koukan_core::{
    context::Sender,
    reply::Reply,
    resource::{Create, Draft, Read, RefusalKind, Version, View, WaitFor},
    stage::rest_handler::RestHandlerSettings,
    storage::MemoryBackend,
    test_util::Script,
};

use crate::agent::{Agent, MESSAGE, mail, octets, rcpt, read};

fn begin() -> Create {
    Create {
        sender: Sender::new("gateway").with_tag("mx"),
        draft: Draft {
            mail_from: Some(mail("alice@example.com")),
            ..Draft::default()
        },
        wait: None,
        wait_for: WaitFor::End,
        idempotency_key: None,
    }
}

fn recipients(to: &[&str]) -> Draft {
    Draft {
        rcpt_to: to.iter().map(|to| rcpt(to)).collect(),
        ..Draft::default()
    }
}

/// Repeats reads until the view is as wanted.
async fn until(
    agent: &Agent,
    transaction: &koukan_core::resource::Location,
    is_wanted: impl Fn(&View) -> bool,
) -> (View, Version) {
    let (mut view, mut version) = agent.try_read(read(transaction)).await.unwrap();
    while !is_wanted(&view) {
        let next = Read {
            if_none_match: Some(version),
            wait: Some(Duration::from_secs(20)),
            wait_for: WaitFor::End,
            ..read(transaction)
        };
        (view, version) = agent.try_read(next).await.unwrap();
    }
    (view, version)
}

#[tokio::test(start_paused = true)]
async fn commands_come_one_by_one_and_are_answered_as_upstream_answers() {
    let upstream = Script::new().rcpt("nobody@example.com", Reply::no_such_user());
    let agent = Agent::over(upstream.clone()).await;
    let created = agent.create(begin()).await;
    let at = &created.location;
    let (_, version) = until(&agent, at, |view| view.mail_response.is_some()).await;

    let two = recipients(&["bob@example.com", "nobody@example.com"]);
    let appended = agent.append(at, Some(&version), two.clone(), Some(0)).await;
    assert_eq!(appended.unwrap().0.rcpt_to, 2);
    let (view, version) = until(&agent, at, |view| view.rcpt_response.len() == 2).await;
    let replies = [Reply::recipient_ok(), Reply::no_such_user()];
    assert_eq!(view.rcpt_response, replies);
    // Repeating it changes nothing; a different one in its place is refused.
    let same = agent.append(at, Some(&version), two, Some(0)).await;
    assert_eq!(same.unwrap().0.rcpt_to, 2);
    let other = recipients(&["carol@example.com"]);
    let refusal = agent.append(at, Some(&version), other, Some(1)).await;
    assert_eq!(refusal.unwrap_err().kind, RefusalKind::Conflict);

    let body = at.join("body");
    agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
    let view = agent.end(at).await;
    assert_eq!(view.data_response, Some(Reply::message_accepted()));
    let received = upstream.only_received();
    assert_eq!(received.text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_stays_after_the_message_is_let_go() {
    let backend = MemoryBackend::new();
    let process = backend.another_process();
    let agent = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
    let mut create = begin();
    create.draft.rcpt_to.push(rcpt("bob@example.com"));
    let created = agent.create(create).await;
    let at = &created.location;
    let body = at.join("body");
    agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
    let finalized = |view: &View| {
        let body = view.body.as_ref().unwrap();
        body.blob_status.as_ref().unwrap().finalized
    };
    let is_over = |view: &View| view.is_final();
    let (view, version) = until(&agent, at, is_over).await;
    assert!(finalized(&view));
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let again = agent.try_read(read(at)).await.unwrap();
        assert_eq!(again, (view.clone(), version.clone()));
    }
    agent.storage.flush().await;
    let process = backend.another_process();
    let other = Agent::on(process, Script::new(), RestHandlerSettings::default()).await;
    assert!(finalized(&other.view(at).await));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_never_whole_is_not_finalized() {
    let agent = Agent::over(Script::new()).await;
    let created = agent.create(begin()).await;
    let view = agent.end(&created.location).await;
    assert!(!view.body.unwrap().blob_status.unwrap().finalized);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_promised_to_be_retried_or_notified() {
    let agent = Agent::over(Script::new()).await;
    let promises = [
        (Some(true), None, "retry"),
        (None, Some(true), "notification"),
        (Some(true), Some(true), "retry"),
    ];
    for (retry, notification, field) in promises {
        let promised = Draft {
            retry,
            notification,
            ..Draft::default()
        };
        let mut create = begin();
        create.draft.retry = retry;
        create.draft.notification = notification;
        let refusal = agent.try_create(create).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Malformed);
        assert_eq!(refusal.field.as_deref(), Some(field));

        let created = agent.create(begin()).await;
        let at = &created.location;
        let (_, version) = until(&agent, at, |view| view.mail_response.is_some()).await;
        let appended = agent.append(at, Some(&version), promised, None).await;
        assert_eq!(appended.unwrap_err().field.as_deref(), Some(field));
    }
}

#[tokio::test(start_paused = true)]
async fn an_append_is_of_the_current_version() {
    let agent = Agent::over(Script::new()).await;
    let created = agent.create(begin()).await;
    let at = &created.location;
    until(&agent, at, |view| view.mail_response.is_some()).await;
    let one = recipients(&["bob@example.com"]);
    let missing = agent.append(at, None, one.clone(), None).await;
    assert_eq!(missing.unwrap_err().kind, RefusalKind::VersionMissing);
    let old = Version::new("old");
    let mismatch = agent.append(at, Some(&old), one, None).await;
    assert_eq!(mismatch.unwrap_err().kind, RefusalKind::VersionMismatch);
}

#[tokio::test(start_paused = true)]
async fn heartbeats_keep_it_alive_and_silence_ends_it() {
    let agent = Agent::over(Script::new()).await;
    let created = agent.create(begin()).await;
    let at = &created.location;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(100)).await;
        let beat = agent.append(at, None, Draft::default(), None).await;
        assert!(!beat.unwrap().0.is_final());
    }
    let view = agent.end(at).await;
    assert_eq!(
        view.final_attempt_reason.as_deref(),
        Some("downstream timeout")
    );
    let late = agent.append(at, None, recipients(&["bob@example.com"]), None);
    assert_eq!(late.await.unwrap_err().kind, RefusalKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn mail_may_come_after_the_create() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let mut create = begin();
    create.draft.mail_from = None;
    let created = agent.create(create).await;
    let at = &created.location;
    assert!(!created.view.has_mail_from);
    let with_mail = Draft {
        mail_from: Some(mail("alice@example.com")),
        ..recipients(&["bob@example.com"])
    };
    let version = &created.version;
    agent
        .append(at, Some(version), with_mail, None)
        .await
        .unwrap();
    let (view, version) = until(&agent, at, |view| !view.rcpt_response.is_empty()).await;
    assert_eq!(view.mail_response, Some(Reply::sender_ok()));
    let other = Draft {
        mail_from: Some(mail("eve@example.com")),
        ..Draft::default()
    };
    let refusal = agent.append(at, Some(&version), other, None).await;
    assert_eq!(refusal.unwrap_err().kind, RefusalKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn one_that_has_neither_mail_nor_heartbeat_ends_too() {
    let agent = Agent::over(Script::new()).await;
    let mut create = begin();
    create.draft.mail_from = None;
    let created = agent.create(create).await;
    let view = agent.end(&created.location).await;
    assert_eq!(
        view.final_attempt_reason.as_deref(),
        Some("downstream timeout")
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_committed_and_the_end_can_be_read_for_a_while() {
    let agent = Agent::over(Script::new().mail(Reply::mailbox_busy())).await;
    let created = agent.create(begin()).await;
    let view = agent.end(&created.location).await;
    assert_eq!(view.mail_response, Some(Reply::mailbox_busy()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let census = agent.storage.backend().census().await.unwrap();
    assert_eq!((census.waiting, census.leased), (0, 0));
    assert!(agent.view(&created.location).await.is_final());
}

#[tokio::test(start_paused = true)]
async fn a_whole_transaction_is_not_appended_to() {
    let agent = Agent::over(Script::new()).await;
    let created = agent.create(crate::agent::to_upload()).await;
    let version = Some(&created.version);
    let one = recipients(&["bob@example.com"]);
    let refusal = agent.append(&created.location, version, one, None).await;
    assert_eq!(refusal.unwrap_err().kind, RefusalKind::Malformed);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_panics_ends_the_transaction_and_frees_its_key() {
    let agent = Agent::over(Script::new().mail(koukan_core::test_util::Answer::Panic("bug"))).await;
    let mut create = begin();
    create.idempotency_key = Some("key".into());
    let first = agent.create(create.clone()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let view = agent.view(&first.location).await;
    assert_eq!(view.final_attempt_reason.as_deref(), Some("expired"));
    let second = agent.create(create).await;
    assert_ne!(first.location, second.location);
}

#[tokio::test(start_paused = true)]
async fn what_a_message_was_stays_when_nobody_has_it_in_memory() {
    for reply in [
        Reply::message_accepted(),
        Reply::no_such_user(),
        Reply::mailbox_busy(),
    ] {
        let agent = Agent::over(Script::new().message(reply.clone())).await;
        let mut create = begin();
        create.draft.rcpt_to = vec![rcpt("bob@example.com")];
        let created = agent.create(create).await;
        let body = created.location.join("body");
        agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
        let end = agent.end(&created.location).await;
        assert_eq!(end.data_response, Some(reply));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(agent.view(&created.location).await.body, end.body);
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_leaves_begins_nothing_and_continues_what_has_begun() {
    let upstream = Script::new();
    let agent = Agent::over(upstream.clone()).await;
    let attempts = agent.handler.attempts();
    attempts.stop();
    let created = agent.create(begin()).await;
    attempts.leave();
    let refusal = agent.try_create(begin()).await.unwrap_err();
    assert!(matches!(refusal.kind, RefusalKind::Unavailable { .. }));
    let at = &created.location;
    let (_, version) = agent.try_read(read(at)).await.unwrap();
    let bob = recipients(&["bob@example.com"]);
    let appended = agent.append(at, Some(&version), bob, Some(0)).await;
    appended.unwrap();
    let body = at.join("body");
    agent.upload(&body, None, octets(MESSAGE)).await.unwrap();
    let view = agent.end(at).await;
    assert_eq!(view.data_response, Some(Reply::message_accepted()));
    attempts.ended().await;
}
