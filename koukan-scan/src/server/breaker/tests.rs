//! A server that fails, and one that is late.

use super::*;

const PAUSE: Duration = Duration::from_secs(30);

/// Nobody in particular.
const SOME: &Client = &Client::Unknown;

fn late(breaker: &mut Breaker, part: Part, now: Instant) -> Change {
    breaker.was_late(part, SOME, now)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_is_left_alone_and_tried_by_one() {
    let now = Instant::now();
    let mut breaker = Breaker::new(3, 10, PAUSE);
    let ordinary = Part::Ordinary;
    // A success resets the count of failures.
    for _ in 0..2 {
        assert_eq!(breaker.failed(ordinary, SOME, now), Change::None);
        assert_eq!(breaker.failed(ordinary, SOME, now), Change::None);
        assert_eq!(breaker.succeeded(), Change::None);
    }
    assert_eq!(breaker.failed(ordinary, SOME, now), Change::None);
    assert_eq!(breaker.failed(ordinary, SOME, now), Change::None);
    assert_eq!(breaker.enter(SOME, now), Some(ordinary));
    assert_eq!(breaker.failed(ordinary, SOME, now), Change::WentDown);
    assert_eq!(breaker.enter(SOME, now + PAUSE / 2), None);
    // A question that began earlier changes nothing.
    assert_eq!(
        breaker.failed(ordinary, SOME, now + PAUSE / 2),
        Change::None
    );
    let later = now + PAUSE;
    assert_eq!(breaker.enter(SOME, later), Some(Part::Probe));
    assert_eq!(breaker.enter(SOME, later), None);
    assert_eq!(breaker.failed(ordinary, SOME, later), Change::None);
    assert_eq!(breaker.enter(SOME, later), None);
    // When a probe's client goes away, the next caller becomes the probe.
    breaker.left(Part::Probe, SOME, later);
    assert_eq!(breaker.enter(SOME, later), Some(Part::Probe));
    assert_eq!(breaker.failed(Part::Probe, SOME, later), Change::None);
    assert_eq!(breaker.enter(SOME, later + PAUSE / 2), None);
    assert_eq!(breaker.enter(SOME, later + PAUSE), Some(Part::Probe));
    assert_eq!(breaker.succeeded(), Change::CameBack);
    assert_eq!(breaker.enter(SOME, later + PAUSE), Some(ordinary));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_a_ping_and_no_message_is_down() {
    let now = Instant::now();
    let ordinary = Part::Ordinary;
    let mut breaker = Breaker::new(2, 3, PAUSE);
    // A success resets both counts, and a late message resets that of failures.
    for _ in 0..3 {
        assert_eq!(late(&mut breaker, ordinary, now), Change::None);
        assert_eq!(breaker.failed(ordinary, SOME, now), Change::None);
        assert_eq!(late(&mut breaker, ordinary, now), Change::None);
        assert_eq!(breaker.succeeded(), Change::None);
    }
    for _ in 0..2 {
        assert_eq!(late(&mut breaker, ordinary, now), Change::None);
    }
    assert_eq!(late(&mut breaker, ordinary, now), Change::WentDown);
    // A question that began earlier changes nothing.
    assert_eq!(late(&mut breaker, ordinary, now), Change::None);
    let later = now + PAUSE;
    assert_eq!(breaker.enter(SOME, later), Some(Part::Probe));
    assert_eq!(late(&mut breaker, ordinary, later), Change::None);
    assert_eq!(breaker.enter(SOME, later), None);
    // Being there is not enough.
    assert_eq!(late(&mut breaker, Part::Probe, later), Change::None);
    assert_eq!(breaker.enter(SOME, later + PAUSE / 2), None);
    assert_eq!(breaker.enter(SOME, later + PAUSE), Some(Part::Probe));
    assert_eq!(breaker.succeeded(), Change::CameBack);
    // After failures it is.
    for _ in 0..2 {
        breaker.failed(ordinary, SOME, now);
    }
    assert_eq!(breaker.enter(SOME, later), Some(Part::Probe));
    assert_eq!(late(&mut breaker, Part::Probe, later), Change::CameBack);
    assert_eq!(late(&mut breaker, ordinary, later), Change::None);
    assert_eq!(late(&mut breaker, ordinary, later), Change::WentDown);
}

#[tokio::test(start_paused = true)]
async fn late_messages_of_one_client_take_it_from_no_other() {
    let now = Instant::now();
    let ordinary = Part::Ordinary;
    let mut breaker = Breaker::new(2, 3, PAUSE);
    let [a, b, c] = ["a", "b", "c"].map(Client::named);
    for _ in 0..2 {
        for client in [&a, &b] {
            assert_eq!(breaker.was_late(ordinary, client, now), Change::None);
        }
    }
    // Each of these is held off by itself.
    for client in [&a, &b] {
        assert_eq!(breaker.was_late(ordinary, client, now), Change::HeldOff);
        assert_eq!(breaker.was_late(ordinary, client, now), Change::None);
        assert_eq!(breaker.enter(client, now), None);
    }
    for client in [&c, SOME] {
        assert_eq!(breaker.enter(client, now), Some(ordinary));
    }
    assert_eq!(breaker.succeeded(), Change::LetBack);
    assert_eq!(breaker.succeeded(), Change::None);
    for client in [&c, &b] {
        assert_eq!(breaker.enter(client, now), Some(ordinary));
        assert_eq!(breaker.was_late(ordinary, client, now), Change::None);
    }
    assert_eq!(breaker.was_late(ordinary, &a, now), Change::WentDown);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_held_off_is_tried_by_one_of_its_messages() {
    let begin = Instant::now();
    let mut breaker = Breaker::new(2, 3, PAUSE);
    let [relay, other] = ["relay", "other"].map(Client::named);
    for _ in 0..3 {
        breaker.was_late(Part::Ordinary, &relay, begin);
    }
    let mut now = begin;
    let outcomes: [fn(&mut Breaker, &Client, Instant) -> Change; 2] = [
        |breaker, client, now| breaker.was_late(Part::Retry, client, now),
        |breaker, client, now| breaker.failed(Part::Retry, client, now),
    ];
    for outcome in outcomes {
        assert!(breaker.holds_off(&relay, now + PAUSE / 2));
        assert_eq!(breaker.enter(&relay, now + PAUSE / 2), None);
        now += PAUSE;
        assert!(!breaker.holds_off(&relay, now));
        assert_eq!(breaker.enter(&relay, now), Some(Part::Retry));
        // Nobody else of this client, but all others.
        assert_eq!(breaker.enter(&relay, now), None);
        assert_eq!(breaker.enter(&other, now), Some(Part::Ordinary));
        // A message that was shown before changes nothing.
        assert_eq!(breaker.was_late(Part::Ordinary, &relay, now), Change::None);
        assert_eq!(breaker.enter(&relay, now + PAUSE), None);
        // When its own client goes away, the next message is the try.
        breaker.left(Part::Retry, &relay, now);
        assert_eq!(breaker.enter(&relay, now), Some(Part::Retry));
        assert_eq!(outcome(&mut breaker, &relay, now), Change::None);
    }
    now += PAUSE;
    assert_eq!(breaker.enter(&relay, now), Some(Part::Retry));
    assert_eq!(breaker.succeeded(), Change::LetBack);
    assert_eq!(breaker.enter(&relay, now), Some(Part::Ordinary));
}
