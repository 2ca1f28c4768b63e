use super::*;
use crate::context::{Context, Sender};

const SECOND: Duration = Duration::from_secs(1);

fn key(name: &str) -> SchedulingKey {
    SchedulingKey::of(&Context::new(Sender::new(name)), &[])
}

fn host(name: &str) -> HostPort {
    HostPort {
        host: name.into(),
        port: 25,
    }
}

fn unreached(name: &str, until: Instant) -> Unreached {
    Unreached {
        hosts: [host(name)].into(),
        until,
        is_tried: false,
    }
}

fn id() -> TransactionId {
    TransactionId::random()
}

#[tokio::test]
async fn one_tries_the_hosts_for_all_destinations_that_lead_there() {
    let (mut holds, now) = (Holds::default(), Instant::now());
    let down = unreached("mx", now + SECOND);
    for name in ["a", "b"] {
        let waiting = id();
        assert!(holds.hold(&key(name), waiting, &down, now));
        holds.waits(&key(name), waiting);
    }
    assert_eq!(holds.ask(&key("c"), id(), now), Passage::Free);
    assert_eq!(holds.ask(&key("b"), id(), now), Passage::HeldBack);
    let look = holds.look(now, 10, &[]);
    assert_eq!(look.held, [key("a"), key("b")]);
    assert!(look.probes.is_empty());
    assert_eq!(holds.next(now), Some(down.until));
    let later = down.until;
    let probes = holds.look(later, 10, &[]).probes;
    assert_eq!(probes.len(), 1);
    let look = holds.look(later, 10, &[]);
    assert_eq!((look.probes.len(), look.held.len()), (0, 2));
    assert_eq!(holds.next(now), None, "somebody tries them");
    // It fails.
    assert!(holds.hold(
        &key("a"),
        probes[0],
        &unreached("mx", later + SECOND),
        later
    ));
    assert!(!holds.ended(probes[0], later));
    let probes = holds.look(later + SECOND, 10, &[]).probes;
    // It reports nothing.
    assert!(holds.ended(probes[0], later + SECOND));
    let last = later + SECOND + PAUSE;
    assert!(holds.look(last, 10, &[]).held.is_empty(), "none is known");
    let probe = id();
    assert_eq!(holds.ask(&key("a"), probe, last), Passage::Probe);
    assert_eq!(holds.ask(&key("b"), id(), last), Passage::HeldBack);
    assert!(holds.free(&key("a"), &host("mx"), last));
    assert!(holds.is_empty());
}

#[tokio::test]
async fn what_has_waited_is_freed_as_far_as_there_is_room() {
    let (mut holds, now) = (Holds::default(), Instant::now());
    let down = unreached("mx", now + SECOND);
    for name in ["a", "a", "a", "b"] {
        let waiting = id();
        holds.hold(&key(name), waiting, &down, now);
        holds.waits(&key(name), waiting);
        holds.waits(&key(name), waiting);
    }
    holds.free(&key("c"), &host("mx"), now);
    assert_eq!(holds.look(now, 2, &[]).freed.len(), 2);
    let full = [key("a")];
    let freed = holds.look(now, 9, &full).freed;
    let again = holds.look(now, 9, &full).freed;
    assert!(freed.iter().chain(&again).all(|(of, _)| *of == key("b")));
    holds.put_back(freed);
    let all = holds.look(now, 9, &[]).freed;
    assert_eq!(all.len() + again.len(), 2);
    assert!(holds.is_empty());
    assert_eq!((holds.keys, holds.waiting), (0, 0));
}

#[tokio::test]
async fn who_has_tried_goes_with_the_others_and_tries_no_more_for_them() {
    let (mut holds, now) = (Holds::default(), Instant::now());
    let down = unreached("mx", now + SECOND);
    let [tried, waits] = [id(), id()];
    assert!(holds.hold(&key("a"), tried, &down, now));
    holds.has_tried(&key("a"), tried);
    holds.waits(&key("a"), waits);
    assert_eq!(holds.look(down.until, 9, &[]).probes, [waits]);
    holds.ended(waits, down.until);
    holds.has_tried(&key("a"), waits);
    let later = down.until + PAUSE;
    assert!(holds.look(later, 9, &[]).probes.is_empty());
    // It is counted once, even if it waits again.
    holds.waits(&key("a"), waits);
    holds.waits(&key("a"), waits);
    assert_eq!(holds.waiting, 2);
    holds.free(&key("a"), &host("mx"), later);
    let freed = holds.look(later, 9, &[]).freed;
    assert_eq!((freed.len(), holds.waiting), (2, 0));
    assert_eq!(freed[0].1, tried, "the one that is due last goes first");
}

#[tokio::test]
async fn a_destination_with_another_host_is_not_held_back() {
    let (mut holds, now) = (Holds::default(), Instant::now());
    let down = unreached("mx", now + SECOND);
    holds.hold(&key("a"), id(), &down, now);
    holds.hold(&key("b"), id(), &down, now);
    assert!(holds.free(&key("a"), &host("other"), now));
    assert_eq!(holds.ask(&key("a"), id(), now), Passage::Free);
    assert_eq!(holds.ask(&key("b"), id(), now), Passage::HeldBack);
    assert!(!holds.hold(&key("a"), id(), &down, now));
    assert!(holds.hold(&key("a"), id(), &down, now + MIXED));
}

#[tokio::test]
async fn there_is_an_end_to_what_is_remembered() {
    let (mut holds, now) = (Holds::default(), Instant::now());
    let mut held = 0;
    for number in 0..KEYS_MAX + 10 {
        let down = unreached(&format!("mx{}", number % 2000), now + SECOND);
        let destination = key(&format!("d{number}"));
        held += usize::from(holds.hold(&destination, id(), &down, now));
    }
    assert_eq!((holds.holds.len(), held), (HOLDS_MAX, holds.keys));
    assert!(held <= KEYS_MAX);
    holds.look(now + SECOND + REMEMBERED, 9, &[]);
    assert!(holds.is_empty());
    assert_eq!(holds.keys, 0);
}

#[tokio::test]
async fn hosts_are_the_same_in_whatever_order_they_were_drawn() {
    let (mut holds, now) = (Holds::default(), Instant::now());
    let of = |names: &[&str]| Unreached {
        hosts: names.iter().map(|name| host(name)).collect(),
        until: now + SECOND,
        is_tried: true,
    };
    for order in [["a", "b"], ["b", "a"]] {
        assert!(holds.hold(&key("x"), id(), &of(&order), now));
    }
    assert_eq!(holds.holds().len(), 1);
    assert!(holds.hold(&key("x"), id(), &of(&["a"]), now));
    assert_eq!(holds.holds().len(), 2);
}
