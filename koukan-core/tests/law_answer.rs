//! Law 1: every command is answered exactly once.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use koukan_core::{
    reply::{FinalReplies, Reply},
    service::MailService,
    test_util::{context, mail, rcpt},
    transaction::{Driver, GRACE, Pending, Transaction},
};
use tokio::time::{Instant, advance};
use tower::{BoxError, service_fn};

fn start(service: impl MailService) -> (Driver, Pending) {
    Driver::start(service, context(), mail("a@x"))
}

#[tokio::test(start_paused = true)]
async fn a_rejection_answers_everything_that_is_open() {
    let service = service_fn(|mut tx: Transaction| async move {
        let _held = tx.recipients.next().await?;
        Ok::<_, BoxError>(Reply::policy_refused())
    });
    let (mut driver, mail) = start(service);
    let pulled = driver.rcpt(rcpt("b@y")).await;
    let queued = driver.rcpt(rcpt("c@y")).await;
    for pending in [mail, pulled, queued] {
        assert_eq!(driver.wait(pending).await, Reply::policy_refused());
    }
    assert_eq!(driver.finish().await, Reply::policy_refused());
}

#[tokio::test(start_paused = true)]
async fn a_rejection_answers_what_comes_later() {
    let (mut driver, mail) = start(service_fn(|_: Transaction| async {
        Ok::<_, BoxError>(Reply::relay_denied())
    }));
    assert_eq!(driver.wait(mail).await, Reply::relay_denied());
    let late = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(late).await, Reply::relay_denied());
    driver.data();
    assert!(driver.send("hello\r\n".into()).await.is_err());
    assert_eq!(driver.final_reply(), Some(&Reply::relay_denied()));
}

