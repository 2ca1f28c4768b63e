//! Transactions that share with no other: as if there were no layer.

use std::time::Duration;

use koukan_core::{
    reply::Reply,
    service::{BoxMailService, MailService},
    stage::sharing::Sharing,
    test_util::{Answer, Script, context, mail, rcpt},
    transaction::Driver,
};

use crate::harness::MESSAGE;

/// The replies to a client that sends its message after the replies to the envelope.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    mail: Reply,
    recipients: Vec<Reply>,
    message: Reply,
}

async fn send(service: impl MailService, to: &[&str]) -> Told {
    let (mut driver, mail) = Driver::start(service, context(), mail("a@x"));
    let mut recipients = Vec::new();
    for to in to {
        let pending = driver.rcpt(rcpt(to)).await;
        recipients.push(driver.wait(pending).await);
    }
    let mail = driver.wait(mail).await;
    let _ = driver.send(MESSAGE.into()).await;
    let message = driver.finish().await;
    Told {
        mail,
        recipients,
        message,
    }
}

fn own(reply: Reply) -> Reply {
    reply.with_text("in words of its own")
}

fn later(reply: Reply) -> Answer {
    Answer::After(Duration::from_secs(1), reply)
}

#[tokio::test(start_paused = true)]
async fn the_replies_are_those_of_the_endpoint() {
    let destinations: [fn(Script) -> Script; 14] = [
        |it| it,
        |it| it.mail(own(Reply::sender_ok())),
        |it| it.mail(own(Reply::policy_refused())),
        |it| it.mail(Answer::Return(own(Reply::mailbox_busy()))),
        |it| it.mail(Answer::Drop),
        |it| it.rcpt("b@y", own(Reply::recipient_ok())),
        |it| it.rcpt("b@y", later(own(Reply::recipient_ok()))),
        |it| it.rcpt("b@y", Answer::Return(own(Reply::mailbox_busy()))),
        |it| it.rcpt("b@y", Answer::Fail("broken")),
        |it| it.rcpt("b@y", Answer::Panic("broken")),
        |it| it.message(own(Reply::bad_content())),
        |it| it.message_for("b@y", own(Reply::mailbox_busy())),
        |it| it.message(later(own(Reply::message_accepted()))),
        |it| it.message(Answer::Panic("broken")),
    ];
    for destination in destinations {
        let [direct, through] = [Script::new(), Script::new()].map(destination);
        let expected = send(direct.clone(), &["b@y"]).await;
        let told = send(Sharing::new(through.clone()), &["b@y"]).await;
        assert_eq!(told, expected);
        let [direct, through] = [direct, through].map(|script| script.only_received());
        assert_eq!(through.body, direct.body, "{told:?}");
        assert_eq!(through.recipient_texts(), direct.recipient_texts());
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_has_that_as_the_final_reply() {
    for refusal in [
        own(Reply::no_such_user()).into(),
        later(own(Reply::no_such_user())),
    ] {
        let destination = Script::new().rcpt("b@y", refusal);
        let told = send(Sharing::new(destination.clone()), &["b@y"]).await;
        assert_eq!(told.recipients, [own(Reply::no_such_user())]);
        assert_eq!(told.message, own(Reply::no_such_user()));
    }
}

#[tokio::test(start_paused = true)]
async fn other_recipients_of_its_own_come_one_by_one() {
    let to = ["b@y", "c@y", "never@y", "d@y"];
    for first in [Reply::recipient_ok(), Reply::no_such_user()] {
        let destination = || {
            Script::new()
                .mail(Reply::sender_ok().with_text("welcome"))
                .rcpt("b@y", first.clone())
                .rcpt("never@y", Reply::relay_denied())
                .message_for("d@y", Reply::mailbox_busy())
        };
        let (direct, through) = (destination(), destination());
        let expected = send(direct, &to).await;
        let told = send(Sharing::new(through.clone()), &to).await;
        assert_eq!(told, expected);
        for position in 0..to.len() {
            let own = |told: &Told| told.message.for_recipient(position).clone();
            assert_eq!(own(&told), own(&expected), "{position}");
        }
        assert!(through.only_received().recipient_texts().contains(&"d@y"));
    }
}

/// A layer around another one: the slots that the inner one lends were already lent by the outer
/// one.
#[tokio::test(start_paused = true)]
async fn a_layer_within_a_layer() {
    for to in [&["b@y"][..], &["b@y", "c@y"]] {
        let destination = Script::new();
        let inner = BoxMailService::new(Sharing::new(destination.clone()));
        let told = send(Sharing::new(inner), to).await;
        assert!(told.recipients.iter().all(Reply::is_positive));
        assert!(told.message.is_positive());
        assert_eq!(destination.only_received().recipient_texts(), to);
    }
}
