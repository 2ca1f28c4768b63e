use std::num::NonZeroU32;

use koukan_core::filter::rate_limit::{Limit, RateKey, RateLimitLayer};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn limit(key: RateKey, count: u32) -> Limit {
    Limit::new([key], NonZeroU32::new(count).unwrap(), MINUTE)
}

#[tokio::test(start_paused = true)]
async fn messages_of_one_client_are_counted_by_its_network() {
    let layer = RateLimitLayer::new([limit(RateKey::NetworkAddress, 2)]);
    let service = layer.layer(Script::new());
    for (address, expected) in [
        ("2001:db8::1", 250),
        ("2001:db8::2:3", 250),
        ("2001:db8::4", 452),
        ("2001:db8:0:1::4", 250),
        ("192.0.2.1", 250),
    ] {
        let (of_mail, _) = asked(service.clone(), at(address), "a@x", &["b@y"]).await;
        assert_eq!(of_mail.code().as_u16(), expected, "{address}");
    }
    tokio::time::advance(MINUTE / 2).await;
    let (of_mail, _) = asked(service, at("2001:db8::4"), "a@x", &["b@y"]).await;
    assert!(of_mail.is_positive());
}

#[tokio::test(start_paused = true)]
async fn what_one_limit_refuses_takes_nothing_of_the_others() {
    let layer = RateLimitLayer::new([
        limit(RateKey::NetworkAddress, 3),
        limit(RateKey::MailFrom, 1),
    ]);
    let service = layer.layer(Script::new());
    for (from, expected) in [
        ("a@x", 250),
        ("A@X", 452),
        ("a@x", 452),
        ("b@x", 250),
        ("c@x", 250),
        ("d@x", 452),
    ] {
        let (of_mail, _) = asked(service.clone(), at("192.0.2.1"), from, &[]).await;
        assert_eq!(of_mail.code().as_u16(), expected, "{from}");
    }
}

#[tokio::test(start_paused = true)]
async fn recipients_are_counted_by_whom_they_are_or_by_who_sends() {
    let of_recipient = limit(RateKey::RcptDomain, 2);
    let of_identity = limit(RateKey::Identity, 3).of_recipients();
    let service = RateLimitLayer::new([of_recipient, of_identity]).layer(Script::new());
    let mut context = at("192.0.2.1");
    let to = ["a@x", "b@x", "c@x", "a@y"];
    let (_, replies) = asked(service.clone(), context.clone(), "a@z", &to).await;
    let over = Reply::over_limit();
    let refused: Vec<_> = replies.iter().map(|reply| *reply == over).collect();
    assert_eq!(refused, [false, false, true, false]);
    assert_eq!(
        over.to_string(),
        "452 4.7.28 too much mail in a short time, try again later"
    );

    tokio::time::advance(MINUTE).await;
    context.identity = Some("alice".into());
    let to = ["a@p", "a@q", "a@r", "a@s"];
    let (of_mail, replies) = asked(service.clone(), context, "a@z", &to).await;
    assert!(of_mail.is_positive());
    let refused: Vec<_> = replies.iter().map(|reply| *reply == over).collect();
    assert_eq!(refused, [false, false, false, true]);
    // A client without an identity is not counted by identity.
    let (_, replies) = asked(service, at("192.0.2.1"), "a@z", &to[3..]).await;
    assert!(replies[0].is_positive());
}