#[tokio::test(start_paused = true)]
async fn a_final_reply_by_recipient_answers_each_with_its_own() {
    let (mut driver, mail) = start(service_fn(|mut tx: Transaction| async move {
        let mut replies = FinalReplies::default();
        let own = [Reply::message_accepted(), Reply::mailbox_busy()];
        for reply in own {
            let Some(rcpt) = tx.recipients.next().await? else {
                break;
            };
            replies.push(rcpt.position(), reply);
        }
        Ok::<_, BoxError>(replies.into_reply_or(Reply::overloaded()))
    }));
    let mut open = Vec::new();
    for to in ["b@y", "c@y", "d@y"] {
        open.push(driver.rcpt(rcpt(to)).await);
    }
    assert_eq!(driver.wait(mail).await, Reply::overloaded());
    // The message was not refused for the first one, so its result says nothing about that command.
    for reply in [
        Reply::local_error(),
        Reply::mailbox_busy(),
        Reply::overloaded(),
    ] {
        let answer = driver.wait(open.remove(0)).await;
        assert_eq!(answer, reply);
        assert_eq!(answer.final_replies(), None);
    }
    let last = driver.finish().await;
    assert_eq!(last.for_recipient(0), &Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn a_positive_final_reply_says_nothing_about_open_commands() {
    let (mut driver, mail) = start(service_fn(|mut tx: Transaction| async move {
        let _held = tx.recipients.next().await?;
        Ok::<_, BoxError>(Reply::message_accepted())
    }));
    let open = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(mail).await, Reply::local_error());
    assert_eq!(driver.wait(open).await, Reply::local_error());
    let late = driver.rcpt(rcpt("c@y")).await;
    assert_eq!(driver.wait(late).await, Reply::local_error());
    assert_eq!(driver.finish().await, Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn an_intermediate_reply_is_no_final_reply() {
    let (mut driver, _mail) = start(service_fn(|_: Transaction| async {
        Ok::<_, BoxError>(Reply::start_mail_input())
    }));
    assert_eq!(driver.finish().await, Reply::local_error());
}

/// Accepts everything and drops the slots of the first `dropped` recipients.
async fn forgetful(mut tx: Transaction, dropped: usize) -> Result<Reply, BoxError> {
    tx.mail.answer(Reply::sender_ok());
    let mut seen = 0;
    while let Some(rcpt) = tx.recipients.next().await? {
        if seen >= dropped {
            rcpt.answer(Reply::recipient_ok());
        }
        seen += 1;
    }
    while tx.body.next().await?.is_some() {}
    Ok(Reply::message_accepted())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_one_command_at_a_time_gets_451_for_a_dropped_slot() {
    let (mut driver, mail) = start(service_fn(|tx| forgetful(tx, 1)));
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    let begin = Instant::now();
    let dropped = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(dropped).await, Reply::local_error());
    let waited = begin.elapsed();
    assert!(
        waited >= GRACE && waited < 2 * GRACE,
        "waited for {waited:?}"
    );
    // The call goes on.
    let next = driver.rcpt(rcpt("c@y")).await;
    assert_eq!(driver.wait(next).await, Reply::recipient_ok());
    driver.send("hello\r\n".into()).await.unwrap();
    assert_eq!(driver.finish().await, Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_slot_gets_the_final_reply_if_that_comes_within_the_grace() {
    let (mut driver, mail) = start(service_fn(|tx: Transaction| async move {
        drop(tx);
        tokio::time::sleep(GRACE / 2).await;
        Ok::<_, BoxError>(Reply::policy_refused())
    }));
    assert_eq!(driver.wait(mail).await, Reply::policy_refused());
}

#[tokio::test(start_paused = true)]
async fn a_recipient_that_nobody_takes_any_more_is_answered_in_time() {
    let (mut driver, mail) = start(service_fn(|tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        drop(tx.recipients);
        pending::<Result<Reply, BoxError>>().await
    }));
    let queued = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    let late = driver.rcpt(rcpt("c@y")).await;
    assert_eq!(driver.wait(queued).await, Reply::local_error());
    assert_eq!(driver.wait(late).await, Reply::local_error());
}

#[tokio::test(start_paused = true)]
async fn pipelined_recipients_do_not_wait_for_each_other() {
    let service = service_fn(|mut tx: Transaction| async move {
        let mut held = Vec::new();
        while let Some(rcpt) = tx.recipients.next().await? {
            held.push(rcpt);
        }
        // In any order, and after DATA.
        held.reverse();
        for rcpt in held {
            let reply = Reply::recipient_ok().with_text(rcpt.forward_path().to_string());
            rcpt.answer(reply);
        }
        tx.mail.answer(Reply::sender_ok());
        tx.body.next().await?;
        Ok::<_, BoxError>(Reply::message_accepted())
    });
    let (mut driver, mail) = start(service);
    let mut asked = Vec::new();
    for n in 0..100 {
        asked.push(driver.rcpt(rcpt(&format!("b{n}@y"))).await);
    }
    driver.data();
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    for (n, pending) in asked.into_iter().enumerate() {
        assert_eq!(driver.wait(pending).await.text(), format!("b{n}@y"));
    }
    assert_eq!(driver.finish().await, Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_reply_can_be_given_up_and_taken_up_again() {
    let (mut driver, mut mail) = start(service_fn(|tx: Transaction| async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        tx.mail.answer(Reply::sender_ok());
        pending::<Result<Reply, BoxError>>().await
    }));
    let second = Duration::from_secs(1);
    let given_up = tokio::time::timeout(second, driver.wait(&mut mail)).await;
    assert!(given_up.is_err());
    advance(second).await;
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
}

/// Adds a letter to the text of a reply.
fn add(letter: char) -> impl FnOnce(Reply) -> Reply + Send {
    move |reply| {
        let text = format!("{}{letter}", reply.text());
        reply.with_text(text)
    }
}

#[tokio::test(start_paused = true)]
async fn changes_to_a_reply_run_from_the_inside_out() {
    let (mut driver, mail) = start(service_fn(|tx: Transaction| async move {
        let mail = tx.mail.map_reply(add('c')).map_reply(add('b'));
        let (_, slot) = mail.into_parts();
        slot.map_reply(add('a')).answer(Reply::ok().with_text(""));
        pending::<Result<Reply, BoxError>>().await
    }));
    assert_eq!(driver.wait(mail).await.text(), "abc");
}

#[tokio::test(start_paused = true)]
async fn changes_to_a_reply_see_whoever_answers() {
    for by_final_reply in [true, false] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let service = service_fn(move |tx: Transaction| {
            let log = Arc::clone(&log);
            async move {
                drop(tx.mail.map_reply(move |reply| {
                    log.lock().unwrap().push(reply.clone());
                    reply.with_text("changed")
                }));
                if !by_final_reply {
                    pending::<()>().await;
                }
                Ok::<_, BoxError>(Reply::policy_refused())
            }
        });
        let expected = if by_final_reply {
            Reply::policy_refused()
        } else {
            Reply::local_error()
        };
        let (mut driver, mail) = start(service);
        let reply = driver.wait(mail).await;
        assert_eq!(reply, expected.clone().with_text("changed"));
        assert_eq!(*seen.lock().unwrap(), [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_panics_costs_its_command_only() {
    let (mut driver, mail) = start(service_fn(|mut tx: Transaction| async move {
        tx.mail.map_reply(|_| panic!("a bug")).answer(Reply::ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            rcpt.answer(Reply::recipient_ok());
        }
        Ok::<_, BoxError>(Reply::message_accepted())
    }));
    assert_eq!(driver.wait(mail).await, Reply::local_error());
    let next = driver.rcpt(rcpt("b@y")).await;
    assert_eq!(driver.wait(next).await, Reply::recipient_ok());
    assert_eq!(driver.finish().await, Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn filtered_recipients_are_answered_and_go_no_further() {
    let service = service_fn(|tx: Transaction| {
        forgetful(
            tx.filter_recipients(|rcpt| match rcpt.forward_path.as_str() {
                "b@y" => Err(Reply::no_such_user()),
                _ => Ok(()),
            })
            .map_recipient_replies(|rcpt, reply| reply.with_text(rcpt.forward_path.to_string())),
            0,
        )
    });
    let (mut driver, _mail) = start(service);
    let refused = driver.rcpt(rcpt("b@y")).await;
    let taken = driver.rcpt(rcpt("c@y")).await;
    assert_eq!(driver.wait(refused).await, Reply::no_such_user());
    assert_eq!(
        driver.wait(taken).await,
        Reply::recipient_ok().with_text("c@y")
    );
}
