//! Messages that take long, while the scanner is there.

use futures_util::future::join_all;

use super::*;

#[tokio::test(start_paused = true)]
async fn messages_that_take_too_long_do_not_make_a_scanner_that_is_there_one_that_is_down() {
    let limits = limits();
    let clamd = Clamd::that(Manner::SaysLate("stream: OK\0", 2 * limits.whole));
    let service = clamd.layer(limits).layer(Script::new());
    for count in 1..=2 * limits.failures as usize {
        let (reply, took) = sent(service.clone(), MESSAGE).await;
        assert_eq!((reply, took), (Reply::scanner_unavailable(), limits.whole));
        // It was asked whether it is there.
        assert_eq!(clamd.connections(), 2 * count);
    }
    clamd.becomes(Manner::Says("stream: OK\0"));
    let (reply, took) = sent(service, MESSAGE).await;
    assert_eq!((reply, took), (Reply::message_accepted(), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_scanner_that_is_there_and_answers_for_no_message_is_down() {
    let mut limits = limits();
    (limits.at_a_time, limits.failures) = (5, 3);
    let late = Manner::SaysLate("stream: OK\0", 2 * limits.whole);
    let clamd = Clamd::that(late);
    let service = clamd.layer(limits).layer(Script::new());
    let by = |client| sent_by(client, service.clone(), MESSAGE);
    let all = join_all((0..5).map(by)).await;
    for (reply, took) in all {
        assert_eq!((reply, took), (Reply::scanner_unavailable(), limits.whole));
    }
    let at_once = (Reply::scanner_unavailable(), Duration::ZERO);
    assert_eq!(sent(service.clone(), MESSAGE).await, at_once);
    assert_eq!(clamd.connections(), 2 * limits.at_a_time);
    // That it still is there does not help: one message tries it after each pause.
    for _ in 0..2 {
        tokio::time::advance(limits.pause).await;
        let all = join_all((0..10).map(|_| sent(service.clone(), MESSAGE))).await;
        let waited = all.iter().filter(|(_, took)| *took == limits.whole).count();
        let others = all.iter().filter(|one| **one == at_once).count();
        assert_eq!((waited, others), (1, 9));
    }
    clamd.becomes(Manner::Says("stream: OK\0"));
    tokio::time::advance(limits.pause).await;
    for _ in 0..3 {
        let (reply, took) = sent(service.clone(), MESSAGE).await;
        assert_eq!((reply, took), (Reply::message_accepted(), Duration::ZERO));
    }
}

/// Whoever has found out what takes long sends as many as there are turns. A relay may bring all messages, and need not wait for
/// each of them.
#[tokio::test(start_paused = true)]
async fn late_messages_of_one_client_take_the_scanner_from_nobody_else() {
    let mut limits = limits();
    (limits.at_a_time, limits.failures) = (5, 3);
    let clamd = Clamd::that(Manner::SaysLate("stream: OK\0", 2 * limits.whole));
    let service = clamd.layer(limits).layer(Script::new());
    let all = join_all((0..limits.at_a_time).map(|_| sent(service.clone(), MESSAGE))).await;
    assert!(all.iter().all(|(_, took)| *took == limits.whole));
    // Of this client no other message waits, except for one after each pause.
    let at_once = (Reply::scanner_unavailable(), Duration::ZERO);
    for _ in 0..2 {
        let asked = clamd.connections();
        let all = join_all((0..5).map(|_| sent(service.clone(), MESSAGE))).await;
        assert!(all.iter().all(|one| *one == at_once));
        assert_eq!(clamd.connections(), asked);
        tokio::time::advance(limits.pause).await;
        let all = join_all((0..5).map(|_| sent(service.clone(), MESSAGE))).await;
        let waited = all.iter().filter(|(_, took)| *took == limits.whole).count();
        let others = all.iter().filter(|one| **one == at_once).count();
        assert_eq!((waited, others), (1, 4));
    }
    // For another client it is as before, and once it has answered, for all.
    clamd.becomes(Manner::Says("stream: OK\0"));
    for client in [1, 0] {
        let (reply, took) = sent_by(client, service.clone(), MESSAGE).await;
        assert_eq!((reply, took), (Reply::message_accepted(), Duration::ZERO));
    }
}

/// Those who wait for a turn are told at once.
#[tokio::test(start_paused = true)]
async fn a_client_that_is_held_off_waits_for_no_turn() {
    let mut limits = limits();
    (limits.at_a_time, limits.failures) = (2, 2);
    limits.turn = 10 * limits.whole;
    let clamd = Clamd::that(Manner::SaysLate("stream: OK\0", 2 * limits.whole));
    let service = clamd.layer(limits).layer(Script::new());
    let mine = join_all((0..6).map(|_| sent(service.clone(), MESSAGE)));
    let other = sent_by(1, service.clone(), MESSAGE);
    let (mine, other) = tokio::join!(mine, other);
    assert!(mine.iter().all(|(_, took)| *took == limits.whole));
    // The other had a turn when the first two were over.
    assert_eq!(other, (Reply::scanner_unavailable(), 2 * limits.whole));
    assert_eq!(clamd.connections(), 2 * 3);
}

/// One message of many that are answered may take as long as it likes.
#[tokio::test(start_paused = true)]
async fn messages_that_take_too_long_among_others_are_held_against_nobody() {
    let mut limits = limits();
    (limits.at_a_time, limits.failures) = (2, 2);
    let clamd = Clamd::that(Manner::Says("stream: OK\0"));
    let service = clamd.layer(limits).layer(Script::new());
    for _ in 0..4 {
        clamd.becomes(Manner::SaysLate("stream: OK\0", 2 * limits.whole));
        let (_, took) = sent(service.clone(), MESSAGE).await;
        assert_eq!(took, limits.whole);
        clamd.becomes(Manner::Says("stream: OK\0"));
        let (reply, _) = sent(service.clone(), MESSAGE).await;
        assert_eq!(reply, Reply::message_accepted());
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_while_it_is_asked_whether_it_is_there_is_one() {
    let limits = limits();
    for (time, is_asked) in [
        (limits.whole - limits.ping * 2, false),
        (limits.whole - limits.ping / 2, true),
    ] {
        let clamd = Clamd::that(Manner::SaysLate("stream: OK\0", time));
        let service = clamd.layer(limits).layer(Script::new());
        let (reply, took) = sent(service, MESSAGE).await;
        assert_eq!((reply, took), (Reply::message_accepted(), time));
        assert_eq!(clamd.connections(), 1 + usize::from(is_asked));
    }
}

#[tokio::test(start_paused = true)]
async fn a_scanner_that_only_is_slow_is_there_again() {
    let clamd = Clamd::that(Manner::Hangs);
    let limits = limits();
    let service = clamd.layer(limits).layer(Script::new());
    for _ in 0..limits.failures {
        sent(service.clone(), MESSAGE).await;
    }
    let (_, took) = sent(service.clone(), MESSAGE).await;
    assert_eq!(took, Duration::ZERO);
    clamd.becomes(Manner::SaysLate("stream: OK\0", 2 * limits.whole));
    tokio::time::advance(limits.pause).await;
    let (_, took) = sent(service.clone(), MESSAGE).await;
    assert_eq!(took, limits.whole);
    // From now on all of them are scanned.
    clamd.becomes(Manner::SaysLate("stream: OK\0", limits.whole / 2));
    let all = join_all((0..5).map(|_| sent(service.clone(), MESSAGE))).await;
    for (reply, took) in all {
        assert_eq!((reply, took), (Reply::message_accepted(), limits.whole / 2));
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_time_is_short_half_of_it_is_for_the_message_alone() {
    let mut limits = limits();
    limits.whole = Duration::from_secs(4);
    let clamd = Clamd::that(Manner::SaysLate("stream: OK\0", limits.whole / 4));
    let service = clamd.layer(limits).layer(Script::new());
    let (reply, _) = sent(service.clone(), MESSAGE).await;
    assert_eq!((reply, clamd.connections()), (Reply::message_accepted(), 1));
    clamd.becomes(Manner::Hangs);
    let (reply, took) = sent(service, MESSAGE).await;
    assert_eq!((reply, took), (Reply::scanner_unavailable(), limits.whole));
    assert_eq!(clamd.connections(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_may_wait_for_a_scanner_without_end() {
    let mut limits = limits();
    (limits.whole, limits.turn) = (Duration::MAX, Duration::MAX);
    let day = Duration::from_secs(24 * 60 * 60);
    let clamd = Clamd::that(Manner::SaysLate("stream: OK\0", day));
    let service = clamd.layer(limits).layer(Script::new());
    let (reply, took) = sent(service, MESSAGE).await;
    assert_eq!((reply, took), (Reply::message_accepted(), day));
    assert_eq!(clamd.connections(), 1);
}
