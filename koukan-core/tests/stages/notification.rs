//! Final failures are told to the reverse-path.

use koukan_core::{
    reply::Reply,
    stage::exploder::Policy,
    test_util::{Answer, Received, Script, mail, rcpt, send},
};

use crate::agent::{Agent, turns, until};

const MESSAGE: &str = "Subject: hi\r\nX-Mark: original\r\n\r\nhello\r\n";

fn down() -> Script {
    Script::new().mail(Answer::Return(Reply::connection_failed()))
}

async fn notified(upstreams: impl IntoIterator<Item = Script>, from: &str) -> (Agent, Script) {
    let up = Script::new();
    let agent = Agent::over(turns(upstreams.into_iter().chain([up.clone()]))).await;
    let front = agent.exploder(Policy::Submission);
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
    let front = agent.exploder(Policy::Submission);
    let message = "\r\nsecret\r\n\r\ntext\r\n";
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], message).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    let dispatching = agent.dispatch();
    until(|| async { !up.received().is_empty() }).await;
    dispatching.stop().await;
    assert!(!up.only_received().text().contains("secret"));
}
