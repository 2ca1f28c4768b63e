//! Final replies by recipient, as upstream gives them.

use koukan_core::{
    reply::Reply,
    test_util::{context, mail, rcpt},
    transaction::{Driver, Transaction},
};
use rstest::rstest;
use tower::ServiceBuilder;

use crate::{
    fake::{Fake, Script},
    originator::{MESSAGE, endpoint, let_run, own},
};

/// Sends to recipients whose final view upstream changes with `change`. The first recipient that
/// the client names never reaches upstream.
async fn told(
    script: Script,
    to: &[&str],
    whole: Reply,
    each: Vec<Option<Reply>>,
) -> (Fake, Vec<Reply>, Reply) {
    let fake = Fake::new(Script {
        data: None,
        ..script
    });
    let service = ServiceBuilder::new()
        .map_request(|tx: Transaction| {
            tx.filter_recipients(|rcpt| match rcpt.forward_path.as_str() {
                "local@y" => Err(Reply::relay_denied()),
                _ => Ok(()),
            })
        })
        .service(endpoint(&fake));
    let (mut driver, _mail) = Driver::start(service, context(), mail("a@x"));
    let mut replies = Vec::new();
    for to in ["local@y"].iter().chain(to) {
        let rcpt = driver.rcpt(rcpt(to)).await;
        replies.push(driver.wait(rcpt).await);
    }
    driver.send(MESSAGE.into()).await.unwrap();
    driver.data();
    let_run(&mut driver).await;
    fake.change(0, |view| {
        view.data_response = Some(whole);
        view.final_replies = each;
    });
    let last = driver.finish().await;
    (fake, replies.split_off(1), last)
}

#[tokio::test(start_paused = true)]
async fn each_recipient_has_its_own() {
    let [taken, later, never] = [
        Reply::message_accepted(),
        own(Reply::mailbox_busy()),
        own(Reply::bad_content()),
    ];
    let each = [&taken, &later, &never].map(|reply| Some(reply.clone()));
    let to = ["b@y", "c@y", "d@y"];
    // Whichever reply stands for all: it never says that all recipients have the message.
    for whole in [later.clone(), taken.clone()] {
        let told = told(Script::accepting(), &to, whole, each.to_vec()).await;
        let (fake, _, last) = told;
        assert_eq!(last, later);
        let verdicts = [1, 2, 3].map(|position| last.for_recipient(position).clone());
        assert_eq!(verdicts, [taken.clone(), later.clone(), never.clone()]);
        assert!(last.for_recipient(2).is_from_upstream());
        assert_eq!(fake.transaction(0).message(), Some(MESSAGE));
    }
}

#[rstest]
#[case::told_again(vec![Some(Reply::message_accepted()), Some(own(Reply::no_such_user()))])]
#[case::not_told(vec![Some(Reply::message_accepted()), None])]
#[case::told_of_nobody(vec![])]
#[case::told_of_too_many(vec![None, None, Some(Reply::mailbox_busy())])]
#[tokio::test(start_paused = true)]
async fn a_recipient_that_was_refused_before_does_not_count(#[case] each: Vec<Option<Reply>>) {
    let script = Script {
        rcpt: |to| {
            Some(match to {
                "c@y" => own(Reply::no_such_user()),
                _ => Reply::recipient_ok(),
            })
        },
        ..Script::accepting()
    };
    let whole = Reply::message_accepted();
    let (_, replies, last) = told(script, &["b@y", "c@y"], whole.clone(), each).await;
    assert_eq!(replies, [Reply::recipient_ok(), own(Reply::no_such_user())]);
    assert_eq!(last, whole);
    assert_eq!(last.for_recipient(1), &whole);
}

#[tokio::test(start_paused = true)]
async fn a_lone_recipients_reply_is_the_one_for_all() {
    let never = own(Reply::bad_content());
    let each = vec![Some(never.clone())];
    let (_, _, last) = told(Script::accepting(), &["b@y"], Reply::mailbox_busy(), each).await;
    assert_eq!(last, never);
    assert_eq!(last.final_replies(), None);
}

#[tokio::test(start_paused = true)]
async fn before_the_message_has_ended_nobody_has_it() {
    let fake = Fake::new(Script {
        data: None,
        ..Script::accepting()
    });
    let (mut driver, _mail) = Driver::start(endpoint(&fake), context(), mail("a@x"));
    for to in ["b@y", "c@y"] {
        let rcpt = driver.rcpt(rcpt(to)).await;
        assert!(driver.wait(rcpt).await.is_positive());
    }
    driver.send("Subject: hi\r\n".into()).await.unwrap();
    let_run(&mut driver).await;
    fake.change(0, |view| {
        view.data_response = Some(Reply::mailbox_busy());
        view.final_replies = vec![Some(Reply::message_accepted()), None];
    });
    driver.progress().await;
    let last = driver.final_reply().unwrap();
    assert_eq!(last.for_recipient(0), &Reply::mailbox_busy());
}
