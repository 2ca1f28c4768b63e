//! Hosts that do not answer.

use std::time::Duration;

use bytes::Bytes;
use koukan_core::{
    reply::Reply,
    signals::{Forced, Signals},
    transaction::Driver,
};
use rstest::rstest;
use tokio::time::{Instant, sleep};

use super::{
    room::{At, Host, are_taken, send_many},
    sending::{assert_own, context, mail, rcpt, start},
};

const MX: &str = "mx.example:25";
/// Longer than a host is left alone after two failures.
const A_WHILE: Duration = Duration::from_secs(2);

#[rstest]
#[case::refuses(At::Connect, 0)]
#[case::is_silent(At::Never, 30)]
#[case::says_421(At::Greeting, 0)]
#[case::says_421_to_ehlo(At::Ehlo, 0)]
#[tokio::test(start_paused = true)]
async fn a_host_that_has_failed_twice_is_left_alone_and_then_tried_by_one(
    #[case] at: At,
    #[case] seconds: u64,
) {
    let host = Host::new(0, at);
    let endpoint = host.endpoint(&[MX]);
    for pause in [0, 1] {
        sleep(Duration::from_secs(pause)).await;
        let begun = Instant::now();
        let replies = send_many(&endpoint, 1).await;
        assert!(replies[0].starts_with("451 "), "{replies:?}");
        assert_eq!(begun.elapsed().as_secs(), seconds);
    }
    assert_eq!(host.refused(), 2);
    let begun = Instant::now();
    let replies = send_many(&endpoint, 50).await;
    for reply in &replies {
        assert_own(reply, &Reply::connection_failed(), MX, "try again later");
        assert!(reply.contains(" has not answered for "), "{reply}");
    }
    assert_eq!((host.refused(), begun.elapsed()), (0, Duration::ZERO));
    sleep(A_WHILE).await;
    let replies = send_many(&endpoint, 50).await;
    assert!(replies.iter().all(|reply| reply.starts_with("451 ")));
    assert_eq!(host.refused(), 1, "one tries it for all");
    // The host is up again. One client tries it, and all that wait meanwhile are served.
    host.set_room(20);
    assert_eq!(host.refused(), 0);
    sleep(2 * A_WHILE).await;
    assert!(are_taken(&send_many(&endpoint, 20).await));
    assert!(are_taken(&send_many(&endpoint, 20).await));
}

/// An operator has asked for the attempt.
#[tokio::test(start_paused = true)]
async fn a_host_that_is_left_alone_is_tried_by_who_is_asked_to() {
    let host = Host::new(0, At::Connect);
    let endpoint = host.endpoint(&[MX]);
    let forced = async || {
        let signals = Signals::default();
        signals.set(Forced).unwrap();
        let started = Driver::start_with(endpoint.clone(), context(), mail(""), signals);
        let (mut driver, mut pending) = started;
        let mut rcpt = driver.rcpt(rcpt("b")).await;
        driver.whole_body(Bytes::from_static(b"hi\r\n").into());
        let last = driver.finish().await;
        driver.wait(&mut pending).await;
        driver.wait(&mut rcpt).await;
        last.to_string()
    };
    for _ in 0..2 {
        send_many(&endpoint, 1).await;
        sleep(Duration::from_secs(1)).await;
    }
    sleep(A_WHILE).await;
    send_many(&endpoint, 1).await;
    assert_eq!(host.refused(), 3);
    assert!(forced().await.starts_with("451 "));
    assert_eq!(host.refused(), 1, "it is tried");
    send_many(&endpoint, 9).await;
    assert_eq!(host.refused(), 0, "others leave it alone");
    host.set_room(9);
    assert!(are_taken(&[forced().await]));
    assert!(are_taken(&send_many(&endpoint, 9).await));
}

