//! The sender of a message to many recipients at a host that does not answer is told of the delay once.

use koukan_core::{stage::output_handler::RetryPolicy, test_util::Script};

use crate::told_together::{told_of, upstream};

use super::*;

#[rstest]
#[case::some(50)]
#[case::more_than_one_transaction_takes(250)]
#[tokio::test(start_paused = true)]
async fn one_notification_tells_of_all_that_wait_for_a_silent_host(#[case] count: usize) {
    let (hosts, up) = (Hosts::default(), Script::new());
    let agent = Agent::over(upstream(hosts.service(), &up)).await;
    let to: Vec<_> = (0..count).map(|n| rcpt(&format!("r{n}@dead.d"))).collect();
    let front = agent.exploder(ReplyPolicy::Submission);
    let outcome = send(front, mail("a@x"), to, MESSAGE).await;
    assert!(outcome.is_delivered(), "{outcome:?}");
    // Those that are often chosen to try the host would use up their attempts.
    let for_ever = |_: &str, general: RetryPolicy| general.with_max_attempts(None);
    let output = agent.output.clone().with_delay_notices(400 * SECOND);
    let dispatching = agent.dispatch_to(output.with_retry_rules(for_ever));
    let told = || {
        let received = up.received().into_iter();
        received.map(|it| told_of(&it)).collect::<Vec<_>>()
    };
    sleep(395 * SECOND).await;
    assert!(told().is_empty(), "{:?}", told());
    // The host is tried each minute, and what is late is looked at.
    sleep(700 * SECOND).await;
    assert_eq!(told().iter().map(Vec::len).collect::<Vec<_>>(), [count]);
    assert!(up.only_received().text().contains("Action: delayed"));
    sleep(900 * SECOND).await;
    hosts.set_up();
    sleep(700 * SECOND).await;
    assert_eq!(hosts.delivered("r").len(), count);
    dispatching.stop().await;
    assert_eq!(told().len(), 1, "and once only");
}
