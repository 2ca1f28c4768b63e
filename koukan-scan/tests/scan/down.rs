//! A scanner that is down delays nobody.

use futures_util::future::join_all;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_scanner_that_hangs_is_waited_for_by_a_few_and_then_by_one_at_a_time() {
    let clamd = Clamd::that(Manner::Hangs);
    let limits = limits();
    let service = clamd.layer(limits).layer(Script::new());
    for _ in 0..limits.failures {
        let (reply, took) = sent(service.clone(), MESSAGE).await;
        assert_eq!((reply, took), (Reply::scanner_unavailable(), limits.whole));
    }
    // Nobody asks for a while.
    for _ in 0..10 {
        let (reply, took) = sent(service.clone(), MESSAGE).await;
        assert_eq!(
            (reply, took),
            (Reply::scanner_unavailable(), Duration::ZERO)
        );
    }
    // Each question also asked whether the scanner is there.
    assert_eq!(clamd.connections(), 3 * 2);
    // After the pause one message asks, while the others are told that the scanner is down.
    tokio::time::advance(limits.pause).await;
    let all = join_all((0..10).map(|_| sent(service.clone(), MESSAGE))).await;
    let waited = all.iter().filter(|(_, took)| *took == limits.whole).count();
    let at_once = all.iter().filter(|(_, took)| took.is_zero()).count();
    assert_eq!((waited, at_once, clamd.connections()), (1, 9, 4 * 2));
    // It is there again.
    clamd.becomes(Manner::Says("stream: OK\0"));
    tokio::time::advance(limits.pause).await;
    for _ in 0..3 {
        let (reply, took) = sent(service.clone(), MESSAGE).await;
        assert_eq!((reply, took), (Reply::message_accepted(), Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_turn_is_told_when_the_scanner_goes_down() {
    let clamd = Clamd::that(Manner::Hangs);
    let mut limits = limits();
    (limits.at_a_time, limits.failures) = (2, 1);
    limits.turn = 2 * limits.whole;
    let service = clamd.layer(limits).layer(Script::new());
    let all = join_all((0..20).map(|_| sent(service.clone(), MESSAGE))).await;
    for (reply, took) in all {
        assert_eq!((reply, took), (Reply::scanner_unavailable(), limits.whole));
    }
    assert_eq!(clamd.connections(), 2 * 2);
}

#[tokio::test(start_paused = true)]
async fn as_many_are_shown_at_a_time_as_may_be() {
    let second = Duration::from_secs(1);
    let clamd = Clamd::that(Manner::SaysLate("stream: OK\0", second));
    let mut limits = limits();
    limits.at_a_time = 2;
    let service = clamd.layer(limits).layer(Script::new());
    let all = join_all((0..6).map(|_| sent(service.clone(), MESSAGE))).await;
    let mut took: Vec<_> = all.iter().map(|(_, took)| took.as_secs()).collect();
    took.sort_unstable();
    assert_eq!(took, [1, 1, 2, 2, 3, 3]);
    // A message that waits too long for a turn does not count against the scanner.
    clamd.becomes(Manner::SaysLate("stream: OK\0", 50 * second));
    let all = join_all((0..8).map(|_| sent(service.clone(), MESSAGE))).await;
    let passed = all.iter().filter(|(reply, _)| reply.is_positive()).count();
    assert_eq!(passed, 2);
    clamd.becomes(Manner::Says("stream: OK\0"));
    let (reply, _) = sent(service, MESSAGE).await;
    assert_eq!(reply, Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn a_scanner_that_takes_nothing_is_left_before_all_time_is_over() {
    let clamd = Clamd::that(Manner::Hangs);
    let service = clamd.layer(limits()).layer(Script::new());
    let (reply, took) = sent(service, &"a".repeat(1 << 20)).await;
    assert_eq!(
        (reply, took),
        (Reply::scanner_unavailable(), limits().write)
    );
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_client_goes_away_leaves_the_next_one_to_try() {
    let clamd = Clamd::that(Manner::Hangs);
    let mut limits = limits();
    limits.failures = 1;
    let service = clamd.layer(limits).layer(Script::new());
    sent(service.clone(), MESSAGE).await;
    tokio::time::advance(limits.pause).await;
    let gone = sent(service.clone(), MESSAGE);
    assert!(tokio::time::timeout(limits.whole / 2, gone).await.is_err());
    clamd.becomes(Manner::Says("stream: OK\0"));
    let (reply, _) = sent(service, MESSAGE).await;
    assert_eq!(reply, Reply::message_accepted());
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_waited_for_no_longer_than_that() {
    let silent = "192.0.2.1:3310".parse().unwrap();
    let connector = ScriptedConnector::new(|_, _| {}).with_silent(silent);
    let server = Server::new("192.0.2.1:3310".parse().unwrap())
        .with_network(Arc::new(connector), Arc::new(ScriptedResolver::new()));
    let service = ScanLayer::new(Clamav, server).layer(Script::new());
    let (reply, took) = sent(service, MESSAGE).await;
    assert_eq!(
        (reply, took),
        (Reply::scanner_unavailable(), limits().connect)
    );
}
