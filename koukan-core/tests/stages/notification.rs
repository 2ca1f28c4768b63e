//! Final failures are reported to the reverse-path.

use koukan_core::{
    reply::{RemoteMta, Reply},
    service::BoxMailService,
    stage::{
        exploder::ReplyPolicy,
        output_handler::{Chain, OutputHandler},
    },
    test_util::{Answer, CapturedLog, Received, Script, mail, rcpt, send},
};

use crate::agent::{Agent, RETRY, turns, until};

const MESSAGE: &str = "Subject: hi\r\nX-Mark: original\r\n\r\nhello\r\n";

fn down() -> Script {
    Script::new().mail(Answer::Return(Reply::connection_failed()))
}

async fn notified(upstreams: impl IntoIterator<Item = Script>, from: &str) -> (Agent, Script) {
    let up = Script::new();
    let agent = Agent::over(turns(upstreams.into_iter().chain([up.clone()]))).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail(from), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    (agent, up)
}

fn assert_tells(notification: &Received, texts: &[&str]) {
    assert!(notification.reverse_path().is_null());
    assert_eq!(notification.recipient_texts(), ["a@x"]);
    for text in texts {
        assert!(
            notification.text().contains(text),
            "{text}:\n{}",
            notification.text()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_after_custody_is_told_with_the_remote_reply() {
    let reply = Reply::no_such_user().with_text("gone fishing");
    let refusing = Script::new().other_rcpts(reply);
    let (agent, up) = notified([down(), refusing], "a@x").await;
    let dispatching = agent.dispatch();
    until(|| async { !up.received().is_empty() }).await;
    dispatching.stop().await;
    let texts = [
        "Auto-Submitted: auto-replied",
        "Final-Recipient: rfc822; b@y",
        "Action: failed",
        "Status: 5.1.1",
        "gone fishing",
        "X-Mark: original",
    ];
    assert_tells(&up.only_received(), &texts);
    assert_eq!(agent.census().await.finished, 2);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_expires_is_told() {
    let (agent, up) = notified((0..5).map(|_| down()), "a@x").await;
    let dispatching = agent.dispatch();
    until(|| async { !up.received().is_empty() }).await;
    dispatching.stop().await;
    assert_tells(&up.only_received(), &["Status: 4.4.1", "Action: failed"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_of_a_failure_of_the_null_reverse_path() {
    let refusing = Script::new().other_rcpts(Reply::no_such_user());
    let (agent, up) = notified([down(), refusing], "").await;
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 1 }).await;
    dispatching.stop().await;
    assert!(up.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_text_of_a_message_without_a_header_is_not_returned_as_one() {
    let up = Script::new();
    let refusing = Script::new().other_rcpts(Reply::no_such_user());
    let agent = Agent::over(turns([down(), refusing, up.clone()])).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let message = "\r\nsecret\r\n\r\ntext\r\n";
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], message).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let dispatching = agent.dispatch();
    until(|| async { !up.received().is_empty() }).await;
    dispatching.stop().await;
    assert!(!up.only_received().text().contains("secret"));
}

/// The only notification if the last attempt got `reply`.
async fn told_of(reply: Reply) -> Received {
    let refusing = Script::new().message(reply);
    let (agent, up) = notified([down(), refusing], "a@x").await;
    let dispatching = agent.dispatch();
    until(|| async { !up.received().is_empty() }).await;
    dispatching.stop().await;
    up.only_received()
}

#[tokio::test(start_paused = true)]
async fn only_what_the_destination_said_is_told_as_its_word() {
    let remote = RemoteMta {
        host: "192.0.2.1".into(),
        address: "192.0.2.1:25".parse().unwrap(),
    };
    let said = told_of(Reply::bad_content().with_extension(remote)).await;
    let texts = [
        "Remote-MTA: dns; [192.0.2.1]",
        "Diagnostic-Code: smtp; 554 5.6.0",
    ];
    assert_tells(&said, &texts);
    let own = told_of(Reply::loops_back()).await;
    assert_tells(&own, &["Status: 5.4.6"]);
    for text in ["Remote-MTA", "Diagnostic-Code", " said"] {
        assert!(!own.text().contains(text), "{}", own.text());
    }
}

#[tokio::test(start_paused = true)]
async fn a_reverse_path_in_utf8_declares_what_its_notification_needs() {
    let refusing = || Script::new().other_rcpts(Reply::no_such_user());
    for (from, parameters) in [("ålice@x", vec!["BODY", "SMTPUTF8"]), ("alice@x", vec![])] {
        let (agent, up) = notified([down(), refusing()], from).await;
        let dispatching = agent.dispatch();
        until(|| async { !up.received().is_empty() }).await;
        dispatching.stop().await;
        let received = up.only_received();
        let declared = received.mail.parameters.iter();
        let declared: Vec<_> = declared.map(|parameter| parameter.keyword()).collect();
        assert_eq!(declared, parameters, "{from}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_notification_that_cannot_be_delivered_is_warned_of() {
    let log = CapturedLog::at(tracing::Level::WARN);
    let refusing = Script::new().other_rcpts(Reply::no_such_user());
    let agent = Agent::over(turns([down(), refusing])).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let dispatching = agent.dispatch();
    until(|| async { agent.census().await.finished == 2 }).await;
    dispatching.stop().await;
    let line = log.only_line("could not be delivered");
    for text in ["WARN", "to=a@x", "about=b@y", "550 5.1.1"] {
        assert!(line.contains(text), "{text}: {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_notifications_nobody_is_told_but_the_log() {
    let log = CapturedLog::at(tracing::Level::WARN);
    let (agent, up) = notified([down()], "a@x").await;
    let refusing = Script::new().other_rcpts(Reply::no_such_user());
    let dispatching = agent.dispatch_to(OutputHandler::without_notifications(Chain {
        service: BoxMailService::new(refusing),
        retry: *RETRY,
    }));
    until(|| async { agent.census().await.finished == 1 }).await;
    dispatching.stop().await;
    let line = log.only_line("no notification is sent");
    for text in ["WARN", "to=a@x", "b@y"] {
        assert!(line.contains(text), "{text}: {line}");
    }
    assert!(up.received().is_empty());
    let census = agent.census().await;
    assert_eq!((census.waiting, census.finished), (0, 1));
}
