//! Today's client asks, and what a router or a gateway of the version before answered is answered.

use std::sync::Arc;

use koukan_core::{
    context::Sender,
    reply::Reply,
    stage::rest_endpoint::{RestEndpoint, RestEndpointSettings},
    test_util::{context, mail, rcpt},
    transaction::Driver,
};
use koukan_rest::client::{Client, ClientSettings};

use crate::{
    player::Player,
    steps::{MESSAGE, TOKEN},
};

async fn endpoint(name: &str) -> (Arc<Player>, RestEndpoint<Client>) {
    let player = Player::start(name).await;
    let settings = ClientSettings::default().with_token(TOKEN);
    let client = Client::new(&player.url, settings).unwrap();
    let settings = RestEndpointSettings::default().with_sender(Sender::new("ingress"));
    (player, RestEndpoint::new(client, settings))
}

/// Sends to these, one after the other; replies to RCPT, and the last one.
async fn send(driver: &mut Driver, to: &[&str]) -> Vec<String> {
    let mut replies = Vec::new();
    for to in to {
        let recipient = driver.rcpt(rcpt(to)).await;
        replies.push(driver.wait(recipient).await.to_string());
    }
    replies
}

#[tokio::test]
async fn mail_goes_by_a_router_of_the_version_before() {
    for (name, to, replies, end) in [
        (
            "one",
            &["bob"][..],
            &["250 2.1.5 recipient ok"][..],
            "250 2.6.0 taken",
        ),
        (
            "several",
            &["bob", "nobody", "carol"],
            &[
                "250 2.1.5 recipient ok",
                "550 5.1.1 no such user",
                "250 2.1.5 recipient ok",
            ],
            "250 2.6.0 taken",
        ),
        (
            "deferred_message",
            &["busy"],
            &["250 2.1.5 recipient ok"],
            "451 4.3.0 busy",
        ),
        (
            "slow",
            &["slow"],
            &["250 2.1.5 recipient ok"],
            "250 2.6.0 taken",
        ),
    ] {
        let (player, endpoint) = endpoint(&format!("{name}.gateway-to-router")).await;
        let (mut driver, mail) = Driver::start(endpoint, context(), mail("alice@example.org"));
        assert_eq!(driver.wait(mail).await, Reply::sender_ok(), "{name}");
        let to: Vec<_> = to.iter().map(|to| format!("{to}@example.com")).collect();
        let to: Vec<_> = to.iter().map(String::as_str).collect();
        assert_eq!(send(&mut driver, &to).await, replies, "{name}");
        driver.send(MESSAGE.into()).await.unwrap();
        assert_eq!(driver.finish().await.to_string(), end, "{name}");
        player.finished().await;
    }
}

#[tokio::test]
async fn who_is_refused_or_put_off_by_a_router_of_the_version_before_hears_so() {
    for (name, to, reply) in [
        ("refused", "nobody@example.com", "550 5.1.1 no such user"),
        ("deferred", "later@example.com", "450 4.2.1 come later"),
    ] {
        let (player, endpoint) = endpoint(&format!("{name}.gateway-to-router")).await;
        let (mut driver, mail) = Driver::start(endpoint, context(), mail("alice@example.org"));
        assert_eq!(driver.wait(mail).await, Reply::sender_ok());
        assert_eq!(send(&mut driver, &[to]).await, [reply]);
        drop(driver);
        player.finished().await;
    }
}

#[tokio::test]
async fn what_is_given_up_is_cancelled_at_a_router_of_the_version_before() {
    let (player, endpoint) = endpoint("cancelled.gateway-to-router").await;
    let (mut driver, mail) = Driver::start(endpoint, context(), mail("alice@example.org"));
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    let replies = send(&mut driver, &["bob@example.com"]).await;
    assert_eq!(replies, ["250 2.1.5 recipient ok"]);
    driver.send(MESSAGE.into()).await.unwrap();
    drop(driver);
    player.finished().await;
}