#[tokio::test(start_paused = true)]
async fn one_that_gives_up_trying_leaves_it_to_the_next() {
    let host = Host::new(0, At::Never);
    let endpoint = host.endpoint(&[MX]);
    for _ in 0..2 {
        send_many(&endpoint, 1).await;
        sleep(Duration::from_secs(1)).await;
    }
    sleep(A_WHILE).await;
    let (mut gone, pending) = start(&endpoint);
    tokio::select! {
        biased;
        _ = gone.wait(pending) => unreachable!("it hangs"),
        () = sleep(Duration::from_secs(1)) => {}
    }
    drop(gone);
    host.set_room(1);
    assert!(are_taken(&send_many(&endpoint, 1).await));
}

/// Clients that leave before the host has answered, or has not in time.
#[rstest]
#[case::is_silent(At::Never)]
#[case::greets_and_is_silent(At::Later)]
#[tokio::test(start_paused = true)]
async fn who_leaves_a_host_that_does_not_answer_has_found_that_out(#[case] at: At) {
    let host = Host::new(0, at);
    let endpoint = host.endpoint(&[MX]);
    let leave_after = async |seconds| {
        let (mut gone, pending) = start(&endpoint);
        let wait = tokio::time::timeout(Duration::from_secs(seconds), gone.wait(pending));
        assert!(wait.await.is_err());
    };
    let first = async || {
        let mut sent = std::pin::pin!(send_many(&endpoint, 1));
        let at_once = tokio::time::timeout(Duration::from_secs(5), &mut sent).await;
        at_once.ok()
    };
    for _ in 0..5 {
        // That is too soon to say.
        leave_after(5).await;
    }
    assert_eq!(first().await, None);
    for _ in 0..2 {
        sleep(Duration::from_secs(60)).await;
        leave_after(20).await;
    }
    let replies = first().await.expect("everybody is told so at once");
    assert!(replies[0].contains(" has not answered for "), "{replies:?}");
    host.set_room(1);
    sleep(Duration::from_secs(60)).await;
    assert!(are_taken(&send_many(&endpoint, 1).await));
}

#[tokio::test(start_paused = true)]
async fn the_next_host_is_asked_at_once() {
    let host = Host::new(20, At::Connect);
    // Nobody listens at the first host's address.
    let endpoint = host.endpoint(&["192.0.2.2:25", MX]);
    let begun = Instant::now();
    for _ in 0..5 {
        assert!(are_taken(&send_many(&endpoint, 1).await));
    }
    // The time that the messages take.
    assert_eq!(begun.elapsed(), Duration::from_millis(2500));
}

#[tokio::test(start_paused = true)]
async fn a_host_is_not_down_for_those_who_have_connections() {
    let host = Host::new(1, At::Connect);
    let endpoint = host.endpoint(&[MX]);
    for _ in 0..10 {
        // One is served, and its connection is kept for the others.
        assert!(are_taken(&send_many(&endpoint, 3).await));
    }
    assert!(host.refused() <= 2);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_greets_and_is_silent_then_is_tried_by_few() {
    let host = Host::new(0, At::Later);
    let endpoint = host.endpoint(&[MX]);
    for _ in 0..2 {
        let replies = send_many(&endpoint, 20).await;
        assert!(replies.iter().all(|reply| reply.starts_with("451 4.4.2 ")));
        assert_eq!(host.refused(), 20);
        sleep(Duration::from_secs(60)).await;
    }
    let begun = Instant::now();
    let replies = send_many(&endpoint, 20).await;
    let told = replies
        .iter()
        .filter(|reply| reply.starts_with("451 4.4.1 "));
    assert_eq!((told.count(), host.refused()), (19, 1));
    assert!(
        begun.elapsed() > Duration::from_secs(60),
        "one has tried it"
    );
    // It works again.
    host.set_room(20);
    sleep(Duration::from_secs(60)).await;
    assert!(are_taken(&send_many(&endpoint, 1).await));
    assert!(are_taken(&send_many(&endpoint, 20).await));
}
