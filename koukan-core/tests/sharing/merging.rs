//! One transaction for all members.

use std::time::Duration;

use koukan_core::{
    blob::BlobPool,
    reply::Reply,
    stage::{
        exploder::{Exploder, ReplyPolicy},
        sharing::Sharing,
    },
    test_util::{Answer, Script, mail, rcpt, send},
};

use crate::harness::{Client, MESSAGE, delivered, exploder};

#[tokio::test(start_paused = true)]
async fn recipients_that_come_together_share_a_transaction() {
    let destination = Script::new();
    let to = ["b@y", "c@y", "d@z"].map(rcpt);
    let outcome = send(exploder(destination.clone()), mail("a@x"), to, MESSAGE).await;
    assert!(outcome.recipients.iter().all(Reply::is_positive));
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    let received = destination.only_received();
    assert_eq!(received.recipient_texts(), ["b@y", "c@y", "d@z"]);
    assert_eq!(received.text(), MESSAGE);
    assert_eq!(received.reverse_path().as_str(), "a@x");
}

#[tokio::test(start_paused = true)]
async fn recipients_that_come_one_by_one_share_a_transaction() {
    let destination = Script::new();
    let mut client = Client::new(exploder(destination.clone()));
    for to in ["b@y", "c@y", "d@y"] {
        assert_eq!(client.rcpt(to).await, Reply::recipient_ok());
        client.rest().await;
    }
    assert!(client.message().await.is_positive());
    let received = destination.only_received();
    assert_eq!(received.recipient_texts(), ["b@y", "c@y", "d@y"]);
    assert_eq!(received.text(), MESSAGE);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_or_deferred_is_told_so() {
    let destination = Script::new()
        .rcpt("b@y", Reply::no_such_user())
        .rcpt("d@y", Reply::mailbox_busy());
    let to = ["b@y", "c@y", "d@y", "e@y"].map(rcpt);
    let outcome = send(exploder(destination.clone()), mail("a@x"), to, MESSAGE).await;
    let ok = Reply::recipient_ok;
    assert_eq!(
        outcome.recipients,
        [ok(), ok(), ok(), ok()]
            .into_iter()
            .zip([
                Some(Reply::no_such_user()),
                None,
                Some(Reply::mailbox_busy()),
                None
            ])
            .map(|(ok, other)| other.unwrap_or(ok))
            .collect::<Vec<_>>()
    );
    assert!(outcome.message.unwrap().is_positive());
    assert_eq!(delivered(&destination), [["c@y", "e@y"]]);
}

#[tokio::test(start_paused = true)]
async fn each_has_its_own_final_reply() {
    let destination = Script::new().message_for("c@y", Reply::bad_content());
    let to = ["b@y", "c@y"].map(rcpt);
    let outcome = send(exploder(destination.clone()), mail("a@x"), to, MESSAGE).await;
    // Custody cannot be taken here: what shows is that one leg failed and the other did not.
    assert_eq!(outcome.message, Some(Reply::local_error()));
    assert_eq!(destination.received().len(), 1);

    let destination = Script::new().message(Reply::bad_content());
    let to = ["b@y", "c@y"].map(rcpt);
    let outcome = send(exploder(destination.clone()), mail("a@x"), to, MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::bad_content()));
    assert_eq!(destination.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_reverse_path_answers_everybody() {
    let destination = Script::new().mail(Answer::Return(Reply::policy_refused()));
    let to = ["b@y", "c@y"].map(rcpt);
    let outcome = send(exploder(destination.clone()), mail("a@x"), to, MESSAGE).await;
    assert_eq!(
        outcome.recipients,
        [Reply::policy_refused(), Reply::policy_refused()]
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_recipients_than_are_allowed_share_a_transaction() {
    let destination = Script::new();
    let legs = Sharing::new(destination.clone()).with_recipients_max(100);
    let exploder = Exploder::new(legs, ReplyPolicy::Ingress, BlobPool::default());
    let to = (0..250).map(|n| rcpt(&format!("r{n}@y")));
    let outcome = send(exploder, mail("a@x"), to, MESSAGE).await;
    assert!(outcome.message.unwrap().is_positive());
    let delivered = delivered(&destination);
    let mut counts: Vec<_> = delivered.iter().map(Vec::len).collect();
    counts.sort_unstable();
    assert_eq!(counts, [50, 100, 100]);
    let mut all: Vec<_> = delivered.concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 250);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reply_is_waited_for_by_all_and_none_is_lost() {
    let second = Duration::from_secs(1);
    let destination = Script::new().rcpt("c@y", Answer::After(second, Reply::recipient_ok()));
    let to = ["b@y", "c@y", "d@y"].map(rcpt);
    let outcome = send(exploder(destination.clone()), mail("a@x"), to, MESSAGE).await;
    assert!(outcome.message.unwrap().is_positive());
    assert_eq!(delivered(&destination), [["b@y", "c@y", "d@y"]]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_dropped_costs_one_recipient() {
    let destination = Script::new().rcpt("c@y", Answer::Drop);
    let to = ["b@y", "c@y"].map(rcpt);
    let outcome = send(exploder(destination.clone()), mail("a@x"), to, MESSAGE).await;
    assert_eq!(
        outcome.recipients,
        [Reply::recipient_ok(), Reply::local_error()]
    );
    assert!(outcome.message.unwrap().is_positive());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_panics_or_fails_defers_all() {
    for broken in [Answer::Panic("broken"), Answer::Fail("broken")] {
        let destination = Script::new().message(broken.clone());
        let to = ["b@y", "c@y"].map(rcpt);
        let outcome = send(exploder(destination), mail("a@x"), to, MESSAGE).await;
        assert_eq!(outcome.message, Some(Reply::local_error()), "{broken:?}");
        let destination = Script::new().rcpt("c@y", broken.clone());
        let to = ["b@y", "c@y"].map(rcpt);
        let outcome = send(exploder(destination), mail("a@x"), to, MESSAGE).await;
        assert_eq!(outcome.recipients[1], Reply::local_error(), "{broken:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_ends_the_shared_transaction() {
    let destination = Script::new();
    let mut client = Client::new(exploder(destination.clone()));
    for to in ["b@y", "c@y"] {
        client.rcpt(to).await;
    }
    client.driver.send("Subject: half".into()).await.unwrap();
    client.rest().await;
    drop(client);
    let received = destination.ended(1).await;
    assert_eq!(received.len(), 1);
    assert!(!matches!(
        received[0].end,
        koukan_core::test_util::End::Replied(_)
    ));
}
