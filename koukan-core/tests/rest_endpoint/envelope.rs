use std::time::Duration;

use koukan_core::{
    reply::Reply,
    test_util::{context, mail, rcpt, send},
    transaction::Driver,
};
use tokio::time::Instant;

use crate::{
    fake::{Fake, Fault, Kind, Script},
    originator::{MESSAGE, endpoint, is_open, let_run, own, start},
};

#[tokio::test(start_paused = true)]
async fn the_transaction_is_created_with_what_is_there() {
    let fake = Fake::new(Script::accepting());
    let to = [rcpt("b@y"), rcpt("c@y")];
    let outcome = send(endpoint(&fake), mail("a@x"), to, MESSAGE).await;
    assert_eq!(outcome.mail, Reply::sender_ok());
    assert_eq!(
        outcome.recipients,
        [Reply::recipient_ok(), Reply::recipient_ok()]
    );
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    assert_eq!(
        fake.log(),
        ["create [b@y c@y]", "upload /elsewhere/0/octets"]
    );
    let transaction = fake.transaction(0);
    assert_eq!(transaction.create.draft.mail_from, Some(mail("a@x")));
    assert_eq!(transaction.create.sender, context().sender);
    assert_eq!(transaction.message(), Some(MESSAGE));
}

#[tokio::test(start_paused = true)]
async fn recipients_that_come_later_are_appended_in_groups() {
    let fake = Fake::new(Script::accepting());
    let (mut driver, mail) = start(endpoint(&fake));
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    let first = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(first).await, Reply::recipient_ok());
    let second = driver.rcpt(rcpt("c@y")).await;
    let third = driver.rcpt(rcpt("d@y")).await;
    assert_eq!(driver.wait(second).await, Reply::recipient_ok());
    assert_eq!(driver.wait(third).await, Reply::recipient_ok());
    assert_eq!(
        fake.log(),
        ["create []", "append 0 [b@y]", "append 1 [c@y d@y]"]
    );
}

#[tokio::test(start_paused = true)]
async fn recipients_go_upstream_before_mail_is_answered_and_replies_keep_their_places() {
    let fake = Fake::new(Script::silent());
    let (mut driver, mut mail) = start(endpoint(&fake));
    let_run(&mut driver).await;
    let mut first = driver.rcpt(rcpt("b@y")).await;
    let mut second = driver.rcpt(rcpt("c@y")).await;
    assert!(is_open(&mut driver, &mut mail).await);
    assert_eq!(fake.log(), ["create []", "append 0 [b@y c@y]"]);

    fake.change(0, |view| view.mail_response = Some(own(Reply::sender_ok())));
    assert_eq!(driver.wait(mail).await, own(Reply::sender_ok()));
    fake.change(0, |view| view.rcpt_response.push(Reply::no_such_user()));
    assert_eq!(driver.wait(&mut first).await, Reply::no_such_user());
    assert!(is_open(&mut driver, &mut second).await);
    fake.change(0, |view| {
        view.rcpt_response.push(own(Reply::recipient_ok()));
    });
    assert_eq!(driver.wait(second).await, own(Reply::recipient_ok()));
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_for_a_read_that_hangs() {
    let fake = Fake::new(Script {
        mail: |_| None,
        ..Script::accepting()
    });
    let begun = Instant::now();
    let (mut driver, mut mail) = start(endpoint(&fake));
    let_run(&mut driver).await;
    assert_eq!(fake.reads(), 1);
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(is_open(&mut driver, &mut mail).await);
}

#[tokio::test(start_paused = true)]
async fn recipients_are_added_to_the_version_that_there_is() {
    let fake = Fake::new(Script::accepting());
    let (mut driver, mail) = start(endpoint(&fake));
    driver.wait(mail).await;
    fake.change(0, |view| view.attempt_count = 1);
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    assert_eq!(fake.transaction(0).recipients(), ["b@y"]);
    assert_eq!(
        fake.log(),
        ["create []", "append 0 [b@y]", "append 0 [b@y]"]
    );
}

#[tokio::test(start_paused = true)]
async fn recipients_that_arrived_are_not_added_again() {
    let fake = Fake::new(Script::accepting());
    let (mut driver, mail) = start(endpoint(&fake));
    driver.wait(mail).await;
    fake.fault(Kind::Append, Fault::LoseAnswer);
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
    fake.fault(Kind::Append, Fault::Lose);
    let carol = driver.rcpt(rcpt("c@y")).await;
    assert_eq!(driver.wait(carol).await, Reply::recipient_ok());
    assert_eq!(fake.transaction(0).recipients(), ["b@y", "c@y"]);
    let appends = fake.log().len() - 1;
    assert_eq!(appends, 3);
}

#[tokio::test(start_paused = true)]
async fn a_refused_mail_is_the_answer_to_everything() {
    let fake = Fake::new(Script {
        mail: |_| Some(Reply::policy_refused()),
        ..Script::accepting()
    });
    let (mut driver, mail) = start(endpoint(&fake));
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(mail).await, Reply::policy_refused());
    assert_eq!(driver.wait(bob).await, Reply::policy_refused());
    assert_eq!(driver.finish().await, Reply::policy_refused());
}

