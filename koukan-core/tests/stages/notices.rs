//! Senders get the notifications they request by RFC 3461: of success, delay and failure, or none.

use std::time::Duration;

use koukan_core::{
    path::Parameter,
    reply::{Handover, Reply},
    service::MailService,
    stage::exploder::{Exploder, NotifyWhen, ReplyPolicy},
    test_util::{Answer, Script, mail, rcpt, send},
    transaction::{Mail, Rcpt, Transaction},
};
use rstest::rstest;
use tower::{ServiceExt, service_fn};

use crate::agent::{Agent, turns, until};

const MESSAGE: &str = "Subject: hi\r\n\r\nhello\r\n";

fn down() -> Script {
    Script::new().mail(Answer::Return(Reply::connection_failed()))
}

fn taken(handover: Option<Handover>) -> Script {
    let reply = Reply::message_accepted();
    Script::new().message(match handover {
        Some(handover) => reply.with_extension(handover),
        None => reply,
    })
}

fn notify(value: &str) -> Rcpt {
    let mut rcpt = rcpt("b@y");
    if !value.is_empty() {
        let parameter = Parameter::new("NOTIFY", Some(value)).unwrap();
        rcpt.parameters.push(parameter).unwrap();
    }
    rcpt
}

/// Messages meet one script after the other, notifications the last.
fn upstream(scripts: Vec<Script>, told: &Script) -> impl MailService + use<> {
    let (messages, told) = (turns(scripts), told.clone());
    service_fn(move |tx: Transaction| {
        let (messages, told) = (messages.clone(), told.clone());
        async move {
            match tx.mail.reverse_path().is_null() {
                true => told.oneshot(tx).await,
                false => messages.oneshot(tx).await.map_err(Into::into),
            }
        }
    })
}

/// The notifications of a message that was accepted, when everything is over.
async fn told(scripts: Vec<Script>, from: Mail, to: Rcpt, message: &'static str) -> Vec<String> {
    let up = Script::new();
    let agent = Agent::over(upstream(scripts, &up)).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, from, [to], message).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let after = Duration::from_secs(150);
    let dispatching = agent.dispatch_to(agent.output.clone().with_delay_notices(after));
    until(|| async {
        let census = agent.census().await;
        (census.waiting, census.leased) == (0, 0)
    })
    .await;
    dispatching.stop().await;
    let received = up.received();
    let texts = received.iter().map(|it| it.text().to_owned());
    texts.filter(|text| text != message).collect()
}

fn actions(texts: &[String]) -> Vec<&str> {
    let lines = texts.iter().flat_map(|text| text.lines());
    lines
        .filter_map(|line| line.strip_prefix("Action: "))
        .collect()
}

#[rstest]
#[case::relayed("SUCCESS", None, &["relayed"])]
#[case::delivered("success,FAILURE", Some(Handover::Delivered), &["delivered"])]
#[case::told_by_another("SUCCESS", Some(Handover::PassedOn), &[])]
#[case::not_asked_for("FAILURE,DELAY", None, &[])]
#[case::never("NEVER", None, &[])]
#[case::nothing_said("", None, &[])]
#[tokio::test(start_paused = true)]
async fn success_is_told_where_it_is_asked_for_and_nobody_else_tells(
    #[case] asked: &str,
    #[case] handover: Option<Handover>,
    #[case] expected: &[&str],
    #[values(0, 1)] failures: usize,
) {
    let failed = (0..failures).map(|_| down());
    let scripts = failed.chain([taken(handover)]).collect();
    let texts = told(scripts, mail("a@x"), notify(asked), MESSAGE).await;
    assert_eq!(actions(&texts), expected, "{texts:?}");
    let texts = told(vec![taken(handover)], mail(""), notify(asked), MESSAGE).await;
    assert!(texts.is_empty(), "the null reverse-path is told nothing");
}

/// Each with what was asked for it, and only those for which that was success.
#[tokio::test(start_paused = true)]
async fn one_notification_tells_of_all_that_were_delivered_while_the_client_waited() {
    let up = Script::new();
    let agent = Agent::over(upstream(vec![taken(None)], &up)).await;
    let to = |to: &str, asked: &str| {
        let mut rcpt = rcpt(to);
        for (keyword, value) in [("NOTIFY", asked), ("ORCPT", &format!("rfc822;{to}.org"))] {
            let parameter = Parameter::new(keyword, Some(value)).unwrap();
            rcpt.parameters.push(parameter).unwrap();
        }
        rcpt
    };
    let all = [
        to("a@y", "SUCCESS"),
        to("b@z", "SUCCESS,DELAY"),
        to("c@y", "FAILURE"),
        to("d@y", "NEVER"),
    ];
    let front = agent.exploder(ReplyPolicy::Ingress);
    let outcome = send(front, mail("a@x"), all, MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let census = agent.census().await;
    assert_eq!(census.waiting, 1, "it is queued before the client is told");
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.waiting == 0 }).await;
    dispatching.stop().await;
    let received = up.received();
    let texts: Vec<_> = received.iter().map(|it| it.text().to_owned()).collect();
    assert_eq!(actions(&texts), ["relayed", "relayed"], "{texts:?}");
    let original = texts[0].matches("Original-Recipient: rfc822; ").count();
    assert_eq!((texts.len(), original), (1, 2));
    assert!(texts[0].contains("Original-Recipient: rfc822; b@z.org"));
}

