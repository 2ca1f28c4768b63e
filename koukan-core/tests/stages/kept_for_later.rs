//! The log lines about mail that is kept for later.

use koukan_core::{
    reply::Reply,
    stage::exploder::ReplyPolicy,
    test_util::{CapturedLog, Script, mail, rcpt, send},
};
use tracing::Level;

use crate::agent::{Agent, turns, until};

fn queued(log: &CapturedLog) -> Vec<String> {
    let text = log.text();
    let queued = text
        .lines()
        .filter(|line| line.contains(" INFO ") && line.contains("queued, next"));
    queued.map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn each_time_it_is_put_off_the_log_says_until_when() {
    let log = CapturedLog::at(Level::INFO);
    let busy = || Script::new().other_rcpts(Reply::mailbox_busy());
    let agent = Agent::over(turns([busy(), busy(), Script::new()])).await;
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), [rcpt("b@y")], "\r\nhello\r\n").await;
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    agent.census().await;
    let first = queued(&log);
    assert_eq!(first.len(), 1, "{first:?}");
    for told in [
        "mail_from=a@x",
        "recipients=b@y",
        "attempts=1",
        "reply=450 ",
    ] {
        assert!(first[0].contains(told), "{told} is not in {first:?}");
    }
    let at = |line: &str| {
        let (_, after) = line.split_once("queued, next attempt at ").unwrap();
        after.split(' ').next().unwrap().parse::<jiff::Timestamp>()
    };
    let wait = at(&first[0]).unwrap().duration_since(agent.clock.now());
    assert!((50..=100).contains(&wait.as_secs()), "{wait:?}");

    let dispatching = agent.dispatch();
    until(async || agent.census().await.finished == 1).await;
    dispatching.stop().await;
    let all = queued(&log);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[1].contains("attempts=2"), "{all:?}");
    assert!(at(&all[1]).unwrap() > at(&all[0]).unwrap());
}