#[tokio::test(start_paused = true)]
async fn without_an_accepted_recipient_no_message_goes_upstream() {
    let fake = Fake::new(Script {
        rcpt: |_| Some(Reply::no_such_user()),
        ..Script::accepting()
    });
    let (mut driver, _mail) = start(endpoint(&fake));
    let bob = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(bob).await, Reply::no_such_user());
    let carol = driver.rcpt(rcpt("c@y")).await;
    assert_eq!(driver.wait(carol).await, Reply::no_such_user());
    assert_eq!(driver.finish().await, Reply::no_such_user());
    fake.cancelled(0).await;
    assert_eq!(fake.log().last().unwrap(), "cancel /transactions/0");
}

#[tokio::test(start_paused = true)]
async fn recipients_that_are_deferred_defer_the_message() {
    for to in [&["busy@y"][..], &["b@y", "busy@y"], &["busy@y", "b@y"]] {
        let fake = Fake::new(Script {
            rcpt: |to| {
                Some(match to {
                    "busy@y" => own(Reply::mailbox_busy()),
                    _ => Reply::no_such_user(),
                })
            },
            ..Script::accepting()
        });
        let (mut driver, _mail) = start(endpoint(&fake));
        for to in to {
            let pending = driver.rcpt(rcpt(to)).await;
            assert!(driver.wait(pending).await.is_negative());
        }
        assert_eq!(driver.finish().await, own(Reply::mailbox_busy()), "{to:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn facts_of_the_session_and_signals_are_told_where_that_is_asked() {
    use koukan_core::{
        resource::SmtpMeta,
        signals::{Carried, Signals, TraceId},
        stage::rest_endpoint::{RestEndpoint, RestEndpointSettings},
        test_util::context_from,
    };
    let fake = Fake::new(Script::accepting());
    let settings = RestEndpointSettings::default()
        .with_session_facts(true)
        .with_sender(koukan_core::context::Sender::new("ingress").with_tag("smtp-mx"))
        .with_filter_output(true);
    let endpoint = RestEndpoint::new(fake.clone(), settings);
    let context = context_from("192.0.2.1:1234", "client.example.com");
    let told = serde_json::json!({"spf": {"result": "pass"}, "unknown": [1, null]});
    let signals = Carried::from_map(told.as_object().unwrap().clone());
    let signals = Signals::of_carried(signals);
    let id = TraceId::of(&signals);
    let (mut driver, reply) =
        Driver::start_with(endpoint, context.into(), mail("a@x"), signals.branch());
    driver.wait(reply).await;
    let create = &fake.creates()[0];
    assert_eq!(create.sender.to_string(), "ingress/smtp-mx");
    assert_eq!(
        create.draft.remote_address(),
        Some("192.0.2.1:1234".parse().unwrap())
    );
    assert_eq!(
        create.draft.smtp_meta,
        Some(SmtpMeta {
            ehlo_host: Some("client.example.com".into()),
            is_esmtp: true,
            ..SmtpMeta::default()
        })
    );
    let mut expected = told.clone();
    expected["trace_id"] = id.to_string().into();
    assert_eq!(
        serde_json::Value::from(create.draft.filter_output.clone()),
        expected
    );
}

#[tokio::test(start_paused = true)]
async fn signals_that_are_found_out_later_are_told_before_what_they_are_about() {
    use koukan_core::{
        resource::RefusalKind,
        signals::{DurableSignal, Signals},
        stage::rest_endpoint::{RestEndpoint, RestEndpointSettings},
    };
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Listed(bool);
    impl DurableSignal for Listed {
        const NAME: &'static str = "listed";
    }
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Score(u32);
    impl DurableSignal for Score {
        const NAME: &'static str = "score";
    }
    for (is_told, fault, lines) in [
        (
            true,
            None,
            vec![
                "create []",
                "append 0 [b@y] listed=true",
                "append listed=true score=3",
                "upload",
            ],
        ),
        // The result of a request is unknown, or another request came first: what is missing is sent
        // again.
        (
            true,
            Some(Fault::LoseAnswer),
            vec![
                "create []",
                "append 0 [b@y] listed=true",
                "append listed=true",
                "append listed=true score=3",
                "upload",
            ],
        ),
        (
            true,
            Some(Fault::Refuse(RefusalKind::VersionMismatch)),
            vec![
                "create []",
                "append 0 [b@y] listed=true",
                "append 0 [b@y] listed=true",
                "append listed=true score=3",
                "upload",
            ],
        ),
        (false, None, vec!["create []", "append 0 [b@y]", "upload"]),
    ] {
        let fake = Fake::new(Script::accepting());
        let settings = RestEndpointSettings::default().with_filter_output(is_told);
        let endpoint = RestEndpoint::new(fake.clone(), settings);
        let signals = Signals::default();
        let (mut driver, reply) =
            Driver::start_with(endpoint, context(), mail("a@x"), signals.clone());
        driver.wait(reply).await;
        signals.set_durable(&Listed(true)).unwrap();
        if let Some(fault) = fault {
            fake.fault(Kind::Append, fault);
        }
        let bob = driver.rcpt(rcpt("b@y")).await;
        assert_eq!(driver.wait(bob).await, Reply::recipient_ok());
        signals.set_durable(&Score(3)).unwrap();
        driver.send(MESSAGE.into()).await.unwrap();
        assert_eq!(driver.finish().await, Reply::message_accepted());
        let log = fake.log();
        let log: Vec<_> = log
            .iter()
            .map(|line| match line.starts_with("upload") {
                true => "upload",
                false => line,
            })
            .collect();
        assert_eq!(log, lines);
    }
}
