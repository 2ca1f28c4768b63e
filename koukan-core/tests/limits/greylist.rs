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
    assert_eq!(list.snapshot(), None);
}

#[tokio::test]
async fn what_is_known_outlives_the_process() {
    let clock = Arc::new(ManualClock::default());
    let list = Greylist::new(Times::default(), clock.clone());
    assert!(!passes(&list, at("192.0.2.1"), "a@x", "b@y").await);
    let snapshot = list.snapshot().unwrap();
    assert_eq!(list.snapshot(), None);
    list.lost_snapshot();
    assert_eq!(list.snapshot(), Some(snapshot.clone()));
    assert!(!String::from_utf8_lossy(&snapshot).contains("192"));

    clock.advance(6 * MINUTE);
    let other = Greylist::new(Times::default(), clock.clone());
    assert!(other.restore(b"nonsense").is_err());
    other.restore(&snapshot).unwrap();
    assert!(passes(&other, at("192.0.2.1"), "a@x", "b@y").await);
    let fresh = Greylist::new(Times::default(), clock);
    assert!(!passes(&fresh, at("192.0.2.1"), "a@x", "b@y").await);
}
