//! Final replies by recipient, through all stages between an upstream and a client.

use koukan_core::{
    reply::{FinalReplies, InPlaceOf, Reply},
    service::MailService,
    stage::exploder::ReplyPolicy,
    storage::{
        Census, Custody, MemoryBackend, Queue, Records,
        record::{FinalReason, NewTransaction, Recipient, Status, Terms},
    },
    test_util::{ManualClock, Script, mail, rcpt, send},
    transaction::Transaction,
};
use rstest::rstest;
use tower::{BoxError, ServiceExt, service_fn};

use crate::{
    agent::{Agent, turns, until},
    queued::{MESSAGE, queued},
};

/// Accepts the message for all but two, with replies by recipient.
fn by_recipient() -> Script {
    Script::new()
        .message_for("later@y", Reply::mailbox_busy().with_text("later"))
        .message_for("never@y", Reply::no_such_user().with_text("never"))
}

fn three() -> [koukan_core::transaction::Rcpt; 3] {
    ["taken@y", "later@y", "never@y"].map(rcpt)
}

#[tokio::test(start_paused = true)]
async fn through_exploder_and_queue_and_back() {
    let legs = by_recipient();
    let up = Script::new();
    let agent = Agent::over(turns([legs.clone(), legs.clone(), legs, up.clone()])).await;
    let outcome = send(
        agent.exploder(ReplyPolicy::Submission),
        mail("a@x"),
        three(),
        MESSAGE,
    )
    .await;

    // A message in custody need not be sent again; the legs' replies are passed on all the same.
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    assert!(outcome.is_delivered());
    let said = |index: usize| {
        let extensions = outcome.verdict(index).extensions();
        extensions
            .get::<InPlaceOf>()
            .map(|InPlaceOf(said)| said.to_string())
    };
    assert_eq!(
        [0, 1, 2].map(said),
        [
            None,
            Some("450 4.2.1 later".to_owned()),
            Some("550 5.1.1 never".to_owned())
        ]
    );

    let dispatching = agent.dispatch();
    until(|| async { up.received().len() == 2 }).await;
    dispatching.stop().await;
    let received = up.received();
    let find = |to: &str| received.iter().find(|got| got.recipient_texts() == [to]);
    assert_eq!(find("later@y").unwrap().text(), MESSAGE);
    let notification = find("a@x").unwrap();
    assert!(notification.reverse_path().is_null());
    assert!(notification.text().contains("never@y"));
    assert!(!notification.text().contains("later@y"));
    assert_eq!(agent.census().await.waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn another_agent_is_told_by_recipient_what_nobody_took() {
    let agent = Agent::over(by_recipient()).await;
    let front = agent.exploder(ReplyPolicy::Ingress);
    let to = ["later@y", "never@y", "later@Y"].map(rcpt);
    let outcome = send(front, mail("a@x"), to, MESSAGE).await;
    let [later, never] = [
        Reply::mailbox_busy().with_text("later"),
        Reply::no_such_user().with_text("never"),
    ];
    assert_eq!(outcome.message, Some(later.clone()));
    // A recipient that was named twice has the reply of its leg.
    assert_eq!(
        [0, 1, 2].map(|index| outcome.verdict(index)),
        [&later, &never, &later]
    );
    assert_eq!(agent.census().await, Census::default());
}

/// Three recipients of one queued transaction, whose upstream replies by recipient.
#[rstest]
#[case::as_it_is(false)]
#[case::behind_a_filter_that_refuses_one(true)]
#[tokio::test(start_paused = true)]
async fn one_is_done_one_is_retried_and_one_is_notified(#[case] is_filtered: bool) {
    let (first, second, up) = (by_recipient(), by_recipient(), Script::new());
    let backend = MemoryBackend::new();
    let start = koukan_core::clock::Clock::now(&ManualClock::default());
    let recipient = |to| Recipient {
        rcpt: rcpt(to),
        settled: None,
    };
    let mut recipients: Vec<_> = ["taken@y", "later@y", "never@y"].map(recipient).into();
    if is_filtered {
        recipients.insert(1, recipient("refused@y"));
    }
    let new = NewTransaction {
        recipients,
        ..queued("taken@y", start)
    };
    let id = new.id;
    backend.insert(new).await.unwrap();
    let upstream = turns([first.clone(), second.clone(), up.clone()]);
    let agent = Agent::on(backend.clone(), refusing(upstream)).await;
    let dispatching = agent.dispatch();

    until(|| async { !first.received().is_empty() }).await;
    agent.storage.flush().await;
    until(|| async { backend.find(id).await.unwrap().unwrap().attempt_count == 1 }).await;
    let stored = backend.find(id).await.unwrap().unwrap();
    let attempt = stored.last_attempt.unwrap();
    assert_eq!(
        attempt.final_reply,
        Reply::mailbox_busy().with_text("later")
    );
    let settled = stored.recipients.iter().filter(|to| to.settled.is_some());
    let settled: Vec<_> = settled.map(|to| to.rcpt.forward_path.as_str()).collect();
    let expected = ["taken@y", "refused@y", "never@y"];
    let expected = expected
        .into_iter()
        .filter(|to| is_filtered || *to != "refused@y");
    assert_eq!(settled, expected.collect::<Vec<_>>());
    for (index, recipient) in stored.recipients.iter().enumerate() {
        let reply = match recipient.rcpt.forward_path.as_str() {
            "taken@y" => Reply::message_accepted(),
            "later@y" => Reply::mailbox_busy().with_text("later"),
            "refused@y" => Reply::relay_denied(),
            _ => Reply::no_such_user().with_text("never"),
        };
        assert_eq!(attempt.outcome(index).reply(), &reply);
    }

    // Only the one is tried again, until it is accepted; then one notification reports the others.
    until(|| async { up.received().len() == 2 }).await;
    dispatching.stop().await;
    assert_eq!(second.only_received().recipient_texts(), ["later@y"]);
    let received = up.received();
    assert_eq!(received[0].recipient_texts(), ["later@y"]);
    assert_eq!(received[1].recipient_texts(), ["a@x"]);
    let notification = received[1].text();
    assert!(notification.contains("Final-Recipient: rfc822; never@y"));
    assert!(notification.contains("never\r\n"), "{notification}");
    assert!(!notification.contains("later@y") && !notification.contains("taken@y"));
    assert_eq!(notification.contains("refused@y"), is_filtered);
    let stored = backend.find(id).await.unwrap().unwrap();
    assert_eq!(stored.status, Status::Final(FinalReason::PartlyDelivered));
}

/// Refuses one recipient before `inner` sees it.
fn refusing(inner: impl MailService) -> impl MailService {
    service_fn(move |tx: Transaction| {
        let tx = tx.filter_recipients(|rcpt| match rcpt.forward_path.as_str() {
            "refused@y" => Err(Reply::relay_denied()),
            _ => Ok(()),
        });
        inner.clone().oneshot(tx)
    })
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_custody_of_several_recipients_keeps_those_that_failed() {
    let (upstream, up) = (by_recipient(), Script::new());
    let agent = Agent::over(turns([upstream, up.clone()])).await;
    let mut to = three().to_vec();
    to.insert(0, rcpt("refused@y"));
    let outcome = send(refusing(agent.writer.clone()), mail("a@x"), to, MESSAGE).await;
    let verdicts = [0, 1, 2, 3].map(|index| outcome.verdict(index).code().as_u16());
    assert_eq!(verdicts, [550, 250, 450, 550]);
    assert!(!outcome.is_delivered() && outcome.is_transient());
    let message = outcome.message.unwrap();
    let custody = message.extensions().get::<Custody>().unwrap();
    let terms = Terms {
        retry: true,
        notify: true,
    };
    custody.take(terms).await.unwrap();
    let dispatching = agent.dispatch();
    until(|| async { up.received().len() == 2 }).await;
    dispatching.stop().await;
    let received = up.received();
    assert_eq!(received[0].recipient_texts(), ["later@y"]);
    assert!(received[1].text().contains("never@y"));
}

#[tokio::test(start_paused = true)]
async fn a_service_says_them_without_more_ado() {
    let lmtp = service_fn(|mut tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        let mut replies = FinalReplies::default();
        let mut fates = [
            Reply::message_accepted(),
            Reply::mailbox_busy(),
            Reply::no_such_user(),
        ]
        .into_iter();
        while let Some(rcpt) = tx.recipients.next().await? {
            replies.push(rcpt.position(), fates.next().unwrap());
            rcpt.answer(Reply::recipient_ok());
        }
        while tx.body.next().await?.is_some() {}
        Ok::<_, BoxError>(replies.into_reply())
    });
    let outcome = send(lmtp, mail("a@x"), three(), MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::mailbox_busy()));
    let codes = [0, 1, 2].map(|index| outcome.verdict(index).code().as_u16());
    assert_eq!(codes, [250, 450, 550]);
}