/// They have the message.
#[tokio::test(start_paused = true)]
async fn who_was_delivered_is_told_of_if_the_client_leaves_before_the_others_are() {
    let up = Script::new();
    let hangs = Script::new().message(Answer::Never);
    let agent = Agent::over(upstream(vec![taken(None), hangs], &up)).await;
    let to = |to| {
        let mut rcpt = rcpt(to);
        rcpt.parameters = notify("SUCCESS").parameters;
        rcpt
    };
    let front = agent.exploder(ReplyPolicy::Ingress);
    let sent = send(front, mail("a@x"), [to("a@y"), to("b@y")], MESSAGE);
    let left = tokio::time::timeout(Duration::from_secs(2), sent).await;
    assert!(left.is_err(), "{left:?}");
    until(|| async { agent.census().await.waiting == 1 }).await;
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.waiting == 0 }).await;
    dispatching.stop().await;
    let texts: Vec<_> = up
        .received()
        .iter()
        .map(|it| it.text().to_owned())
        .collect();
    assert_eq!(actions(&texts), ["relayed"], "{texts:?}");
}

#[tokio::test(start_paused = true)]
async fn an_exploder_that_tells_nobody_does_not_tell_of_success() {
    let up = Script::new();
    let agent = Agent::over(upstream(vec![taken(None)], &up)).await;
    let pool = agent.storage.pool().clone();
    let front = Exploder::new(agent.writer.clone(), ReplyPolicy::Ingress, pool);
    let front = front.with_notify(NotifyWhen::Never);
    let outcome = send(front, mail("a@x"), [notify("SUCCESS")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    assert_eq!(agent.census().await.waiting, 0);
}

#[rstest]
#[case::once("", 4, &["delayed"])]
#[case::asked_for("DELAY", 4, &["delayed"])]
#[case::not_asked_for("FAILURE", 4, &[])]
#[case::never("NEVER", 4, &[])]
#[case::too_early("", 1, &[])]
#[case::and_then_failed("", 9, &["delayed", "failed"])]
#[case::not_told_of_failure("DELAY", 9, &["delayed"])]
#[tokio::test(start_paused = true)]
async fn delay_is_told_once(
    #[case] asked: &str,
    #[case] failures: usize,
    #[case] expected: &[&str],
) {
    let scripts: Vec<_> = (0..failures).map(|_| down()).chain([taken(None)]).collect();
    let texts = told(scripts, mail("a@x"), notify(asked), MESSAGE).await;
    assert_eq!(actions(&texts), expected, "{texts:?}");
    if let Some(first) = texts.first() {
        assert!(first.contains("Will-Retry-Until: "), "{first}");
        assert!(first.contains("Subject: Delayed mail"), "{first}");
    }
}

#[rstest]
#[case::a_notification("Auto-Submitted: auto-replied\r\n\r\nhi\r\n", &[])]
#[case::a_report("Content-Type: multipart/report; report-type=delivery-status\r\n\r\nhi\r\n", &[])]
#[case::of_a_program("Auto-Submitted: auto-generated\r\n\r\nhi\r\n", &["failed"])]
#[tokio::test(start_paused = true)]
async fn nobody_is_told_of_a_notification(
    #[case] message: &'static str,
    #[case] expected: &[&str],
) {
    let refusing = Script::new().other_rcpts(Reply::no_such_user());
    let texts = told(vec![down(), refusing], mail("a@x"), notify(""), message).await;
    assert_eq!(actions(&texts), expected, "{texts:?}");
}

#[rstest]
#[case("FULL", true)]
#[case("HDRS", false)]
#[tokio::test(start_paused = true)]
async fn the_message_comes_back_as_asked_for(#[case] ret: &str, #[case] is_full: bool) {
    let refusing = Script::new().other_rcpts(Reply::no_such_user());
    let mut from = mail("a@x");
    for (keyword, value) in [("RET", ret), ("ENVID", "QQ+2B314")] {
        let parameter = Parameter::new(keyword, Some(value)).unwrap();
        from.parameters.push(parameter).unwrap();
    }
    let texts = told(vec![down(), refusing], from, notify(""), MESSAGE).await;
    let [text] = &texts[..] else {
        panic!("{texts:?}");
    };
    assert!(text.contains("Original-Envelope-Id: QQ+314\r\n"), "{text}");
    assert!(text.contains("Subject: hi\r\n"), "{text}");
    assert_eq!(text.contains("hello"), is_full, "{text}");
}

#[tokio::test(start_paused = true)]
async fn of_a_message_that_needs_tls_the_header_comes_back_with_the_same_need() {
    let refusing = Script::new().other_rcpts(Reply::no_such_user());
    let up = Script::new();
    let mut from = mail("a@x");
    for (keyword, value) in [("RET", Some("FULL")), ("REQUIRETLS", None)] {
        let parameter = Parameter::new(keyword, value).unwrap();
        from.parameters.push(parameter).unwrap();
    }
    let agent = Agent::over(upstream(vec![down(), refusing], &up)).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, from, [notify("")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let dispatching = agent.dispatch_to(agent.output.clone());
    until(|| async {
        let census = agent.census().await;
        (census.waiting, census.leased) == (0, 0)
    })
    .await;
    dispatching.stop().await;
    let [notice] = &up.received()[..] else {
        panic!("{:?}", up.received());
    };
    assert!(notice.mail.parameters.is_requiretls(), "{notice:?}");
    let text = notice.text();
    assert!(
        text.contains("Subject: hi\r\n") && !text.contains("hello"),
        "{text}"
    );
}
