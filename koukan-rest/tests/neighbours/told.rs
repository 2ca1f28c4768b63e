//! Today's client against recorded answers of a router or a gateway of the previous version.

use std::sync::Arc;

use koukan_core::{
    context::Sender,
    path::Parameter,
    reply::Reply,
    stage::rest_endpoint::{RestEndpoint, RestEndpointSettings},
    test_util::{context, mail, rcpt},
    transaction::{Driver, Mail},
};
use koukan_rest::client::{Client, ClientSettings};

use crate::{
    player::Player,
    steps::{MESSAGE, TOKEN},
};

/// Today's gateway in front of an old router.
async fn endpoint(name: &str) -> (Arc<Player>, RestEndpoint<Client>) {
    start(&format!("{name}.gateway-to-router"), "ingress").await
}

/// Today's router in front of an old gateway.
async fn output(name: &str) -> (Arc<Player>, RestEndpoint<Client>) {
    start(&format!("{name}.router-to-gateway"), "output").await
}

async fn start(name: &str, sender: &str) -> (Arc<Player>, RestEndpoint<Client>) {
    let player = Player::start(name).await;
    let settings = ClientSettings::default().with_token(TOKEN);
    let client = Client::new(&player.url, settings).unwrap();
    let settings = RestEndpointSettings::default().with_sender(Sender::new(sender));
    (player, RestEndpoint::new(client, settings))
}

/// Sends to these recipients, one after the other; returns the replies to RCPT and the final one.
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
        let (player, endpoint) = endpoint(name).await;
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
        let (player, endpoint) = endpoint(name).await;
        let (mut driver, mail) = Driver::start(endpoint, context(), mail("alice@example.org"));
        assert_eq!(driver.wait(mail).await, Reply::sender_ok());
        assert_eq!(send(&mut driver, &[to]).await, [reply]);
        drop(driver);
        player.finished().await;
    }
}

#[tokio::test]
async fn what_is_given_up_is_cancelled_at_a_router_of_the_version_before() {
    let (player, endpoint) = endpoint("cancelled").await;
    let (mut driver, mail) = Driver::start(endpoint, context(), mail("alice@example.org"));
    assert_eq!(driver.wait(mail).await, Reply::sender_ok());
    let replies = send(&mut driver, &["bob@example.com"]).await;
    assert_eq!(replies, ["250 2.1.5 recipient ok"]);
    driver.send(MESSAGE.into()).await.unwrap();
    drop(driver);
    player.finished().await;
}

/// A router sends to each recipient separately.
async fn begin(endpoint: &RestEndpoint<Client>, mail: Mail, to: &str) -> (Driver, String) {
    let (mut driver, mail) = Driver::start(endpoint.clone(), context(), mail);
    let recipient = driver.rcpt(rcpt(&format!("{to}@example.com"))).await;
    let mail = driver.wait(mail).await;
    assert!(mail.is_positive(), "{to}: {mail}");
    let reply = driver.wait(recipient).await.to_string();
    (driver, reply)
}

const RECIPIENT_OK: &str = "250 2.1.5 recipient ok";

#[tokio::test]
async fn mail_goes_by_a_gateway_of_the_version_before() {
    let parameters = &[("SIZE", "100"), ("BODY", "8BITMIME")][..];
    for (name, parameters, to, end) in [
        ("one", &[][..], "bob", "250 2.6.0 taken"),
        ("parameters", parameters, "bob", "250 2.6.0 taken"),
        ("deferred_message", &[], "busy", "451 4.3.0 busy"),
        ("slow", &[], "slow", "250 2.6.0 taken"),
    ] {
        let (player, endpoint) = output(name).await;
        let mut mail = mail("alice@example.org");
        for (keyword, value) in parameters {
            let parameter = Parameter::new(keyword, Some(value)).unwrap();
            mail.parameters.push(parameter).unwrap();
        }
        let (mut driver, reply) = begin(&endpoint, mail, to).await;
        assert_eq!(reply, RECIPIENT_OK, "{name}");
        driver.send(player.message()).await.unwrap();
        assert_eq!(driver.finish().await.to_string(), end, "{name}");
        player.finished().await;
    }
}

#[tokio::test]
async fn who_is_refused_or_put_off_by_a_gateway_of_the_version_before_hears_so() {
    for (name, to, expected) in [
        ("refused", "nobody", "550 5.1.1 no such user"),
        ("deferred", "later", "450 4.2.1 come later"),
    ] {
        let (player, endpoint) = output(name).await;
        let (driver, reply) = begin(&endpoint, mail("alice@example.org"), to).await;
        assert_eq!(reply, expected);
        drop(driver);
        player.finished().await;
    }
}

#[tokio::test]
async fn what_is_given_up_is_cancelled_at_a_gateway_of_the_version_before() {
    let (player, endpoint) = output("cancelled").await;
    let (driver, reply) = begin(&endpoint, mail("alice@example.org"), "bob").await;
    assert_eq!(reply, RECIPIENT_OK);
    drop(driver);
    player.finished().await;
}

#[tokio::test]
async fn each_recipient_of_several_goes_by_a_gateway_of_the_version_before() {
    let (player, endpoint) = output("several").await;
    let mut taken = Vec::new();
    for (to, expected) in [
        ("bob", RECIPIENT_OK),
        ("nobody", "550 5.1.1 no such user"),
        ("carol", RECIPIENT_OK),
    ] {
        let (driver, reply) = begin(&endpoint, mail("alice@example.org"), to).await;
        assert_eq!(reply, expected);
        taken.extend((reply == RECIPIENT_OK).then_some(driver));
    }
    for driver in &mut taken {
        driver.send(player.message()).await.unwrap();
    }
    let (mut carol, mut bob) = (taken.pop().unwrap(), taken.pop().unwrap());
    // One upload was answered after the other had arrived.
    let (bob, carol) = tokio::join!(bob.finish(), carol.finish());
    for end in [bob, carol] {
        assert_eq!(end.to_string(), "250 2.6.0 taken");
    }
    player.finished().await;
}
