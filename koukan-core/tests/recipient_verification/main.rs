//! The filter that verifies recipients at their destinations.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod silent;
mod told;
mod unasked;

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use koukan_core::{
    blob::BlobPool,
    context::{Context, Sender},
    filter::{
        policy_action::{Expression, PolicyAction, PolicyLayer, PolicyRule},
        recipient_verification::{
            Lives, RecipientVerificationLayer, TIME_MAX, Verification, VerifiedMatcher, Verifier,
        },
        router::{Decision, Policy, RouterLayer},
    },
    path::ForwardPath,
    reply::Reply,
    service::{BoxMailService, MailService},
    storage::{MemoryBackend, Storage},
    test_util::{
        Answer, End, Received, Script, SeededRandom, TokioClock, context, mail, rcpt, send,
    },
    transaction::Driver,
};
use tokio::time::{Instant, advance};
use tower::Layer;

fn verifier(destination: &Script) -> Verifier {
    let chain = BoxMailService::new(destination.clone());
    Verifier::new(Sender::new("outgoing"), chain)
}

fn service(verifier: &Verifier) -> impl MailService {
    RecipientVerificationLayer::new(verifier.clone()).layer(Script::new())
}

/// The replies to the recipients of one message.
async fn asked(service: impl MailService, to: &[&str]) -> Vec<Reply> {
    let to = to.iter().map(|to| rcpt(to));
    send(service, mail("alice@example.org"), to, "\r\nhello\r\n")
        .await
        .recipients
}

/// The recipients of each verification.
fn questions(destination: &Script) -> Vec<Vec<String>> {
    let received = destination.received();
    let texts = |received: &Received| {
        let texts = received.recipient_texts().into_iter();
        texts.map(str::to_owned).collect()
    };
    received.iter().map(texts).collect()
}

