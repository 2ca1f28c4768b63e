use std::num::NonZeroUsize;

use koukan_core::filter::greylist::{Greylist, GreylistLayer, Times};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

async fn passes(list: &Greylist, context: Context, from: &str, to: &str) -> bool {
    let service = GreylistLayer::new(list.clone()).layer(Script::new());
    let (_, replies) = asked(service, context, from, &[to]).await;
    if !replies[0].is_positive() {
        assert_eq!(
            replies[0].to_string(),
            "451 4.7.1 greylisted, try again later"
        );
    }
    replies[0].is_positive()
}

#[tokio::test]
async fn who_comes_back_from_the_same_network_passes() {
    let clock = Arc::new(ManualClock::default());
    let list = Greylist::new(Times::default(), clock.clone());
    assert!(!passes(&list, at("192.0.2.1"), "a@x", "b@y").await);
    assert!(!passes(&list, at("2001:db8::1"), "a@x", "b@y").await);
    clock.advance(5 * MINUTE);
    assert!(passes(&list, at("192.0.2.77"), "A@x", "B@y").await);
    assert!(passes(&list, at("2001:db8::77"), "a@x", "b@y").await);
    for (address, from, to) in [
        ("192.0.3.1", "a@x", "b@y"),
        ("192.0.2.1", "", "b@y"),
        ("192.0.2.1", "a@x", "c@y"),
        ("2001:db8:0:1::1", "a@x", "b@y"),
    ] {
        assert!(
            !passes(&list, at(address), from, to).await,
            "{address} {from} {to}"
        );
    }
}

#[tokio::test]
async fn nothing_is_asked_of_users_and_of_mail_from_no_address() {
    let list = Greylist::new(Times::default(), Arc::new(ManualClock::default()));
    let mut user = at("192.0.2.1");
    user.identity = Some("alice".into());
    assert!(passes(&list, user, "a@x", "b@y").await);
    let mut by_http = at("192.0.2.1");
    by_http.remote_host = None;
    assert!(passes(&list, by_http, "a@x", "b@y").await);
    assert!(list.snapshot().is_none());
}

fn whole(list: &Greylist) -> Option<Vec<u8>> {
    Some(list.snapshot()?.flatten().collect())
}

#[tokio::test]
async fn while_a_snapshot_is_written_mail_waits_for_no_more_than_a_piece() {
    let clock = Arc::new(ManualClock::default());
    let times = || {
        let mut times = Times::default();
        times.max = 200_000.try_into().unwrap();
        times
    };
    let list = Greylist::new(times(), clock.clone());
    let triplet = |number: u32| {
        let client = std::net::Ipv4Addr::from_bits(0x0A00_0000 + (number << 8));
        (client, format!("a{number}@x"))
    };
    const COUNT: u32 = 20_000;
    for number in 0..COUNT {
        let (client, from) = triplet(number);
        assert!(!list.passes(client.into(), &from, "b@y"));
    }
    let mut snapshot = list.snapshot().unwrap();
    let mut octets = snapshot.next().unwrap();
    // These additions are not lost, whether this snapshot has them or the next one.
    for number in COUNT..COUNT + 100 {
        let (client, from) = triplet(number);
        assert!(!list.passes(client.into(), &from, "b@y"));
    }
    let mut longest = octets.len();
    for piece in snapshot {
        longest = longest.max(piece.len());
        octets.extend(piece);
    }
    assert!(longest < octets.len() / 8, "{longest} of {}", octets.len());
    clock.advance(6 * MINUTE);
    let other = Greylist::new(times(), clock.clone());
    other.restore(&octets).unwrap();
    for number in 0..COUNT {
        let (client, from) = triplet(number);
        assert!(other.passes(client.into(), &from, "b@y"), "{number}");
    }
    let next = Greylist::new(times(), clock);
    next.restore(&whole(&list).unwrap()).unwrap();
    let (client, from) = triplet(COUNT + 99);
    assert!(next.passes(client.into(), &from, "b@y"));
}

#[tokio::test]
async fn a_list_that_may_remember_anything_takes_no_room_before_it_does() {
    let mut times = Times::default();
    times.max = NonZeroUsize::MAX;
    let clock = Arc::new(ManualClock::default());
    let list = Greylist::new(times, clock.clone());
    assert!(!passes(&list, at("192.0.2.1"), "a@x", "b@y").await);
    clock.advance(6 * MINUTE);
    assert!(passes(&list, at("192.0.2.1"), "a@x", "b@y").await);
}

#[tokio::test]
async fn what_is_known_outlives_the_process() {
    let clock = Arc::new(ManualClock::default());
    let list = Greylist::new(Times::default(), clock.clone());
    assert!(!passes(&list, at("192.0.2.1"), "a@x", "b@y").await);
    let snapshot = whole(&list).unwrap();
    assert_eq!(whole(&list), None);
    list.lost_snapshot();
    assert_eq!(whole(&list), Some(snapshot.clone()));
    assert!(!String::from_utf8_lossy(&snapshot).contains("192"));

    clock.advance(6 * MINUTE);
    let other = Greylist::new(Times::default(), clock.clone());
    assert!(other.restore(b"nonsense").is_err());
    other.restore(&snapshot).unwrap();
    assert!(passes(&other, at("192.0.2.1"), "a@x", "b@y").await);
    let fresh = Greylist::new(Times::default(), clock);
    assert!(!passes(&fresh, at("192.0.2.1"), "a@x", "b@y").await);
}
