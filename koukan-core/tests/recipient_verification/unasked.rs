//! Recipients that the filter does not verify.

use koukan_core::{clock::Clock, storage::record::Suppression};

use super::*;

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_when_the_time_is_over() {
    let (silent, live) = (Script::new().other_rcpts(Answer::Never), Script::new());
    let chain = BoxMailService::new(silent.clone());
    let verifier = verifier(&live).with_route("a.example", Sender::new("there"), chain);
    let layer = RecipientVerificationLayer::new(verifier).refusing_unknown();
    let to = ["bob@a.example", "carol@b.example", "dave@c.example"];
    let replies = asked(layer.clone().layer(Script::new()), &to).await;
    let unknown = Reply::unverified_recipient;
    assert_eq!(replies, [unknown(), unknown(), unknown()]);
    assert!(live.received().is_empty());
    // The next transaction has its own time limit.
    let replies = asked(layer.layer(Script::new()), &to[1..]).await;
    assert_eq!(replies, [Reply::recipient_ok(), Reply::recipient_ok()]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_where_the_client_names_the_host() {
    let destination = Script::new().other_rcpts(Reply::no_such_user());
    let service = service(&verifier(&destination));
    let mut named = Context::clone(&context());
    named.next_hop = Some("mx.example.net:25".parse().unwrap());
    let (mut driver, _) = Driver::start(service, Arc::new(named), mail("alice@example.org"));
    let pending = driver.rcpt(rcpt("bob@example.com")).await;
    assert_eq!(driver.wait(pending).await, Reply::recipient_ok());
    assert!(destination.received().is_empty());
}

/// One recipient stands for others.
#[derive(Debug)]
struct Team;

impl Policy for Team {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        match recipient.as_str() {
            "team@example.com" => Decision::Expand(Arc::new(["ann@example.com".parse().unwrap()])),
            _ => Decision::Accept,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_of_those_that_stand_for_others_or_are_elsewhere() {
    let destination = Script::new().other_rcpts(Reply::no_such_user());
    let verifier = verifier(&destination).with_domains(["Example.com"]);
    let service = RouterLayer::new(Team).layer(service(&verifier));
    let to = [
        "team@example.com",
        "bob@example.net",
        "bob@example.com",
        "postmaster",
    ];
    let ok = Reply::recipient_ok;
    let replies = asked(service, &to).await;
    assert_eq!(replies, [ok(), ok(), Reply::no_such_user(), ok()]);
    assert_eq!(destination.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_of_what_is_suspended() {
    let backend = Arc::new(MemoryBackend::default());
    let storage = Storage::open(
        backend,
        BlobPool::default(),
        Arc::new(TokioClock::default()),
    );
    let storage = storage.await.unwrap();
    let destination = Script::new().other_rcpts(Reply::no_such_user());
    let verifier = verifier(&destination).with_suspensions(storage.clone());
    storage.suspend("example.com", "olga").await.unwrap();
    let layer = RecipientVerificationLayer::new(verifier.clone()).refusing_unknown();
    let to = ["bob@Example.com", "bob@example.net"];
    let replies = asked(layer.layer(Script::new()), &to).await;
    assert_eq!(
        replies,
        [Reply::unverified_recipient(), Reply::no_such_user()]
    );
    storage.resume_destination("example.com").await.unwrap();
    let replies = asked(service(&verifier), &to).await;
    assert_eq!(replies, [Reply::no_such_user(), Reply::no_such_user()]);
    assert_eq!(destination.received().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn addresses_to_which_nothing_is_sent_are_refused_without_a_question() {
    let backend = Arc::new(MemoryBackend::default());
    let clock = Arc::new(TokioClock::default());
    let storage = Storage::open(backend, BlobPool::default(), clock.clone());
    let storage = storage.await.unwrap();
    let destination = Script::new();
    let verifier = verifier(&destination).with_suspensions(storage.clone());
    let to = ["bob@example.com", "carol@example.com"];
    // The recipient is known to have existed.
    let ok = Reply::recipient_ok;
    assert_eq!(asked(service(&verifier), &to).await, [ok(), ok()]);
    let now = clock.now();
    let bad = |sender: &str| Suppression {
        sender: sender.into(),
        address: "bob@example.com".into(),
        since: now,
        until: now + Duration::from_secs(3600),
        reason: "550 no such user".into(),
    };
    // Nothing follows from another sender's addresses.
    storage.keep_suppression(bad("other")).await.unwrap();
    assert_eq!(asked(service(&verifier), &to).await, [ok(), ok()]);
    storage.keep_suppression(bad("outgoing")).await.unwrap();
    let replies = asked(service(&verifier), &["bob@EXAMPLE.com", to[1]]).await;
    assert!(replies[0].is_permanent(), "{replies:?}");
    assert!(
        replies[0]
            .text()
            .contains("nothing is sent to this address")
    );
    assert_eq!(replies[1], ok());
    assert_eq!(destination.received().len(), 2);
    advance(Duration::from_secs(3600)).await;
    assert_eq!(asked(service(&verifier), &to).await, [ok(), ok()]);
}