#[tokio::test(start_paused = true)]
async fn what_the_destination_says_is_what_is_known() {
    let ok = Reply::recipient_ok;
    let unknown = Reply::unverified_recipient;
    for (of_mail, of_rcpt, accepting, refusing) in [
        (Reply::sender_ok(), ok(), ok(), ok()),
        (
            Reply::sender_ok(),
            Reply::no_such_user(),
            Reply::no_such_user(),
            Reply::no_such_user(),
        ),
        (Reply::sender_ok(), Reply::mailbox_busy(), ok(), unknown()),
        // The reply says nothing about the recipient.
        (Reply::sender_ok(), Reply::policy_refused(), ok(), unknown()),
        (
            Reply::policy_refused(),
            Reply::bad_sequence(),
            ok(),
            unknown(),
        ),
        (
            Reply::connection_failed(),
            Reply::no_such_user(),
            ok(),
            unknown(),
        ),
    ] {
        let told = format!("{of_mail} {of_rcpt}");
        let destination = Script::new().mail(of_mail).other_rcpts(of_rcpt);
        let verifier = verifier(&destination);
        let layer = RecipientVerificationLayer::new(verifier);
        // The second layer receives the result of the first.
        let first = layer.clone().layer(Script::new());
        assert_eq!(
            asked(first, &["bob@example.com"]).await,
            [accepting],
            "{told}"
        );
        let second = layer.clone().refusing_unknown().layer(Script::new());
        assert_eq!(
            asked(second, &["bob@example.com"]).await,
            [refusing],
            "{told}"
        );
        let third = layer.without_refusal().layer(Script::new());
        assert_eq!(asked(third, &["bob@EXAMPLE.com"]).await, [ok()], "{told}");
        assert_eq!(destination.received().len(), 1, "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_is_a_transaction_that_is_given_up_before_the_message() {
    let destination = Script::new();
    let verifier = verifier(&destination);
    asked(service(&verifier), &["b\u{f8}b@example.com"]).await;
    let other = verifier.with_reverse_path("us@example.net".parse().unwrap());
    asked(service(&other), &["bob@example.com"]).await;
    let received = destination.ended(2).await;
    let [null, named] = received.as_slice() else {
        panic!("{received:?}")
    };
    assert!(null.reverse_path().is_null() && null.mail.parameters.is_smtputf8());
    assert_eq!(named.reverse_path().as_str(), "us@example.net");
    assert!(named.mail.parameters.is_empty());
    for received in [null, named] {
        assert_eq!(&*received.context.sender.name, "outgoing");
        assert!(received.body.is_empty());
        assert_eq!(received.end, End::Dropped);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_said_is_believed_for_a_while() {
    let destination = Script::new().rcpt("no@example.com", Reply::no_such_user());
    let lives = Lives {
        accepted: Duration::from_secs(300),
        refused: Duration::from_secs(100),
        unknown: Duration::from_secs(10),
    };
    let verifier = verifier(&destination).with_lives(lives);
    let to = ["bob@example.com", "no@example.com"];
    for (after, count) in [(0, 2), (99, 2), (2, 3), (98, 3), (102, 5)] {
        advance(Duration::from_secs(after)).await;
        let replies = asked(service(&verifier), &to).await;
        assert_eq!(replies, [Reply::recipient_ok(), Reply::no_such_user()]);
        assert_eq!(destination.received().len(), count, "after {after}");
    }
    let few = verifier.with_max_entries(NonZeroUsize::MIN);
    for _ in 0..2 {
        asked(service(&few), &["a@example.com", "b@example.com"]).await;
    }
    assert_eq!(destination.received().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_an_address_wait_for_one_question() {
    let second = Duration::from_secs(1);
    let destination = Script::new().other_rcpts(Answer::After(second, Reply::no_such_user()));
    let verifier = verifier(&destination);
    let ask = || {
        let service = service(&verifier);
        tokio::spawn(async move { asked(service, &["bob@example.com"]).await })
    };
    let first = ask();
    let others = [ask(), ask(), ask()];
    tokio::time::sleep(second / 2).await;
    // The caller that began the verification disconnects.
    first.abort();
    let began = Instant::now();
    for other in others {
        assert_eq!(other.await.unwrap(), [Reply::no_such_user()]);
    }
    assert_eq!(began.elapsed().as_millis() / 10, second.as_millis() / 20);
    assert_eq!(destination.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_waits_for_is_given_up() {
    let destination = Script::new().other_rcpts(Answer::Never);
    let verifier = verifier(&destination);
    let service = service(&verifier);
    let (mut driver, _) = Driver::start(service, context(), mail("alice@example.org"));
    let reply = driver.start_rcpt(rcpt("bob@example.com"));
    let waited = tokio::time::timeout(TIME_MAX / 2, driver.wait(reply)).await;
    assert!(waited.is_err() && destination.received().is_empty());
    drop(driver);
    assert_eq!(destination.ended(1).await[0].end, End::Dropped);
}

#[tokio::test(start_paused = true)]
async fn a_silent_destination_holds_up_those_who_send_to_it_once() {
    let silent = Script::new().other_rcpts(Answer::Never);
    let live = Script::new();
    let verifier = verifier(&live);
    let verifier = ["a.example", "b.example"]
        .iter()
        .fold(verifier, |all, domain| {
            let chain = BoxMailService::new(silent.clone());
            all.with_route(domain, Sender::new("there"), chain)
        });
    let time = async |to: &[&str]| {
        let began = Instant::now();
        let service = RecipientVerificationLayer::new(verifier.clone()).refusing_unknown();
        let replies = asked(service.layer(Script::new()), to).await;
        (replies, began.elapsed())
    };
    let (ok, unknown) = (Reply::recipient_ok(), Reply::unverified_recipient());
    let slow = time(&["bob@A.example", "carol@a.example", "dave@b.example"]);
    let quick = async {
        tokio::time::sleep(TIME_MAX / 2).await;
        time(&["bob@c.example"]).await
    };
    let ((replies, waited), (others, other_waited)) = tokio::join!(slow, quick);
    // The last one could no longer be waited for, and nothing is known of its destination.
    assert_eq!(replies, [unknown.clone(), unknown.clone(), unknown.clone()]);
    assert!(
        waited >= TIME_MAX && waited < TIME_MAX + Duration::from_millis(10),
        "{waited:?}"
    );
    assert_eq!((others, other_waited), (vec![ok], Duration::ZERO));
    // A single address may be a trap, so others are verified too. When they get no answer either,
    // the whole destination is silent.
    for to in ["eve@a.example", "frank@a.example"] {
        let (replies, waited) = time(&[to]).await;
        assert_eq!(replies, std::slice::from_ref(&unknown), "{to}");
        assert!(waited >= TIME_MAX, "{to}: {waited:?}");
    }
    let (replies, waited) = time(&["grace@a.example"]).await;
    assert_eq!((replies, waited), (vec![unknown], Duration::ZERO));
    // It is verified again later.
    advance(Lives::default().unknown).await;
    let count = silent.received().len();
    let (_, waited) = time(&["grace@a.example"]).await;
    assert!(waited >= TIME_MAX);
    assert_eq!(silent.ended(count + 1).await.len(), count + 1);
}

#[tokio::test(start_paused = true)]
async fn of_domains_that_take_all_one_question_is_enough() {
    let all = Script::new();
    let some = Script::new()
        .rcpt("bob@b.example", Reply::recipient_ok())
        .rcpt("carol@b.example", Reply::recipient_ok())
        .other_rcpts(Reply::no_such_user());
    let chain = BoxMailService::new(some.clone());
    let verifier = verifier(&all)
        .with_route("b.example", Sender::new("there"), chain)
        .by_domain(Arc::new(SeededRandom::new(1)));
    let to = ["bob", "carol", "nobody"];
    for (domain, destination, last) in [
        ("a.example", &all, Reply::recipient_ok()),
        ("b.example", &some, Reply::no_such_user()),
    ] {
        let to = to.map(|name| format!("{name}@{domain}"));
        let to = to.each_ref().map(String::as_str);
        let replies = asked(service(&verifier), &to).await;
        let ok = Reply::recipient_ok;
        assert_eq!(replies, [ok(), ok(), last]);
        let asked = questions(destination);
        match domain {
            "a.example" => assert_eq!(asked[0].len(), 2, "{asked:?}"),
            // A refused recipient is not part of the transaction.
            _ => assert_eq!(asked, [vec![to[0]], vec![to[1]], vec![]]),
        }
    }
    assert_eq!(questions(&all).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_slow_to_refuse_nobody_has_said_what_it_takes() {
    let destination = Script::new()
        .rcpt("bob@example.com", Reply::recipient_ok())
        .rcpt("carol@example.com", Reply::recipient_ok())
        .other_rcpts(Answer::Never);
    let random = Arc::new(SeededRandom::new(1));
    let verifier = verifier(&destination).by_domain(random);
    for (to, time) in [
        ("bob@example.com", TIME_MAX),
        ("bob@example.com", Duration::ZERO),
        // It is not verified again at once.
        ("carol@example.com", Duration::ZERO),
    ] {
        let began = Instant::now();
        let layer = RecipientVerificationLayer::new(verifier.clone()).refusing_unknown();
        let replies = asked(layer.layer(Script::new()), &[to]).await;
        assert_eq!(replies, [Reply::recipient_ok()], "{to}");
        let waited = began.elapsed();
        assert!(
            waited >= time && waited < time + Duration::from_millis(10),
            "{to}: {waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_long_refusal_the_beginning_is_remembered() {
    let refusal = Reply::no_such_user();
    // The limit must not split a character of two octets.
    let text = format!("x{}", "\u{e9}".repeat(30_000));
    let long = Reply::new(refusal.code(), refusal.enhanced(), text.clone());
    let verifier = verifier(&Script::new().other_rcpts(long));
    for _ in 0..2 {
        let replies = asked(service(&verifier), &["bob@example.com"]).await;
        let told = &replies[0];
        assert_eq!(
            (told.code(), told.enhanced()),
            (refusal.code(), refusal.enhanced())
        );
        assert_eq!(told.text(), &text[..511]);
    }
}

#[tokio::test(start_paused = true)]
async fn rules_know_what_was_found_out() {
    let destination = Script::new()
        .rcpt("no@example.com", Reply::no_such_user())
        .rcpt("busy@example.com", Reply::mailbox_busy());
    let layer = RecipientVerificationLayer::new(verifier(&destination)).without_refusal();
    for (results, expected) in [
        (vec![Verification::Refused], [false, true, false]),
        (vec![Verification::Unknown], [false, false, true]),
        (
            vec![Verification::Accepted, Verification::Unknown],
            [true, false, true],
        ),
    ] {
        let rule = PolicyRule::new("recipients")
            .per_recipient()
            .with_match(Expression::new(VerifiedMatcher::new(results)))
            .with_action(PolicyAction::Reject);
        let service = layer.layer(PolicyLayer::new(rule).layer(Script::new()));
        let to = ["bob@example.com", "no@example.com", "busy@example.com"];
        let replies = asked(service, &to).await;
        assert_eq!(
            replies.iter().map(Reply::is_permanent).collect::<Vec<_>>(),
            expected
        );
    }
}
